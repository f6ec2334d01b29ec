import CSQLite
import GRDB
import Glibc

/// Why a write or read of the ledger gave no result.
public struct LedgerFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// The failures, by what has become of the write.
  public enum Kind: Sendable, Equatable {
    /// The queue is full; nothing happened.
    case overloaded
    /// There is no room for it on the disk; nothing happened.
    case diskFull
    /// Another process held the file too long; nothing happened.
    case busy
    /// The ledger is closed, or stopped after a failure; nothing happened.
    case closed
    /// The disk failed, or a commit did in a way that leaves its outcome unknown: the process must stop and recover from the file.
    case outcomeUnknown
    /// The file or its log was removed or replaced while it was open: the outcome is unknown, the process must stop.
    case fileReplaced
    /// A constraint was violated; nothing happened.
    case constraint
    /// The file holds no sound ledger; nothing happened.
    case damaged
    /// Anything else, in a sentence for a log or a terminal; nothing happened.
    case `internal`(String)
  }

  public let kind: Kind
  /// Whether nothing may be acknowledged any more.
  public var isFatal: Bool { kind == .outcomeUnknown || kind == .fileReplaced }
  public init(_ kind: Kind) { self.kind = kind }

  /// What the system says when a file may not grow: SQLite knows only the first by itself.
  private static let noRoom: Set<Int32> = [ENOSPC, EDQUOT, EFBIG]

  /// The failure behind an error of SQLite at a statement, nil for any other error.
  /// - Parameter systemErrno: the system's reason for a failed write. A write that found no room left nothing behind, whatever SQLite
  ///   calls it: a quota and a bound on a file's size are I/O errors to it. A sync that fails so is another matter.
  init?(_ error: any Error, systemErrno: Int32 = 0) {
    guard let error = error as? DatabaseError else { return nil }
    switch error.resultCode {
    case .SQLITE_IOERR where error.extendedResultCode == .SQLITE_IOERR_WRITE && Self.noRoom.contains(systemErrno): kind = .diskFull
    case .SQLITE_FULL: kind = .diskFull
    case .SQLITE_BUSY, .SQLITE_LOCKED: kind = .busy
    case .SQLITE_CONSTRAINT: kind = .constraint
    case .SQLITE_IOERR: kind = .outcomeUnknown
    case .SQLITE_CORRUPT, .SQLITE_NOTADB: kind = .damaged
    default: kind = .internal("SQLite reports error \(error.extendedResultCode.rawValue).")
    }
  }

  /// Whether what the file holds is to blame.
  static func isOfContent(_ error: any Error) -> Bool { (error as? LedgerFailure ?? LedgerFailure(error))?.kind == .damaged }

  /// The failure behind an error of SQLite at COMMIT: only for these codes, and a write without room, it is known that nothing became
  /// durable.
  init(atCommit error: any Error, systemErrno: Int32 = 0) {
    let known: [ResultCode] = [.SQLITE_FULL, .SQLITE_BUSY, .SQLITE_NOMEM, .SQLITE_CONSTRAINT]
    let failure = LedgerFailure(error, systemErrno: systemErrno)
    guard let code = (error as? DatabaseError)?.resultCode, let failure, known.contains(code) || failure.kind == .diskFull else {
      kind = .outcomeUnknown
      return
    }
    self = failure
  }

  /// One sentence: what, and what to do. Free of data.
  public var description: String {
    switch kind {
    case .overloaded: "The ledger's queue is full: try again in a moment."
    case .diskFull: "There is no room on the disk for the ledger: make some."
    case .busy: "Another program holds the ledger's file: end its transaction."
    case .closed: "The ledger is closed."
    case .outcomeUnknown: "The disk failed under the ledger, so the outcome of a write is unknown: check the disk and start again."
    case .fileReplaced:
      """
      The ledger's file, or its log beside it, was removed or replaced while the service ran, or written over: see docs/operations.md before \
      the next start.
      """
    case .constraint: "A constraint of the ledger refused a row."
    case .damaged:
      """
      The ledger's file is damaged: stop the service, keep a copy of the file and its log, and put back a backup. `gatehouse serve --check` \
      says what is wrong.
      """
    case .internal(let sentence): sentence
    }
  }
}

extension Database {
  /// The system's reason for the last failed write to the log: what a transaction writes to.
  var logErrno: Int32 { gatehouse_errno_of_log(sqliteConnection) }
  /// The same for the ledger's file, which only a checkpoint writes to.
  var fileErrno: Int32 { gatehouse_errno_of_file(sqliteConnection) }
}
