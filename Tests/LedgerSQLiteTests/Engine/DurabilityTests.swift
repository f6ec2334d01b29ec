import Foundation
import GRDB
import TestSupport
import Testing

@testable import GatehouseLedger
@testable import LedgerSQLite

@Suite("The connections of a ledger")
struct DurabilityTests {
  @Test("The writer syncs every commit, keeps foreign keys, and checkpoints only when told")
  func writer() async throws {
    try await withPath { path in
      let database = try openRows(path)
      let values = try await database.write { db in
        try ["synchronous", "journal_mode", "foreign_keys", "query_only"].map { try String.fetchOne(db.sqlite, sql: "PRAGMA \($0)") }
      }
      #expect(values == ["2", "wal", "1", "0"])
      await database.close()
    }
  }

  @Test("Readers can't write")
  func readers() async throws {
    try await withPath { path in
      let database = try openRows(path)
      try await database.insert(1)
      for _ in 0..<8 {
        await #expect(throws: LedgerFailure.self) { try await database.read { try $0.run("DELETE FROM rows", []) } }
      }
      #expect(try idsSeen(in: path) == [1])
      await database.close()
    }
  }

  @Test("Closing copies the log into the file in the writer's turn alone: not while another process has it")
  func checkpointOnClose() async throws {
    try await withPath { path in
      let database = try openRows(path)
      for id in 0..<20 { try await database.insert(id, bytes: 4_000) }
      _ = try await database.read { try Int.fetchOne($0.sqlite, sql: "SELECT count(*) FROM rows") }
      let before = (file: try Data(contentsOf: URL(fileURLWithPath: path)), log: try Data(contentsOf: URL(fileURLWithPath: path + "-wal")))
      let other = open(path + ".writer", O_RDWR)
      #expect(flock(other, LOCK_EX) == 0)
      await database.close()
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before.file)
      #expect(try Data(contentsOf: URL(fileURLWithPath: path + "-wal")) == before.log)
      close(other)
      let again = try openRows(path)
      #expect(try await again.read { try Int.fetchOne($0.sqlite, sql: "SELECT count(*) FROM rows") } == 20)
      await again.close()
      #expect(try Data(contentsOf: URL(fileURLWithPath: path + "-wal")).isEmpty)
      #expect(try idsSeen(in: path) == Set(0..<20))
    }
  }

  @Test("The log is copied beyond its size, not after every batch, and stays bounded")
  func checkpoints() async throws {
    try await withPath { path in
      var options = SQLiteOptions()
      options.checkpointBytes = 200_000
      let database = try openRows(path, options)
      for id in 0..<600 { try await database.insert(id, bytes: 4_000) }
      let bytes = try #require(try FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? Int)
      #expect(bytes < 3 * options.checkpointBytes, "the log has \(bytes) bytes")
      let restarts = try logRestarts(path)
      #expect((5...120).contains(restarts), "\(restarts) restarts of the log in 600 commits")
      for id in 600..<650 { try await database.insert(id) }
      #expect(try logRestarts(path) - restarts <= 3, "a log that has grown once is copied after every batch")
      await database.close()
    }
  }

  /// The checkpoint sequence number of the log's header: it rises whenever the log is begun anew.
  private func logRestarts(_ path: String) throws -> Int {
    let header = try Data(contentsOf: URL(fileURLWithPath: path + "-wal")).prefix(16)
    return header.suffix(4).reduce(0) { $0 << 8 | Int($1) }
  }

  @Test("A read sees every commit that was answered before it asked, whenever its snapshot was opened")
  func readsAreYoung() async throws {
    try await withPath { path in
      let database = try openRows(path)
      let engine = try SQLiteEngine(path: path, Migrations(schema: rowsSchema, version: 1, steps: [:]), SQLiteOptions(), log: quiet)
      let answers = Collected<Int64>()
      let isIn = Latch()
      let mayGoOn = Latch()
      // GRDB has opened its snapshot when it calls back: a commit and a read that asks after it come now.
      let queue = ReadQueue(readersMax: 1) { body in
        engine.read { reader in
          isIn.wait()
          mayGoOn.open()
          body(reader)
        }
      }
      @Sendable func count(_ db: any LedgerReader) { answers.add((try? db.number("SELECT count(*) FROM rows", [])) ?? -1) }
      try queue.add(ReadQueue.Item(run: count, fail: { _ in answers.add(-2) }))
      try await eventually("the snapshot is open") { isIn.isReached }
      try await database.insert(1)
      try queue.add(ReadQueue.Item(run: count, fail: { _ in answers.add(-2) }))
      isIn.open()
      try await eventually("both are answered") { answers.all.count == 2 }
      #expect(answers.all == [1, 1])
      await queue.close()
      try engine.close()
      await database.close()
    }
  }
}
