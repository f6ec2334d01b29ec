import GRDB
@testable import GatehouseCore
import LedgerContract
import Testing

@testable import GatehouseLedger
@testable import LedgerSQLite

/// The statements of each operation on the one thread that writes: what bounds how many operations there are in a second.
@Suite("Statements of an operation")
struct StatementCountTests {
  private static let user = UserID.random()
  private static let call = IdempotentCall(scope: "key_00000000000001", key: "k", fingerprint: .token("k"))

  /// Counts the statements of the writer while `body` runs; a savepoint's are among them.
  private func counted(_ ledger: SQLLedger, _ traced: Collected<String>, _ body: () async throws -> Void) async throws -> [String] {
    let before = traced.all.count
    try await body()
    return Array(traced.all[before...])
  }

  private func withTrace(_ body: (Rig, SQLLedger, Collected<String>) async throws -> Void) async throws {
    try await withPath { path in
      let ledger = try SQLLedger(
        database: .sqlite(path: path, onFatal: { _ in }, log: quiet), secret: Rig.secret, rules: Rig.rules, log: quiet)
      let traced = Collected<String>()
      try await ledger.database.write { db in
        try db.sqlite.trace { event in
          guard case .statement(let statement) = event else { return }
          let word = statement.sql.prefix { $0 != " " }
          if ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "SAVEPOINT", "RELEASE", "ROLLBACK"].contains(word) {
            traced.add(statement.sql)
          }
        }
      }
      try await body(Rig(ledger, ledger.database), ledger, traced)
      await ledger.close()
    }
  }

  @Test("Every operation on work takes as few as it needs")
  func work() async throws {
    try await withTrace { rig, ledger, traced in
      let mia = try await rig.signUp(plan: "pro")
      func held(_ analysis: NewAnalysis? = nil) async throws -> Reserved { try await rig.granted(mia, analysis: analysis) }
      func expect(_ most: Int, _ what: String, _ body: () async throws -> Void) async throws {
        let made = try await counted(ledger, traced, body)
        #expect(made.count <= most, "\(what): \(made.count)\n\(made.joined(separator: "\n"))")
        #expect(made.count > most / 2, "\(what): the bound is loose, or the statements are not seen")
      }
      _ = try await held()
      try await expect(7, "an analysis begins") { _ = try await rig.reserve(mia, analysis: .video(), call: Self.call) }
      try await expect(1, "it is begun again") { _ = try await rig.reserve(mia, analysis: .video(), call: Self.call) }
      try await expect(4, "units are held") { _ = try await held() }
      try await expect(6, "units are used at once") { _ = try await rig.granted(mia, commit: true) }

      var made = try await held()
      try await expect(7, "held units are used") { _ = try await ledger.commit(made.reservation.id, amount: nil, now: Rig.now) }
      made = try await held()
      try await expect(6, "a lease is extended") { _ = try await ledger.extend(made.reservation.id, leaseMilliseconds: 1, now: Rig.now) }
      try await expect(7, "held units go back") { _ = try await ledger.release(made.reservation.id, now: Rig.now) }

      let ids = try await [held(.video()), held(.video()), held(.video())].compactMap(\.analysis?.id)
      try await expect(8, "a worker begins") { _ = try await ledger.report(ids[0], .running(leaseMilliseconds: 60_000), now: Rig.now) }
      try await expect(9, "a job is done") { _ = try await ledger.report(ids[0], .completed(result: "{}", rereserve: false), now: Rig.now) }
      try await expect(8, "a job fails") { _ = try await ledger.report(ids[1], .failed(error: "{}"), now: Rig.now) }
      try await expect(8, "a job is cancelled") { _ = try await ledger.cancelAnalysis(ids[2], of: mia.id, now: Rig.now) }

      let event = UsageEvent(id: .random(), userID: mia.id, action: "export", occurredAtMilliseconds: Rig.now, metadata: "{}")
      let call = IdempotentCall(scope: "key_00000000000001", key: "events", fingerprint: .token("e"))
      try await expect(5, "an event is written") {
        _ = try await ledger.record([event], call: call, now: Rig.now, answer: StoredAnswer(status: 201, body: []))
      }
    }
  }

  @Test("Units that are refused write nothing, so that their batch does not run again, though others of the user are overdue")
  func refused() async throws {
    try await withTrace { rig, ledger, traced in
      let mia = try await rig.signUp()
      let job = try #require(try await rig.granted(mia, lease: 1_000, analysis: .video()).analysis)
      _ = try await ledger.expireOverdue(rowsMax: 10, now: Rig.now + 1_000)
      let overdue = try await rig.granted(mia, lease: 500, at: Rig.now + 1_000).reservation
      try await rig.except(mia.id, "video_analysis", .limit, 0, Rig.now, Rig.now + Rig.day)
      let later = Rig.now + 1_500
      let made = try await counted(ledger, traced) {
        let granted = try await refusal { _ = try await rig.granted(mia, at: later) }
        #expect(granted == .allowanceExhausted)
        let report = AnalysisReport.completed(result: "{}", rereserve: true)
        let reported = try await refusal { _ = try await ledger.report(job.id, report, now: later) }
        #expect(reported == .reservationExpired)
      }
      #expect(made.allSatisfy { $0.hasPrefix("SELECT") } && made.count >= 6, "\(made.joined(separator: "\n"))")
      #expect(try await ledger.reservation(overdue.id)?.status == .held)
      try await rig.except(mia.id, "video_analysis", .limit, 1, Rig.now, Rig.now + Rig.day)
      _ = try await rig.granted(mia, at: later)
      #expect(try await ledger.reservation(overdue.id)?.status == .expired, "a grant ends it")
    }
  }

  @Test("A batch has no savepoints, until an operation fails after it has written; then each has its own, and all but that one count")
  func savepoints() async throws {
    struct Refused: Error {}
    try await withPath { path in
      let database = try openRows(path)
      let traced = Collected<String>()
      try await database.write { db in
        try db.sqlite.trace { event in if case .statement(let statement) = event { traced.add(statement.sql) } }
      }
      func batch(_ ids: Range<Int>, _ body: @escaping @Sendable (any LedgerTransaction, Int) throws -> Void) async throws -> Int {
        let before = traced.all.count
        _ = try await sharedBatch(database, count: ids.count) { id in
          try await database.write { db in try body(db, ids.lowerBound + id) }
        }
        return traced.all[before...].count { $0.hasPrefix("SAVEPOINT") }
      }
      let insert: @Sendable (any LedgerTransaction, Int) throws -> Void = { db, id in try db.run("INSERT INTO rows (id) VALUES (?)", [id]) }
      #expect(try await batch(0..<9, insert) == 0)
      #expect(
        try await batch(10..<19) { db, id in
          guard id != 15 else { throw Refused() }
          try insert(db, id)
        } == 0, "an operation that fails before it has written leaves nothing to undo")
      #expect(
        try await batch(20..<29) { db, id in
          try insert(db, id)
          if id == 25 { throw Refused() }
        } > 1)
      await database.close()
      #expect(try idsSeen(in: path) == Set(0..<9).union(10..<19).union(20..<29).subtracting([15, 25]))
    }
  }
}
