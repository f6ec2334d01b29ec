import Foundation
import GRDB
import TestSupport
import Testing

@testable import GatehouseLedger
@testable import LedgerSQLite

@Suite("Faults under the ledger")
struct FaultTests {
  @Test("A commit of unknown outcome stops the ledger: onFatal once, what waits fails, nothing more is committed")
  func failStop() async throws {
    try await withPath { path in
      var options = SQLiteOptions()
      options.bounds.batchMax = 4
      let fatal = Collected<LedgerFailure>()
      let database = try openRows(path, options, onFatal: { fatal.add($0) })
      try await database.insert(1)
      let latch = Latch()
      let log = try DescriptorSwap(of: path + "-wal")
      async let first: Void = database.write { db in
        try db.run("INSERT INTO rows (id) VALUES (2)", [])
        latch.wait()
      }
      try await eventually("the writer is busy") { latch.isReached }
      let kinds = try await withThrowingTaskGroup(of: LedgerFailure.Kind?.self) { group in
        for id in 10..<30 {
          group.addTask {
            do { try await database.insert(id) } catch { return (error as? LedgerFailure)?.kind }
            return nil
          }
        }
        try await eventually("all wait") { database.depth == 20 }
        // The log can be read and not written: EBADF is an I/O error to SQLite.
        try log.replace(by: path + "-wal", O_RDONLY)
        latch.open()
        var kinds: [LedgerFailure.Kind?] = []
        for try await kind in group { kinds.append(kind) }
        return kinds
      }
      #expect(kinds == Array(repeating: .closed, count: 20), "an operation that waited is failed without a try")
      do {
        try await first
        Issue.record("a commit that failed was acknowledged")
      } catch { #expect((error as? LedgerFailure)?.kind == .outcomeUnknown) }
      try await eventually("onFatal was called") { !fatal.all.isEmpty }
      #expect(fatal.all.map(\.kind) == [.outcomeUnknown])
      #expect(!database.isOpen)

      try log.restore()
      await #expect(throws: LedgerFailure(.closed)) { try await database.insert(40) }
      let ids = try idsSeen(in: path)
      #expect(ids.isSubset(of: [1, 2]) && ids.contains(1), "\(ids)")
      #expect(try await database.read { try Int.fetchOne($0.sqlite, sql: "SELECT count(*) FROM rows") } == ids.count)
      await database.close()
    }
  }

  @Test("A program that holds the file makes writes busy, in time, and is named once; they pass when it lets go")
  func busy() async throws {
    try await withPath { path in
      var options = SQLiteOptions()
      options.bounds.writeWaitMax = .milliseconds(300)
      let (log, lines) = LogLines.make()
      let database = try openRows(path, options, log: log)
      try await database.insert(1)
      let other = try await OtherProgram(on: path, ["BEGIN IMMEDIATE"])
      let start = ContinuousClock.now
      for round in 0..<3 {
        await withTaskGroup(of: LedgerFailure.Kind?.self) { group in
          for id in 10..<60 {
            group.addTask {
              do { try await database.insert(id + round * 100) } catch { return (error as? LedgerFailure)?.kind }
              return nil
            }
          }
          for await kind in group { #expect(kind == .busy) }
        }
      }
      // The first round waits; the next ones know already.
      #expect(start.duration(to: .now) < options.bounds.writeWaitMax * 3)
      #expect(try await database.read { try Int.fetchOne($0.sqlite, sql: "SELECT count(*) FROM rows") } == 1, "reads go on")
      try await eventually("it is named") { lines.all.contains { $0.contains(other.description) } }
      try await other.end()
      try await eventually("the ledger is free again") {
        do { try await database.insert(2) } catch let error as LedgerFailure where error.kind == .busy { return false }
        return true
      }
      #expect(lines.all.count == 2 && lines.all.last?.contains("goes on") == true, "\(lines.all)")
      #expect(try idsSeen(in: path) == [1, 2])
      await database.close()
    }
  }

  @Test("Closing while a program holds the file refuses what waits in time and ends")
  func closesWhileBusy() async throws {
    try await withPath { path in
      var options = SQLiteOptions()
      options.bounds.writeWaitMax = .milliseconds(300)
      let database = try openRows(path, options)
      try await database.insert(1)
      let other = try await OtherProgram(on: path, ["BEGIN IMMEDIATE"])
      let write = Task { try await database.insert(2) }
      try await eventually("the write waits") { database.depth == 1 }
      await database.close()
      await #expect(throws: LedgerFailure(.busy)) { try await write.value }
      try await other.end()
      #expect(try idsSeen(in: path) == [1])
    }
  }

  @Test("A write waits for a program that holds the file for a moment")
  func waits() async throws {
    try await withPath { path in
      let database = try openRows(path)
      let other = try DatabaseQueue(path: path)
      let latch = Latch()
      other.asyncWriteWithoutTransaction { db in
        try? db.execute(sql: "BEGIN IMMEDIATE")
        latch.wait()
        try? db.execute(sql: "COMMIT")
      }
      try await eventually("the other program holds the file") { latch.isReached }
      async let write: Void = database.insert(1)
      try await eventually("the write is on its way") { database.depth == 1 }
      latch.open()
      try await write
      #expect(try idsSeen(in: path) == [1])
      await database.close()
    }
  }
}
