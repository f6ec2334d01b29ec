import Foundation
import GRDB
import GatehouseCore
import LedgerContract
import Testing

@testable import GatehouseCrypto
@testable import GatehouseLedger
@testable import LedgerSQLite

@Suite("Queries of the ledger")
struct QueryPlanTests {
  @Test("Every statement that a call makes is served by an index, and every statement in the sources is made by a call")
  func served() async throws {
    try await withPath { path in
      let made = try await statementsOfEveryCall(path)
      let plans = try seen(in: path) { db in
        try made.map { (sql: $0, faults: try faults(of: $0, db)) }
      }
      for plan in plans { #expect(plan.faults.isEmpty, "\(plan.sql)\n  \(plan.faults.joined(separator: "\n  "))") }
      let literals = try literalsInSources()
      #expect(literals.count > 60, "the sources were not read: \(literals.count) statements")
      for literal in literals {
        #expect(try made.contains { try literal.matches($0) }, "no call of this test makes this statement: \(literal.text)")
      }
    }
  }

  @Test(
    "A query without an index is noticed",
    arguments: [
      "SELECT * FROM users WHERE name = ?", "SELECT * FROM usage_events WHERE user_id = ? ORDER BY metadata",
      "DELETE FROM sessions WHERE device = ?", "SELECT u.id FROM users u JOIN analyses a ON a.filename = u.name WHERE u.id = ?",
      "UPDATE reservations SET amount = 1 WHERE created_at < ?", "SELECT id FROM sessions ORDER BY ip LIMIT 1",
    ])
  func noticed(sql: String) async throws {
    try await withPath { path in
      await (try open(file(path))).close()
      #expect(try seen(in: path) { try !faults(of: sql, $0).isEmpty })
    }
  }

  @Test("A deleted row's children are found by an index")
  func foreignKeys() async throws {
    try await withPath { path in
      await (try open(file(path))).close()
      try seen(in: path) { db in
        let tables = try String.fetchAll(db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        #expect(tables.count >= 11)
        for table in tables {
          #expect(
            try String.fetchOne(db, sql: "SELECT sql FROM sqlite_schema WHERE name = ?", arguments: [table])?.contains("STRICT") == true)
          for key in try db.foreignKeys(on: table) {
            let column = try #require(key.originColumns.first)
            let plan = try self.plan(of: "SELECT 1 FROM \(table) WHERE \(column) = ?", db)
            #expect(plan.allSatisfy { $0.hasPrefix("SEARCH") }, "\(table).\(column): \(plan)")
          }
        }
      }
    }
  }

  /// Tables that are read whole: rows that are one; the Redis that serves; the changes that it has not been told of, with a bound; the few
  /// keys of backends; the few costs of password hashes; deleted users whose rows are not gone yet, through an index of nothing else; the
  /// few lines of the secret.
  private static let wholeReads = [
    "meta", "clock", "hot_nodes", "hot_pending", "service_keys", "password_costs", "users USING INDEX users_deleted", "secret_lines",
    "subject_key",
  ]

  private func faults(of sql: String, _ db: Database) throws -> [String] {
    let plan = try plan(of: sql, db)
    let isWhole = plan.contains { step in Self.wholeReads.contains { step == "SCAN \($0)" } }
    return plan.filter { step in
      if step.hasPrefix("SCAN ") {
        return !Self.wholeReads.contains { step == "SCAN \($0)" } && !step.hasPrefix("SCAN (subquery") && step != "SCAN CONSTANT ROW"
      }
      return step.contains("USE TEMP B-TREE FOR") && step.contains("ORDER BY") && !isWhole
    }
  }

  private func plan(of sql: String, _ db: Database) throws -> [String] {
    let statement = try db.makeStatement(sql: "EXPLAIN QUERY PLAN \(sql)")
    // The plan depends on no value: whatever is not given is NULL.
    statement.setUncheckedArguments(StatementArguments())
    return try Row.fetchAll(statement).map { $0["detail"] }
  }
}

extension QueryPlanTests {
  private func file(_ path: String) throws -> LedgerDatabase {
    var options = SQLiteOptions()
    // One reader a lane, so that its trace sees every read.
    (options.bounds.readersMax, options.bounds.listReadersMax, options.bounds.exportReadersMax) = (1, 1, 1)
    return try .sqlite(path: path, options: options, onFatal: { _ in }, log: quiet)
  }

  private func open(_ file: LedgerDatabase) throws -> SQLLedger {
    var settings = Rig.settings
    (settings.retention.usageEventDays, settings.retention.auditDays) = (1, 1)
    (settings.retention.reservationDays, settings.retention.eventDays) = (1, 1)
    return try SQLLedger(database: file, secret: Rig.secret, rules: LiveSettings(settings), log: quiet)
  }

  private func statementsOfEveryCall(_ path: String) async throws -> Set<String> {
    let file = try file(path)
    let ledger = try open(file)
    let traced = Collected<String>()
    let trace: @Sendable (Database) -> Void = { db in
      db.trace { if case .statement(let statement) = $0 { traced.add(statement.sql) } }
    }
    try await ledger.database.write { db in trace(try db.sqlite) }
    try await traceEveryReader(of: ledger, trace)
    try await everyCall(Rig(ledger, ledger.database))
    let oldLine = ServerSecret.Root.random()
    try await ledger.noteSecret(ServerSecret(newest: oldLine, older: []), now: Rig.now)
    _ = try await ledger.secretNeeds(ServerSecret(newest: .random(), older: [oldLine]))
    try startCalls(file)
    await ledger.close()
    return Set(traced.all.filter { Literal.isStatement($0) })
  }

  /// Any lane may get any reader: they are all held at once.
  private func traceEveryReader(of ledger: SQLLedger, _ trace: @escaping @Sendable (Database) -> Void) async throws {
    let lanes = LedgerDatabase.Lane.allCases
    let held = Collected<Int>()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for lane in lanes {
        group.addTask {
          try await ledger.database.read(for: lane) { db in
            trace(try db.sqlite)
            held.add(1)
            while held.all.count < lanes.count { usleep(1_000) }
          }
        }
      }
      try await group.waitForAll()
    }
  }

  /// The reads of a start, once and before anybody else: nothing waits for the thread that it blocks.
  private func startCalls(_ file: LedgerDatabase) throws {
    _ = try file.firstLine()
    _ = try file.sessionsLive(now: Rig.now)
    _ = try file.adopt(Rig.secret.now)
  }

  private func literalsInSources() throws -> [Literal] {
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let folder = package.appendingPathComponent("Sources/GatehouseLedger/Records")
    return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).flatMap { file in
      Literal.all(in: try String(contentsOf: file, encoding: .utf8))
    }
  }
}

/// A string literal of the sources that is a statement; interpolated parts stand for anything.
private struct Literal {
  let text: String

  static func isStatement(_ text: String) -> Bool {
    ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH ", "REPLACE "].contains { text.hasPrefix($0) }
  }

  static func all(in source: String) -> [Literal] {
    var literals: [Literal] = []
    for (index, part) in source.components(separatedBy: "\"\"\"").enumerated() {
      if index % 2 == 1 {
        literals.append(Literal(text: part))
      } else {
        for line in part.split(separator: "\n") {
          for (index, piece) in line.replacing("\\\"", with: "").split(separator: "\"", omittingEmptySubsequences: false).enumerated()
          where index % 2 == 1 { literals.append(Literal(text: String(piece))) }
        }
      }
    }
    return literals.map { Literal(text: spaced($0.text)) }.filter { isStatement($0.text) }
  }

  func matches(_ sql: String) throws -> Bool {
    let fixed = try text.split(separator: Regex("\\\\\\([a-zA-Z.]+\\)"), omittingEmptySubsequences: false)
    let sql = Self.spaced(sql)
    guard fixed.count > 1, let first = fixed.first, let last = fixed.last else { return sql == text }
    guard sql.hasPrefix(first), sql.hasSuffix(last) else { return false }
    return fixed.dropFirst().dropLast().allSatisfy { sql.contains($0) }
  }

  private static func spaced(_ text: String) -> String { text.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}
