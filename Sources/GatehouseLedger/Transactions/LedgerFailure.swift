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
    /// The store has another version than this program's: nothing happened, and the process must stop.
    case migrated
    /// A constraint was violated; nothing happened.
    case constraint
    /// The file holds no sound ledger; nothing happened.
    case damaged
    /// Anything else, in a sentence for a log or a terminal; nothing happened.
    case `internal`(String)
  }

  /// The case to act on: all but `outcomeUnknown` and `fileReplaced` say that nothing happened.
  public let kind: Kind
  /// Whether nothing may be acknowledged any more.
  public var isFatal: Bool { kind == .outcomeUnknown || kind == .fileReplaced || kind == .migrated }
  /// A failure of this kind, for an engine or a queue to throw.
  public init(_ kind: Kind) { self.kind = kind }
  /// A transaction was rolled back, by a failure that its body kept to itself or by one that has no kind.
  public static let rolledBack = LedgerFailure(.internal("The transaction was rolled back."))

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
    case .migrated:
      """
      The ledger's version is not this program's any more: a program of another version has migrated it while this one ran. Stop every \
      process of the older program, then start the newer one.
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
