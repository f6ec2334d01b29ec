import CSQLite
import Dispatch
import GatehouseLedger

@testable import LedgerSQLite

/// SQLite in memory on one connection: no GRDB, no turnstile, no log, no file. The smallest engine that the ledger's rules run on.
final class MemoryEngine: LedgerEngine {
  private let queue = DispatchQueue(label: "ledger in memory")
  private let connection: MemoryConnection

  init() throws {
    connection = try MemoryConnection()
    try connection.script(Migrations.ofTheLedger.schema)
  }

  func write(_ body: @escaping @Sendable (any LedgerWriter) -> Void) {
    queue.async { [connection] in body(connection) }
  }

  func admit(_ body: () throws(LedgerFailure) -> Void) throws(LedgerFailure) { try body() }

  func read(_ body: @escaping @Sendable (Result<any LedgerReader, LedgerFailure>) -> Void) {
    queue.async { [connection] in
      do throws(LedgerFailure) {
        try connection.script("BEGIN")
        body(.success(connection))
        try connection.script("COMMIT")
      } catch { body(.failure(error)) }
    }
  }

  func prepare(_ body: (any LedgerTransaction) throws -> Void) throws {
    try queue.sync {
      var thrown: (any Error)?
      try connection.transaction {
        do { try body(connection) } catch {
          thrown = error
          throw error
        }
      }
      if let thrown { throw thrown }
    }
  }

  func holders() -> [String] { [] }
  func suspect() {}
  func close() {}
}

/// The connection, with the statements that it has compiled.
private final class MemoryConnection: @unchecked Sendable {
  // Invariant: closures on the engine's serial queue alone use it, but for the thread that makes it.
  private struct Compiled {
    let statement: OpaquePointer
    let names: [String]
  }

  private let connection: OpaquePointer
  private var compiled: [String: Compiled] = [:]

  init() throws {
    var opened: OpaquePointer?
    guard sqlite3_open(":memory:", &opened) == SQLITE_OK, let opened else { throw LedgerFailure(.internal("no memory")) }
    connection = opened
    sqlite3_extended_result_codes(opened, 1)
    // The function that the triggers of `schema.sql` call; see there. The text is copied.
    sqlite3_create_function(
      opened, "sqlite_source_id", 0, SQLITE_UTF8, nil,
      { context, _, _ in sqlite3_result_text(context, "gatehouse", -1, unsafeBitCast(-1, to: sqlite3_destructor_type.self)) }, nil, nil)
    try script("PRAGMA foreign_keys = ON")
  }

  deinit {
    for one in compiled.values { sqlite3_finalize(one.statement) }
    sqlite3_close(connection)
  }

  func script(_ sql: String) throws(LedgerFailure) {
    let code = sqlite3_exec(connection, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw LedgerFailure(code: code) }
  }

  private func bound(_ sql: String, _ values: LedgerValues) throws(LedgerFailure) -> Compiled {
    guard isInTransaction else { throw LedgerFailure(.internal("The transaction has ended already.")) }
    let found: Compiled
    if let known = compiled[sql] {
      found = known
    } else {
      var statement: OpaquePointer?
      let code = sqlite3_prepare_v2(connection, sql, -1, &statement, nil)
      guard code == SQLITE_OK, let statement else { throw LedgerFailure(code: code) }
      let names = (0..<sqlite3_column_count(statement)).map { sqlite3_column_name(statement, $0).map { String(cString: $0) } ?? "" }
      found = Compiled(statement: statement, names: names)
      compiled[sql] = found
    }
    try StatementParameters(found.statement).bind(values.list)
    return found
  }

  private func step(_ one: Compiled) throws(LedgerFailure) -> Bool {
    let code = sqlite3_step(one.statement)
    guard code == SQLITE_ROW || code == SQLITE_DONE else { throw LedgerFailure(code: code) }
    return code == SQLITE_ROW
  }
}

extension MemoryConnection: LedgerReader, LedgerWriter {
  var dialect: Dialect { .sqlite }
  var isInTransaction: Bool { sqlite3_get_autocommit(connection) == 0 }
  var changedRows: Int { Int(sqlite3_total_changes(connection)) }

  func run(_ sql: String, _ values: LedgerValues) throws(LedgerFailure) -> Int {
    let one = try bound(sql, values)
    defer { sqlite3_reset(one.statement) }
    while try step(one) {}
    return Int(sqlite3_changes(connection))
  }

  func row(_ sql: String, _ values: LedgerValues) throws(LedgerFailure) -> LedgerRow? { try rows(sql, values).first }

  func rows(_ sql: String, _ values: LedgerValues) throws(LedgerFailure) -> [LedgerRow] {
    let one = try bound(sql, values)
    defer { sqlite3_reset(one.statement) }
    var rows: [LedgerRow] = []
    while try step(one) { rows.append(try StatementColumns(one.statement).row(names: one.names)) }
    return rows
  }

  func number(_ sql: String, _ values: LedgerValues) throws(LedgerFailure) -> Int64? {
    guard case .integer(let number)? = try row(sql, values)?.values.first else { return nil }
    return number
  }

  func freeBytes() throws(LedgerFailure) -> Int64 { try (number("PRAGMA freelist_count", []) ?? 0) * Int64(SQLitePage.bytes) }

  func refresh() throws(LedgerFailure) {
    try script("COMMIT")
    try script("BEGIN")
  }

  func mayBeReplaced() -> Bool { false }
  func faults() throws(LedgerFailure) -> [String] { [] }

  func transaction(_ body: () throws -> Void) throws(LedgerFailure) {
    try script("BEGIN IMMEDIATE")
    do {
      try body()
      try script("COMMIT")
    } catch {
      if isInTransaction { try script("ROLLBACK") }
      throw error as? LedgerFailure ?? .rolledBack
    }
  }

  func savepoint<T>(_ body: () throws -> T) throws -> T {
    try script("SAVEPOINT one")
    do {
      let value = try body()
      try script("RELEASE one")
      return value
    } catch {
      if isInTransaction { try script("ROLLBACK TO one; RELEASE one") }
      throw error
    }
  }

  func upkeep() throws(LedgerFailure) -> Duration? { nil }
}
