import CSQLite
import GRDB
import GatehouseLedger
import Glibc

extension LedgerFailure {
  /// The errors of the system when a file may not grow: SQLite knows only the first by itself.
  private static let noRoom: Set<Int32> = [ENOSPC, EDQUOT, EFBIG]

  /// The failure behind an extended result code of SQLite at a statement.
  /// - Parameter systemErrno: the system's reason for a failed write. A write that found no room left nothing behind, whatever SQLite
  ///   calls it: a quota and a bound on a file's size are I/O errors to it. A sync that fails so is another matter.
  init(code: Int32, systemErrno: Int32 = 0) {
    let kind: Kind =
      switch code & 0xFF {
      case SQLITE_IOERR where code == ResultCode.SQLITE_IOERR_WRITE.rawValue && Self.noRoom.contains(systemErrno): .diskFull
      case SQLITE_FULL: .diskFull
      case SQLITE_BUSY, SQLITE_LOCKED: .busy
      case SQLITE_CONSTRAINT: .constraint
      case SQLITE_IOERR: .outcomeUnknown
      case SQLITE_CORRUPT, SQLITE_NOTADB: .damaged
      default: .internal("SQLite reports error \(code).")
      }
    self.init(kind)
  }

  /// The failure behind an error of SQLite at a statement; nil for an error that is neither SQLite's nor a failure already.
  init?(_ error: any Error, systemErrno: Int32 = 0) {
    switch error {
    case let failure as LedgerFailure: self = failure
    case let error as DatabaseError: self.init(code: error.extendedResultCode.rawValue, systemErrno: systemErrno)
    default: return nil
    }
  }

  /// The failure behind an error while the ledger is read.
  init(reading error: any Error) { self = LedgerFailure(error) ?? LedgerFailure(.internal("The ledger can't be read: \(error)")) }

  /// The failure behind an error while the file is opened or brought up to date, in SQLite's own words. The statement that they came from
  /// is left out: nobody who starts a service can do anything about it.
  init(opening error: any Error) {
    guard let database = error as? DatabaseError, let failure = LedgerFailure(error) else {
      self = error as? LedgerFailure ?? LedgerFailure(.internal("\(error)"))
      return
    }
    switch failure.kind {
    case .busy, .diskFull, .damaged: self = failure
    default:
      let words = "SQLite error \(database.extendedResultCode.rawValue), \(database.message ?? "without a message")"
      switch database.resultCode {
      case .SQLITE_READONLY:
        self.init(.internal("it can only be read: check its owner, its mode, and whether its file system is mounted for writing"))
      case .SQLITE_IOERR:
        self.init(.internal("its disk failed to read or to write it (\(words)). The system's log has the disk's own words."))
      default: self.init(.internal(words))
      }
    }
  }

  /// The failure behind an error of SQLite at COMMIT: only for these codes, and a write without room, it is known that nothing became
  /// durable.
  init(atCommit error: any Error, systemErrno: Int32 = 0) {
    let known: [ResultCode] = [.SQLITE_FULL, .SQLITE_BUSY, .SQLITE_NOMEM, .SQLITE_CONSTRAINT]
    let failure = LedgerFailure(error, systemErrno: systemErrno)
    guard let code = (error as? DatabaseError)?.resultCode, let failure, known.contains(code) || failure.kind == .diskFull else {
      self.init(.outcomeUnknown)
      return
    }
    self = failure
  }
}

extension Database {
  /// The system's reason for the last failed write to the log: what a transaction writes to.
  var logErrno: Int32 { gatehouse_errno_of_log(sqliteConnection) }
  /// The system's reason for the last failed write to the ledger's file, which only a checkpoint writes to.
  var fileErrno: Int32 { gatehouse_errno_of_file(sqliteConnection) }
}
