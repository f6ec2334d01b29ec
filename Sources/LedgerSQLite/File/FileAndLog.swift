import CSQLite
import Foundation
import GRDB
import GatehouseLedger
import Synchronization

/// Whether the open file is still the one at its path, with its log, and whether the two belong together.
///
/// SQLite takes whatever stands at the path for its own. A log that is removed, or a file that is put over another, loses what was
/// committed without a word. So the names are looked at after every commit, and the file carries a number (`application_id`): it is
/// raised whenever the file itself has got the newest one from the log. The number that the file holds is then the one that is seen
/// through the log, or the one before it; any other file is of another time.
final class FileAndLog: Sendable {
  /// What a name stands for.
  private struct Identity: Equatable {
    let device: dev_t
    let inode: ino_t

    init?(_ path: String) {
      var status = stat()
      guard stat(path, &status) == 0 else { return nil }
      device = status.st_dev
      inode = status.st_ino
    }
  }

  /// Where SQLite keeps `application_id` in the file's header.
  private static let numberOffset: Int64 = 68
  /// A first number has this many low bits clear: then the file may not have got any yet.
  private static let firstMask: Int64 = 0xffff

  private let path: String
  private let main: Identity
  private let log: Identity
  private let index: Identity
  private struct State {
    /// The number that the file itself held when it was last looked at.
    var held: Int64
    /// Whether that is the newest one, to be raised with the next change.
    var isDue: Bool
    /// Rows that this connection had changed by then.
    var changes = 0
  }

  private let state: Mutex<State>

  /// Looks at a file that `db` has open. Throws `internal` with what to do if file and log don't belong together.
  init(_ path: String, _ db: Database) throws {
    // The first read of a connection makes the log.
    var seen = try Self.seen(db)
    guard let main = Identity(path), let log = Identity(path + "-wal"), let index = Identity(path + "-shm") else {
      throw LedgerFailure(.fileReplaced)
    }
    if seen == 0 {
      seen = Int64.random(in: 1..<(1 << 14)) << 16
      try Self.write(seen, db)
      _ = try db.checkpoint(.passive)
    }
    let inFile = try Self.inFile(db)
    guard Self.belongs(inFile, to: seen) else {
      throw LedgerFailure(
        .internal(
          """
          The file and its log \(path)-wal are of different times: one of them was copied or put back without the other. Put back the two \
          that belong together. To go on with what the file alone holds, move the log away first: what only the log holds is lost then
          """))
    }
    self.path = path
    self.main = main
    self.log = log
    self.index = index
    state = Mutex(State(held: inFile, isDue: inFile == seen))
  }

  /// Whether a look of the writer is due: a name stands for something else, or the file holds another number.
  func hasChanged(_ db: Database) -> Bool {
    !isNamed || (try? Self.inFile(db)) != state.withLock { $0.held }
  }

  /// After each commit, before it is acknowledged. Throws `fileReplaced`.
  func verify(_ db: Database) throws(LedgerFailure) {
    guard isNamed, let inFile = try? Self.inFile(db) else { throw LedgerFailure(.fileReplaced) }
    var state = state.withLock { $0 }
    if inFile != state.held {
      guard inFile > state.held, let seen = try? Self.seen(db), Self.belongs(inFile, to: seen) else { throw LedgerFailure(.fileReplaced) }
      state.held = inFile
      // Another process may have raised it.
      state.isDue = inFile == seen
    }
    // Only once there is something in the log that the file lacks.
    if state.isDue, db.totalChangesCount != state.changes {
      do {
        try Self.write(inFile + 1, db)
        state.isDue = false
      } catch {
        // Another program may hold the file, or the disk be full: it is raised after a later commit.
        if let failure = LedgerFailure(error), failure.isFatal { throw failure }
      }
    }
    state.changes = db.totalChangesCount
    self.state.withLock { $0 = state }
  }

  /// Copies the log, which is open here still, into the file if only its name is gone: nothing that was acknowledged is lost then.
  /// Whether that was done. For the writer alone.
  func rescue(_ db: Database) -> Bool {
    let isIndexOurs = Identity(path + "-shm").map { $0 == index } ?? true
    guard Identity(path) == main, Identity(path + "-wal") == nil, isIndexOurs, let inFile = try? Self.inFile(db),
      inFile >= state.withLock({ $0.held }), let copied = try? db.checkpoint(.full)
    else { return false }
    return copied.walFrameCount == copied.checkpointedFrameCount
  }

  private var isNamed: Bool { Identity(path) == main && Identity(path + "-wal") == log && Identity(path + "-shm") == index }

  private static func belongs(_ inFile: Int64, to seen: Int64) -> Bool {
    inFile == seen || inFile == seen - 1 || (inFile == 0 && seen & firstMask == 0)
  }

  /// The number as a transaction sees it, through the log.
  private static func seen(_ db: Database) throws -> Int64 { try Int64.fetchOne(db, sql: "PRAGMA application_id") ?? 0 }

  private static func write(_ number: Int64, _ db: Database) throws { try db.execute(sql: "PRAGMA application_id = \(number)") }

  /// The number in the file itself; 0 for a file that is too short for one.
  private static func inFile(_ db: Database) throws -> Int64 {
    var bytes: [UInt8] = [0, 0, 0, 0]
    let result = gatehouse_read_file(db.sqliteConnection, &bytes, Int32(bytes.count), numberOffset)
    // SQLITE_IOERR_SHORT_READ: the rest is zeros.
    guard result == SQLITE_OK || result == SQLITE_IOERR | (2 << 8) else { throw LedgerFailure(.fileReplaced) }
    return bytes.reduce(0) { $0 << 8 | Int64($1) }
  }
}
