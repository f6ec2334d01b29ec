import Logging
import NIOCore
import Synchronization

/// Hops that a trusted proxy names and nobody can read: told to the log once a minute, since every request through it brings one.
final class HopFaults: Sendable {
  static let interval: Duration = .seconds(60)
  /// How much of a hop is told.
  static let shownMax = 64

  private struct Count {
    var nextAt: ContinuousClock.Instant?
    var untold = 0
  }

  private let state = Mutex(Count())

  /// How many were not told since the last time, if it is time to tell this one.
  func count(now: ContinuousClock.Instant = .now) -> Int? {
    state.withLock { state in
      if let next = state.nextAt, now < next {
        state.untold += 1
        return nil
      }
      defer { state = Count(nextAt: now + Self.interval) }
      return state.untold
    }
  }

  func note(_ hop: String, peer: SocketAddress?, _ log: Logger) {
    guard let untold = count() else { return }
    log.warning(
      """
      A trusted proxy names a client that can't be read in X-Forwarded-For: address limits do not count its requests. Let it send the \
      client's address
      """,
      metadata: [
        "hop": .string(String(hop.prefix(Self.shownMax))), "peer": .string(peer?.ipAddress ?? "local"), "more_since_last": "\(untold)",
      ])
  }
}
