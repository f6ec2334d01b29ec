import Foundation
import GRDB
import LedgerContract
import TestSupport
import Testing

@testable import GatehouseLedger
@testable import LedgerSQLite

@Suite("A full disk", .timeLimit(.minutes(3)))
struct FullDiskTests {
  @Test("Nobody is told ok for a row that is not there, or failed for one that is", arguments: [1, 7, 42, 2026] as [UInt64])
  func honest(seed: UInt64) async throws {
    try await withPath { path in
      var options = SQLiteOptions()
      // All of them wait at once: on a busy machine some would be refused for having waited too long.
      options.bounds.writeWaitMax = .seconds(120)
      let database = try openRows(path, options)
      try await database.insert(-1)
      var random = SplitMix(seed: seed)
      let sizes = (0..<600).map { _ in Int.random(in: 0..<10, using: &random) == 0 ? 60_000 : Int.random(in: 0..<3_000, using: &random) }
      let pages = Int.random(in: 60..<300, using: &random)
      try await database.write { try $0.run("PRAGMA max_page_count = \(pages)", []) }

      let told = await withTaskGroup(of: (Int, (any Error)?).self) { group in
        for (id, bytes) in sizes.enumerated() {
          group.addTask {
            do { try await database.insert(id, bytes: bytes) } catch { return (id, error) }
            return (id, nil)
          }
        }
        var told: [(Int, (any Error)?)] = []
        for await outcome in group { told.append(outcome) }
        return told
      }
      let ok = Set(told.filter { $0.1 == nil }.map(\.0))
      #expect(try idsSeen(in: path).subtracting([-1]) == ok, "seed \(seed): told ok and rows in the file differ")
      #expect(!ok.isEmpty && ok.count < sizes.count, "seed \(seed): \(ok.count) of \(sizes.count) fitted: the disk was not full")
      for (id, error) in told where error != nil {
        #expect((error as? LedgerFailure)?.kind == .diskFull, "seed \(seed), row \(id): \(String(describing: error))")
      }

      try await database.write { try $0.run("PRAGMA max_page_count = 1000000", []) }
      for id in sizes.indices where !ok.contains(id) { try await database.insert(id, bytes: 10) }
      #expect(try idsSeen(in: path) == Set(sizes.indices).union([-1]), "seed \(seed): it did not recover when room returned")
      #expect(try seen(in: path) { try String.fetchOne($0, sql: "PRAGMA integrity_check") } == "ok")
      await database.close()
    }
  }

  @Test("A commit that finds the disk full leaves nothing, and the next one that finds room is kept")
  func fullAtCommit() async throws {
    try await withPath { path in
      var options = SQLiteOptions()
      // The log is copied and cut after every batch, so that nothing is read from where it will not be.
      options.checkpointBytes = 0
      options.truncateBytes = 0
      let database = try openRows(path, options)
      try await database.insert(1)
      try await database.write { _ in }
      let log = try DescriptorSwap(of: path + "-wal")
      try log.replace(by: "/dev/full", O_RDWR)
      let outcomes = try await sharedBatchUnderFault(database, ids: 2..<12)
      #expect(outcomes.values.allSatisfy { ($0 as? LedgerFailure)?.kind == .diskFull }, "\(outcomes)")
      try log.restore()
      #expect(try idsSeen(in: path) == [1])
      try await database.insert(20)
      #expect(try idsSeen(in: path) == [1, 20])
      #expect(database.isOpen)
      await database.close()
    }
  }

  @Test("A quota and a bound on a file's size are a full disk at a write, and unknown at a sync", arguments: [ENOSPC, EDQUOT, EFBIG])
  func otherNames(number: Int32) {
    let write = DatabaseError(resultCode: .SQLITE_IOERR_WRITE)
    #expect(LedgerFailure(write, systemErrno: number)?.kind == .diskFull)
    #expect(LedgerFailure(atCommit: write, systemErrno: number).kind == .diskFull)
    let sync = DatabaseError(resultCode: .SQLITE_IOERR_FSYNC)
    #expect(LedgerFailure(atCommit: sync, systemErrno: number).kind == .outcomeUnknown)
    #expect(LedgerFailure(atCommit: write, systemErrno: EIO).kind == .outcomeUnknown)
  }

  @Test("A start on a disk that fails says that the disk failed, and what SQLite called it")
  func failedAtStart() {
    let failure = LedgerFailure(opening: DatabaseError(resultCode: .SQLITE_IOERR_FSYNC, message: "disk I/O error", sql: "PRAGMA x"))
    #expect(
      failure.description
        == "its disk failed to read or to write it (SQLite error 1034, disk I/O error). The system's log has the disk's own words.")
  }

  private func sharedBatchUnderFault(_ database: LedgerDatabase, ids: Range<Int>) async throws -> [Int: (any Error)?] {
    await withTaskGroup(of: (Int, (any Error)?).self) { group in
      for id in ids {
        group.addTask {
          do { try await database.insert(id, bytes: 5_000) } catch { return (id, error) }
          return (id, nil)
        }
      }
      var outcomes: [Int: (any Error)?] = [:]
      for await (id, error) in group { outcomes.updateValue(error, forKey: id) }
      return outcomes
    }
  }
}
