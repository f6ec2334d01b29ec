import Logging
import Synchronization

/// One line for an outage of Redis and one for its end, however many connections notice.
final class OutageLog: Sendable {
  private struct State {
    var out: Set<ObjectIdentifier> = []
    var since = ContinuousClock.now
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

  /// A connection can be used.
  func ends(_ connection: RedisConnection) {
    let away: Duration? = state.withLock { state in
      guard state.out.remove(ObjectIdentifier(connection)) != nil, state.out.isEmpty else { return nil }
      return state.since.duration(to: .now)
    }
    if let away { log.notice("Redis is back", metadata: ["away_ms": "\(Int64(away / .milliseconds(1)))"]) }
  }
}
