import CSQLite
import GRDB
@testable import GatehouseCore
import LedgerContract
import Testing

@testable import GatehouseLedger
@testable import LedgerSQLite

/// The pages that writes touch, and the memory that is kept for them.
@Suite("Pages of the file")
struct PageTests {
  @Test("Jobs that begin one after another are written to few pages: ids in no order would write to every page of four indexes")
  func append() async throws {
    let (inOrder, inNone) = (
      try await pagesWritten {
        .made(at: $0)
      } reservation: {
        .made(at: $0)
      },
      try await pagesWritten { _ in
        .random()
      } reservation: { _ in
        .random()
      }
    )
    #expect(inOrder * 2 < inNone, "\(inOrder) pages with ids in order, \(inNone) without")
  }

  /// The pages that 200 jobs write behind 4,000 others.
  private func pagesWritten(
    analysis: @escaping @Sendable (Int64) -> AnalysisID, reservation: @escaping @Sendable (Int64) -> ReservationID
  ) async throws -> Int {
    try await withPath { path in
      let ledger = try SQLLedger(
        database: .sqlite(path: path, onFatal: { _ in }, log: quiet), secret: Rig.secret, rules: Rig.rules, log: quiet)
      let mia = try await Rig(ledger, ledger.database).signUp(plan: "pro")
      @Sendable func begin(_ steps: Range<Int64>) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for step in steps {
            let now = Rig.now + step * 10
            let request = ReservationRequest(
              id: reservation(now), userID: mia.id, metric: "video_analysis", amount: 1, leaseMilliseconds: Rig.lease, commit: false,
              period: nil, isHeld: true, analysis: NewAnalysis(id: analysis(now), filename: nil, metadata: "{}"))
            group.addTask { _ = try await ledger.reserve(request, call: nil, now: now, encode: Rig.answer) }
          }
          try await group.waitForAll()
        }
      }
      for start in stride(from: 0, to: 4_000, by: 200) as StrideTo<Int64> { try await begin(start..<start + 200) }
      let before = try await ledger.database.write { try pagesOfCommits($0) }
      try await begin(4_000..<4_200)
      let after = try await ledger.database.write { try pagesOfCommits($0) }
      await ledger.close()
      return after - before
    }
  }

  private func pagesOfCommits(_ db: any LedgerTransaction) throws -> Int {
    var (written, highest): (Int32, Int32) = (0, 0)
    #expect(sqlite3_db_status(try db.sqlite.sqliteConnection, SQLITE_DBSTATUS_CACHE_WRITE, &written, &highest, 0) == SQLITE_OK)
    return Int(written)
  }

  @Test("The writer has half of the memory for pages, the readers share the other half")
  func cache() async throws {
    try await withPath { path in
      var options = SQLiteOptions()
      options.cacheBytes = 40 << 20
      let database = try openRows(path, options)
      #expect(try await database.write { try $0.number("PRAGMA cache_size", []) } == -20 << 10)
      for lane in LedgerDatabase.Lane.allCases {
        #expect(try await database.read(for: lane) { try $0.number("PRAGMA cache_size", []) } == -(4 << 10))
      }
      await database.close()
    }
  }
}
