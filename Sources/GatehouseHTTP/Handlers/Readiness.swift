import Synchronization

/// Whether this process takes requests: from its start to the beginning of its shutdown.
public final class Readiness: Sendable {
  /// Requests are taken in `ready` alone.
  public enum Phase: Int, Sendable { case starting, ready, draining }
  private let state = Mutex(Phase.starting)
  /// A process that starts: it takes no request yet.
  public init() {}
  /// Changes the phase at once, for all threads.
  public func become(_ next: Phase) { state.withLock { $0 = next } }
  /// The phase at this call.
  public var now: Phase { state.withLock { $0 } }
}
