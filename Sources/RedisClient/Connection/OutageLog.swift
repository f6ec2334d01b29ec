import Logging
import Synchronization

/// One line for an outage of Redis and one for its end, however many connections notice, and one for each thing that Redis refuses in it.
final class OutageLog: Sendable {
  private struct State {
    var out: Set<ObjectIdentifier> = []
    var since = ContinuousClock.now
    var refused: Set<RedisRefusal> = []
  }

  private let log: Logger
  private let state = Mutex(State())

  init(_ log: Logger) { self.log = log }

  /// A connection can't be used.
  func begins(_ connection: RedisConnection, _ message: Logger.Message, _ metadata: Logger.Metadata) {
    let isFirst = state.withLock { state in
      defer { state.out.insert(ObjectIdentifier(connection)) }
      guard state.out.isEmpty else { return false }
      state.since = .now
      return true
    }
    if isFirst { log.warning(message, metadata: metadata) }
  }

  /// A connection can't be used, for what Redis refuses. An outage that has begun as another thing is told of it all the same: a Redis that
  /// was away may come back with another account.
  func begins(_ connection: RedisConnection, refused refusal: RedisRefusal) {
    let isNew = state.withLock { state in
      if state.out.isEmpty { state.since = .now }
      state.out.insert(ObjectIdentifier(connection))
      return state.refused.insert(refusal).inserted
    }
    // The message may quote what was sent, so only the kind of refusal is told.
    if isNew { log.warning("Redis refused us", metadata: ["command": "\(refusal.command)", "reason": "\(refusal.kind.rawValue)"]) }
  }

  /// A connection can be used.
  func ends(_ connection: RedisConnection) {
    let away: Duration? = state.withLock { state in
      guard state.out.remove(ObjectIdentifier(connection)) != nil, state.out.isEmpty else { return nil }
      state.refused = []
      return state.since.duration(to: .now)
    }
    if let away { log.notice("Redis is back", metadata: ["away_ms": "\(Int64(away / .milliseconds(1)))"]) }
  }
}
