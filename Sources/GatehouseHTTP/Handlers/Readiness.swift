import Synchronization

/// Whether this process takes requests: from its start to the beginning of its shutdown.
public final class Readiness: Sendable {
  /// Requests are taken in `ready` alone.
  public enum State: Int, Sendable { case starting, ready, draining }
  private let state = Mutex(State.starting)
  public init() {}
  public func become(_ next: State) { state.withLock { $0 = next } }
  public var now: State { state.withLock { $0 } }
}
