import Logging
import MetricTable
import Metrics
import Synchronization

/// Counts the connections that were refused for want of a place of their client's, and says so in the log, a line a minute at most.
final class ConnectionRefusals: Sendable {
  private static let silence: Duration = .seconds(60)

  private struct RefusalState {
    var toldAt: ContinuousClock.Instant?
    var since = 0
  }

  private let log: Logger
  private let counter: Counter
  private let state = Mutex(RefusalState())

  init(log: Logger, factory: any MetricsFactory = MetricsSystem.factory) {
    self.log = log
    counter = ServiceMetric.connectionsRefused.counter("address", from: factory)
  }

  /// One more of a network.
  func note(_ network: String) {
    counter.increment()
    let count: Int? = state.withLock { state in
      state.since += 1
      let now = ContinuousClock.now
      if let toldAt = state.toldAt, now - toldAt < Self.silence { return nil }
      defer { state.since = 0 }
      state.toldAt = now
      return state.since
    }
    guard let count else { return }
    log.warning(
      "A client has reached its number of connections: further ones are closed (http.connections_per_address)",
      metadata: ["network": "\(network)", "refused_since_last_line": "\(count)"])
  }
}
