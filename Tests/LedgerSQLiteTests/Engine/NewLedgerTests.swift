import Foundation
import GRDB
import Testing

@testable import GatehouseLedger
@testable import LedgerSQLite

/// A ledger is made only where nothing shows that there was one.
@Suite("A ledger that is missing or empty") struct NewLedgerTests {
  private static let secret = "secret"

  /// The thing that stands where the ledger was.
  enum Loss: CaseIterable, Sendable {
    case missing, empty, emptyDatabase, linkToNothing

    func apply(_ path: String) throws {
      try FileManager.default.removeItem(atPath: path)
      switch self {
      case .missing: break
      case .empty: #expect(FileManager.default.createFile(atPath: path, contents: nil))
      case .emptyDatabase:
        let other = path + "-made"
        let queue = try DatabaseQueue(path: other)
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA application_id = 1") }
        try queue.close()
        #expect(rename(other, path) == 0)
      case .linkToNothing: try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/nowhere/ledger.sqlite")
      }
    }
  }

  /// The one thing that is left beside it.
  enum Left: CaseIterable, Sendable {
    case log, index, mark, secret, otherSecret, renamed, backup

    func apply(_ path: String, kept: String) throws {
      let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
      let name: String
      switch self {
      case .log: name = "ledger.sqlite-wal"
      case .index: name = "ledger.sqlite-shm"
      case .mark: name = "ledger.sqlite.turn"
      case .secret: name = NewLedgerTests.secret
      case .otherSecret: name = NewLedgerTests.secret + ".kept"
      case .renamed: name = "ledger.sqlite.old"
      case .backup: name = "copy.db"
      }
      let source: String
      switch self {
      case .renamed, .backup: source = kept
      case .secret, .otherSecret: source = "/etc/hostname"
      default: source = kept + name.dropFirst("ledger.sqlite".count)
      }
      try FileManager.default.copyItem(atPath: source, toPath: folder.appendingPathComponent(name).path)
    }
  }

  private func options(acceptsNew: Bool = false) -> SQLiteOptions {
    var options = SQLiteOptions()
    options.companions = [Self.secret]
    options.acceptsNew = acceptsNew
    return options
  }

  private func reason(_ path: String, _ options: SQLiteOptions) -> String {
    do {
      _ = try openRows(path, options)
      return "it is open"
    } catch { return "\(error)" }
  }

  /// The files beside the ledger with their content; the locks are made again whenever they are missing.
  private func files(_ path: String) throws -> [String: Data] {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    let all = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    let names = all.filter { !$0.hasSuffix(".writer") && !$0.hasSuffix(".turn") }
    // A link that leads nowhere has no content.
    return Dictionary(uniqueKeysWithValues: names.map { ($0, (try? Data(contentsOf: folder.appendingPathComponent($0))) ?? Data()) })
  }

  private func count(_ ledger: LedgerDatabase) async throws -> Int? {
    try await ledger.read { try Int.fetchOne(try $0.sqlite, sql: "SELECT count(*) FROM rows") }
  }

  @Test(
    "It is refused, and nothing is changed, whatever became of it and however it ended; put back, it has everything",
    arguments: Loss.allCases,
    [true, false])
  func refused(loss: Loss, cleanly: Bool) async throws {
    try await withPath { path in
      try await withPath { kept in
        let ledger = try openRows(path, options())
        for id in 0..<20 { try await ledger.insert(id) }
        if cleanly { await ledger.close() } else { try await closeWithLog(ledger, path) }
        try FileManager.default.copyItem(atPath: path, toPath: kept)
        try loss.apply(path)
        let before = try files(path)
        for _ in 1...2 {
          let reason = reason(path, options())
          // Through a log that is there SQLite sees a ledger in an empty database: it is not that database's.
          let isMixed = loss == .emptyDatabase && !cleanly && reason.contains("of different times")
          #expect(isMixed || (reason.contains("the folder shows that there was one") && reason.contains("--new-ledger")), "\(reason)")
        }
        let after = try files(path)
        #expect(after.keys.contains("ledger.sqlite") == (loss != .missing))
        let unchanged = ["ledger.sqlite-wal", "secret"] + (loss == .emptyDatabase ? [] : ["ledger.sqlite"])
        for name in unchanged where before[name] != nil { #expect(after[name] == before[name], "\(name)") }
        if loss != .missing { try FileManager.default.removeItem(atPath: path) }
        try FileManager.default.copyItem(atPath: kept, toPath: path)
        let again = try openRows(path, options())
        #expect(try await count(again) == 20)
        await again.close()
      }
    }
  }

  @Test("Each thing that an earlier ledger leaves is enough to refuse a new one", arguments: Left.allCases, [true, false])
  func left(left: Left, empty: Bool) async throws {
    try await withPath { kept in
      let ledger = try openRows(kept, options())
      for id in 0..<20 { try await ledger.insert(id) }
      try await closeWithLog(ledger, kept)
      try await withPath { path in
        if empty { #expect(FileManager.default.createFile(atPath: path, contents: nil)) }
        try left.apply(path, kept: kept)
        let reason = reason(path, options())
        #expect(reason.contains("the folder shows that there was one"), "\(reason)")
      }
    }
  }

  @Test("An operator who accepts it gets an empty one, the old log stays under another name, and the next such start is refused")
  func accepted() async throws {
    try await withPath { path in
      let ledger = try openRows(path, options())
      for id in 0..<20 { try await ledger.insert(id) }
      try await closeWithLog(ledger, path)
      try Loss.empty.apply(path)
      let log = try Data(contentsOf: URL(fileURLWithPath: path + "-wal"))
      #expect(!log.isEmpty)
      let new = try openRows(path, options(acceptsNew: true))
      #expect(try await count(new) == 0)
      try await new.insert(1)
      await new.close()
      #expect(try files(path).contains { $0.key.contains("-wal.of-lost-ledger-") && $0.value == log })
      #expect(reason(path, options(acceptsNew: true)).contains("leave the flag out"))
      let plain = try openRows(path, options())
      #expect(try await count(plain) == 1)
      await plain.close()
    }
  }

  @Test("A folder in which there was none is asked nothing, nor is one where the making was cut short", arguments: [false, true])
  func fresh(cutShort: Bool) async throws {
    try await withPath { path in
      if cutShort {
        try Data("ledger making\n".utf8).write(to: URL(fileURLWithPath: path + ".turn"))
        for part in ["", "-shm"] { #expect(FileManager.default.createFile(atPath: path + part, contents: nil)) }
        try Data(repeating: 1, count: 5_000).write(to: URL(fileURLWithPath: path + "-wal"))
      }
      let ledger = try openRows(path, options())
      #expect(try await count(ledger) == 0)
      await ledger.close()
      // From then on it counts as made.
      try Loss.empty.apply(path)
      #expect(reason(path, options()).contains("the folder shows that there was one"))
    }
  }
}
