import GRDB

/// Why a write or read of the ledger gave no result.
public struct LedgerFailure: Error, Sendable, Equatable {
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
    /// The commit failed in a way that leaves its outcome unknown: the process must stop and recover from the file.
    case outcomeUnknown
    /// A constraint was violated; nothing happened.
    case constraint
    case `internal`(String)
  }

  public let kind: Kind
  public init(_ kind: Kind) { self.kind = kind }

  /// The failure behind an error of SQLite, nil for any other error.
  init?(_ error: any Error) {
    guard let error = error as? DatabaseError else { return nil }
    switch error.resultCode {
    case .SQLITE_FULL: kind = .diskFull
    case .SQLITE_BUSY, .SQLITE_LOCKED: kind = .busy
    case .SQLITE_CONSTRAINT: kind = .constraint
    case .SQLITE_IOERR: kind = .outcomeUnknown
    default: kind = .internal("SQLite error \(error.extendedResultCode.rawValue)")
    }
  }
}
