import Files
import CSQLite
import Foundation
import GRDB
import GatehouseLedger
import Synchronization

/// Whether the open file is still the one at its path, with its log, and whether the two belong together.
///
/// SQLite takes whatever stands at the path for its own. A log that is removed, or a file that is put over another, loses what was
/// committed without a word; so does a log that is emptied where it stands, or a file that is written over. So after every commit
///
/// - the names are looked at, and the log is held against its index,
/// - the file's size and time of writing are: nothing but a copy of the log into the file may change them, and the index tells of those,
/// - the number that the file carries is. It is raised when a log begins, and again just before the log is copied into the file. So a backup
///   that was made before that copy has another number than the file has after it, and the number that is seen through the log tells which
///   files it can belong to, also at the next start (`FileNumber`).
final class FileAndLog: Sendable {
  /// The file that a name stands for.
  private struct Identity: Equatable {
    let device: UInt64
    let inode: UInt64

    init?(_ path: String) {
      guard let status = FileStatus(path) else { return nil }
      self.init(status)
    }

    init(_ status: FileStatus) { (device, inode) = (status.device, status.inode) }
  }

  /// When the file was written last, and how large it was then.
  private struct Writing: Equatable {
    let seconds: Int
    let nanoseconds: Int
    let bytes: Int64

    init(_ status: FileStatus) { (seconds, nanoseconds, bytes) = (status.writtenSeconds, status.writtenNanoseconds, status.bytes) }
  }

  /// All that is looked at.
  private struct Look {
    let number: FileNumber
    let writing: Writing
    let logIndex: LogIndex
  }

  /// Where SQLite keeps `application_id` in the file's header.
  private static let numberOffset: Int64 = 68

  private let path: String
  private let main: Identity
  private let log: Identity
  private let index: Identity
  private struct State {
    /// The last findings; `held.number` is that of the file itself.
    var held: Look
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
    let inFile = try Self.inFile(db)
    guard seen.stored == 0 || seen.isOf(inFile) else {
      throw LedgerFailure(
        .internal(
          """
          The file and its log \(path)-wal are of different times: one of them was copied or put back without the other. Put back the two \
          that belong together. To go on with what the file alone holds, move the log away first and keep it: what was committed last is \
          in the log alone, and is lost then
          """))
    }
    self.path = path
    self.main = main
    self.log = log
    self.index = index
    if !seen.hasReach {
      seen = .first()
      try Self.write(seen, db)
    }
    // The log of an earlier process is copied, so that from here on the index tells of every copy.
    seen = try Self.seal(db)
    _ = try db.checkpoint(.passive)
    guard let status = FileStatus(path), let logIndex = Self.logIndex(db) else { throw LedgerFailure(.fileReplaced) }
    let held = Look(number: try Self.inFile(db), writing: Writing(status), logIndex: logIndex)
    state = Mutex(State(held: held, isDue: held.number == seen))
  }

  /// Whether a look of the writer is due: something is not as it was, or could not be told.
  func hasChanged(_ db: Database) -> Bool {
    let held = state.withLock { $0.held }
    guard let look = look(db), look.number == held.number else { return true }
    return look.writing != held.writing
  }

  /// Before each transaction, whose frames would hide that the log has been cut. For the writer in its turn. Throws `fileReplaced`.
  func verifyLog(_ db: Database) throws(LedgerFailure) {
    // Nor may anything be written through an index that others don't use any more: it does not know what they write.
    guard areLogAndIndexOurs, let logIndex = Self.logIndex(db), Self.isWhole(logIndex, db) else { throw parted(db) }
  }

  /// After each commit, before it is acknowledged, and before the log is copied into the file. For the writer in its turn. Throws
  /// `fileReplaced`; file and log are then refused at the next start as well, if it can be.
  func verify(_ db: Database) throws(LedgerFailure) {
    var state = state.withLock { $0 }
    guard let look = look(db), isOurs(look, state.held) else { throw parted(db) }
    if look.number != state.held.number {
      // A number that is older than before is of another file: the numbers only grow.
      guard let seen = try? Self.seen(db), seen.isOf(look.number), !state.held.number.isNewer(than: look.number) else { throw parted(db) }
      // Another process may have raised it.
      state.isDue = look.number == seen
    }
    state.held = look
    // Only once there is something in the log that the file lacks.
    if state.isDue, db.totalChangesCount != state.changes {
      do {
        if let next = look.number.next(over: look.number) { try Self.write(next, db) }
        state.isDue = false
      } catch { try Self.ifFatal(error) }
    }
    state.changes = db.totalChangesCount
    self.state.withLock { $0 = state }
  }

  /// Before the log is copied into the file, in the same turn. Throws `fileReplaced`.
  func prepareCopy(_ db: Database) throws(LedgerFailure) {
    try verify(db)
    do { _ = try Self.seal(db) } catch { try Self.ifFatal(error) }
  }

  /// Copies the log, which is open here still, into the file if only its name is gone: nothing that was acknowledged is lost then. An empty
  /// log under its name is that of a program that came later and has committed nothing; and whoever has another index has made such a log.
  /// Whether that was done. For the writer alone.
  func rescue(_ db: Database) -> Bool {
    let isGone = FileStatus(path + "-wal").map { $0.bytes == 0 && Identity($0) != log } ?? true
    let held = state.withLock { $0.held }
    guard isGone, let look = lookAtContent(db), isOurs(look, held),
      !held.number.isNewer(than: look.number),
      let copied = try? db.checkpoint(.full)
    else { return false }
    return copied.walFrameCount == copied.checkpointedFrameCount
  }

  /// nil if a name stands for something else, or the log is not what its index says.
  private func look(_ db: Database) -> Look? {
    areLogAndIndexOurs ? lookAtContent(db) : nil
  }

  private var areLogAndIndexOurs: Bool { Identity(path + "-wal") == log && Identity(path + "-shm") == index }

  private func lookAtContent(_ db: Database) -> Look? {
    guard let logIndex = Self.logIndex(db), let status = FileStatus(path), Identity(status) == main, let number = try? Self.inFile(db)
    else {
      return nil
    }
    guard Self.isWhole(logIndex, db) else { return nil }
    return Look(number: number, writing: Writing(status), logIndex: logIndex)
  }

  /// Whether the file has been written by nothing but copies of the log.
  private func isOurs(_ look: Look, _ held: Look) -> Bool {
    look.writing == held.writing || look.logIndex.hasCopied(since: held.logIndex)
  }

  /// Gives the log of a file that was written over a number to which no file belongs: the next start must not take the two for one ledger.
  /// A file that was only moved away can be put back, and then belongs to the log as before; so does one whose log's index alone was
  /// removed, replaced or damaged.
  private func parted(_ db: Database) -> LedgerFailure {
    if Identity(path) == main, areLogAndIndexOurs, let seen = try? Self.seen(db), isWrittenOver(db, seen) {
      try? Self.write(seen.apart, db)
    }
    return LedgerFailure(.fileReplaced)
  }

  /// Whether anything but a copy of the log has been written into the file since the last look.
  private func isWrittenOver(_ db: Database, _ seen: FileNumber) -> Bool {
    let held = state.withLock { $0.held }
    guard let status = FileStatus(path), let number = try? Self.inFile(db) else { return true }
    if Writing(status) == held.writing, number == held.number { return false }
    guard seen.isOf(number), !held.number.isNewer(than: number) else { return true }
    // An index that can't be read tells of no copy: then the number alone does.
    return Self.logIndex(db).map { !$0.hasCopied(since: held.logIndex) } ?? false
  }

  /// Another program may hold the file, or the disk be full: then the number is raised later.
  private static func ifFatal(_ error: any Error) throws(LedgerFailure) {
    if let failure = LedgerFailure(error), failure.isFatal { throw failure }
  }

  /// Raises the number that is seen through the log, if the log has one that the file has not got. Gives the newest.
  private static func seal(_ db: Database) throws -> FileNumber {
    let (seen, inFile) = (try seen(db), try inFile(db))
    guard seen != inFile, let next = seen.next(over: inFile) else { return seen }
    try write(next, db)
    return next
  }

  /// Whether the log has the frames that the index tells of.
  private static func isWhole(_ logIndex: LogIndex, _ db: Database) -> Bool {
    guard logIndex.frames > 0 else { return true }
    var header = [UInt8](repeating: 0, count: LogIndex.logHeaderBytes)
    return gatehouse_read_log(db.sqliteConnection, &header, Int32(header.count), 0) == SQLITE_OK
      && logIndex.describes(logOf: gatehouse_size_of_log(db.sqliteConnection), header: header)
  }

  private static func logIndex(_ db: Database) -> LogIndex? {
    var bytes = [UInt8](repeating: 0, count: LogIndex.byteCount)
    guard gatehouse_read_index(db.sqliteConnection, &bytes, Int32(bytes.count)) == SQLITE_OK else { return nil }
    return LogIndex(bytes)
  }

  /// The number as a transaction sees it, through the log.
  private static func seen(_ db: Database) throws -> FileNumber {
    FileNumber(stored: try Int64.fetchOne(db, sql: "PRAGMA application_id") ?? 0)
  }

  private static func write(_ number: FileNumber, _ db: Database) throws {
    try db.execute(sql: "PRAGMA application_id = \(number.stored)")
  }

  /// The number in the file itself; 0 for a file that is too short for one.
  private static func inFile(_ db: Database) throws -> FileNumber {
    var bytes: [UInt8] = [0, 0, 0, 0]
    let result = gatehouse_read_file(db.sqliteConnection, &bytes, Int32(bytes.count), numberOffset)
    // SQLITE_IOERR_SHORT_READ: the rest is zeros.
    guard result == SQLITE_OK || result == SQLITE_IOERR | (2 << 8) else { throw LedgerFailure(.fileReplaced) }
    return FileNumber(stored: bytes.reduce(0) { $0 << 8 | Int64($1) })
  }
}
