import Foundation
import GRDB
import TestSupport
import Testing

@testable import GatehouseLedger
@testable import LedgerSQLite

/// The file that is open is held against the one at its path, and the file against its log.
@Suite("The ledger's file and its log") struct FileAndLogTests {
  private static let parts = ["", "-wal"]

  /// Copies file and log as they are.
  private func copy(_ path: String, to other: String, parts: [String] = parts) throws {
    for part in parts {
      try? FileManager.default.removeItem(atPath: other + part)
      try FileManager.default.copyItem(atPath: path + part, toPath: other + part)
    }
    try? FileManager.default.removeItem(atPath: other + "-shm")
  }

  @Test("A file and a log of different times are refused at the start, two of one time are not")
  func torn() async throws {
    try await withPath { path in
      var options = SQLiteOptions()
      // Every batch is copied into the file.
      options.checkpointBytes = 1
      for id in 1...3 {
        let ledger = try openRows(path, options)
        for row in 0..<4 { try await ledger.insert(id * 10 + row) }
        try await closeWithLog(ledger, path)
        try copy(path, to: "\(path)-\(id)")
      }
      for file in 1...3 {
        for log in 1...3 {
          let mixed = "\(path)-mixed"
          try copy("\(path)-\(file)", to: mixed, parts: [""])
          try copy("\(path)-\(log)", to: mixed, parts: ["-wal"])
          guard file == log else {
            let failure = #expect(throws: LedgerFailure.self, "file \(file), log \(log)") { try openRows(mixed) }
            #expect(failure.map(String.init(describing:))?.contains("of different times") == true)
            continue
          }
          let whole = try openRows(mixed)
          #expect(try await whole.read { try Int.fetchCount($0.sqlite, rows: "rows") } == file * 4)
          await whole.close()
        }
      }
    }
  }

  @Test("Checkpoints of this ledger, of another process and of another program are no reason to stop")
  func checkpoints() async throws {
    try await withPath { path in
      var options = SQLiteOptions()
      options.checkpointBytes = 1
      let fatal = Collected<LedgerFailure>()
      let (first, second) = (try openRows(path, options) { fatal.add($0) }, try openRows(path) { fatal.add($0) })
      for id in 0..<60 {
        try await (id % 2 == 0 ? first : second).insert(id, bytes: 10_000)
        if id % 7 == 0 { try await checkpoint(path) }
      }
      #expect(fatal.all.isEmpty)
      await first.close()
      await second.close()
      let again = try openRows(path)
      #expect(try await again.read { try Int.fetchCount($0.sqlite, rows: "rows") } == 60)
      await again.close()
    }
  }

  /// Another program's checkpoint; it comes again when the ledger's own is under way.
  private func checkpoint(_ path: String) async throws {
    let other = try DatabaseQueue(path: path)
    try await eventually("another program's checkpoint") {
      do {
        try await other.writeWithoutTransaction { _ = try $0.checkpoint(.passive) }
        return true
      } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY { return false }
    }
    try other.close()
  }

  @Test(
    "A log that is removed stops the ledger, and all that it had acknowledged is in the file; also when others made it again, or the index",
    arguments: [false, true], [false, true])
  func removedLog(logMade: Bool, indexMade: Bool) async throws {
    try await withPath { path in
      let fatal = Collected<LedgerFailure>()
      let ledger = try openRows(path) { fatal.add($0) }
      for id in 0..<20 { try await ledger.insert(id) }
      if indexMade {
        try FileManager.default.copyItem(atPath: path + "-shm", toPath: path + "-other")
        #expect(rename(path + "-other", path + "-shm") == 0)
      }
      if logMade {
        // At once, so that no look of the ledger's own comes between.
        #expect(FileManager.default.createFile(atPath: path + "-other", contents: nil) && rename(path + "-other", path + "-wal") == 0)
      } else {
        try FileManager.default.removeItem(atPath: path + "-wal")
      }
      let failure = await #expect(throws: LedgerFailure.self) { try await ledger.insert(20) }
      #expect(failure?.isFatal == true)
      try await eventually("the ledger stops") { fatal.all.map(\.kind) == [.fileReplaced] && !ledger.isOpen }
      await ledger.close()
      let again = try openRows(path)
      #expect(try await again.read { try Int.fetchCount($0.sqlite, rows: "rows") } >= 20)
      await again.close()
    }
  }

  @Test("Another file in the ledger's place stops it, moved or copied there, and without a write", arguments: [true, false])
  func replaced(moved: Bool) async throws {
    try await withPath { other in
      let stranger = try openRows(other)
      try await stranger.insert(1)
      await stranger.close()
      try await checkpoint(other)
      try await withPath { path in
        let fatal = Collected<LedgerFailure>()
        let ledger = try openRows(path) { fatal.add($0) }
        for id in 0..<20 { try await ledger.insert(id) }
        if moved { #expect(rename(other, path) == 0) } else { try writeOver(path, with: other) }
        try await eventually("the writer has looked") {
          _ = try? await ledger.read { ledger.watchStore($0) }
          return fatal.all.map(\.kind) == [.fileReplaced]
        }
        #expect(!ledger.isOpen)
        #expect(throws: LedgerFailure.self) { try openRows(path) }
      }
    }
  }

  /// How a backup comes to be older than the ledger, and its number than the file's.
  enum Later: CaseIterable, CustomTestStringConvertible {
    case ownCheckpoint, othersCheckpoint, cleanStop

    var testDescription: String { "\(self)" }
  }

  @Test(
    "A backup that is written over the ledger's file stops it, and the next start refuses the two", arguments: Later.allCases,
    [true, false])
  func writtenOver(later: Later, stopped: Bool) async throws {
    try await withPath { path in
      var options = SQLiteOptions()
      options.checkpointBytes = 200_000
      let fatal = Collected<LedgerFailure>()
      var ledger = try openRows(path, options) { fatal.add($0) }
      for id in 0..<20 { try await ledger.insert(id, bytes: 10_000) }
      try backUp(path, to: path + "-backup")
      switch later {
      case .ownCheckpoint: for id in 20..<60 { try await ledger.insert(id, bytes: 10_000) }
      case .othersCheckpoint:
        try await ledger.insert(20, bytes: 10_000)
        try await checkpoint(path)
      case .cleanStop:
        try await ledger.insert(20, bytes: 10_000)
        await ledger.close()
        ledger = try openRows(path, options) { fatal.add($0) }
      }
      for id in 60..<70 { try await ledger.insert(id) }
      if stopped { try await closeWithLog(ledger, path) }
      try writeOver(path, with: path + "-backup")
      if !stopped {
        let served = ledger
        try await eventually("the writer has looked") {
          _ = try? await served.read { served.watchStore($0) }
          return fatal.all.map(\.kind) == [.fileReplaced]
        }
        #expect(!served.isOpen)
      } else if later == .othersCheckpoint {
        // Nobody was there to number that copy: only a running service could tell.
        return
      }
      let failure = #expect(throws: LedgerFailure.self) { try openRows(path) }
      #expect(failure.map(String.init(describing:))?.contains("of different times") == true)
    }
  }

  @Test("A log that is emptied or cut where it stands stops the ledger", arguments: [0, 32, 5_000])
  func emptiedLog(bytes: UInt64) async throws {
    try await withPath { path in
      let fatal = Collected<LedgerFailure>()
      let ledger = try openRows(path) { fatal.add($0) }
      for id in 0..<20 { try await ledger.insert(id) }
      let log = try #require(FileHandle(forWritingAtPath: path + "-wal"))
      try log.truncate(atOffset: bytes)
      try log.close()
      await #expect(throws: LedgerFailure.self) { try await ledger.insert(20) }
      try await eventually("the ledger stops") { fatal.all.map(\.kind) == [.fileReplaced] && !ledger.isOpen }
    }
  }

  @Test("A ledger that is damaged where it stands is looked at, though no write can begin")
  func overwritten() async throws {
    try await withPath { path in
      let fatal = Collected<LedgerFailure>()
      let ledger = try openRows(path) { fatal.add($0) }
      for id in 0..<20 { try await ledger.insert(id) }
      try writeOver(path, with: "/etc/hostname")
      ledger.suspectStore()
      try await eventually("the ledger stops") { fatal.all.map(\.kind) == [.fileReplaced] && !ledger.isOpen }
    }
  }

  /// A consistent copy, as `.backup` makes one.
  private func backUp(_ path: String, to other: String) throws {
    let (source, target) = (try DatabaseQueue(path: path), try DatabaseQueue(path: other))
    try source.backup(to: target)
    try source.close()
    try target.close()
  }

  /// Writes as `cp` does: the file stays the same one, with another's content.
  private func writeOver(_ path: String, with other: String) throws {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: other))
    let file = try #require(FileHandle(forWritingAtPath: path))
    try file.truncate(atOffset: 0)
    try file.write(contentsOf: bytes)
    try file.close()
  }
}

extension Int {
  fileprivate static func fetchCount(_ db: Database, rows table: String) throws -> Int {
    try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table)") ?? 0
  }
}
