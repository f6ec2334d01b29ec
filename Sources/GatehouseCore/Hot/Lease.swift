import GatehouseCrypto
import Synchronization

/// The right to serve from Redis, renewed by the poll of pending changes. Times are of the boot-time clock.
public final class Lease: Sendable {
  /// How long a poll lets a process serve from Redis, counted from the start of its read.
  public static let duration: Duration = .milliseconds(500)
  /// Time between two polls.
  public static let pollInterval: Duration = .milliseconds(pollIntervalMilliseconds)
  /// `pollInterval` as a whole number of milliseconds.
  public static let pollIntervalMilliseconds: Int64 = 100
  /// For so long after a new term was read nothing is served from it: who reads the ledger no more has stopped by then.
  public static let quarantine: Duration = duration + .milliseconds(commandDeadlineMilliseconds)
  /// The longest a reply of Redis is waited for; a later one is never used.
  public static let commandDeadlineMilliseconds: Int64 = 50

  private static let processCharacters = 8
  private let state: Mutex<LeaseState>

  /// A lease that is not held, of a process with a new random name; the first poll may renew it.
  public init() { state = Mutex(LeaseState(process: SecureRandom.identifier(length: Self.processCharacters))) }

  /// The term under which Redis may be believed now; nil: the ledger serves.
  public var term: HotTerm? { state.withLock { $0.held(at: .now) } }
  /// Whether Redis may be believed now.
  public var isHeld: Bool { term != nil }

  /// Whether a drop could count now.
  var isInForce: Bool { state.withLock { $0.isInForce(at: .now) } }
  /// Whether the answer to a drop counts now: nobody can serve what was before it.
  func counts(_ mark: HotMark) -> Bool { state.withLock { $0.counts(mark, at: .now) } }

  func with<T>(_ body: (inout LeaseState) -> T) -> T { state.withLock { body(&$0) } }
}
