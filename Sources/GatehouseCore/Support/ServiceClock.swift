import Synchronization

/// The time that deadlines and days are computed from: Redis TIME, carried on by the boot-time clock while Redis is silent.
/// The host's wall clock counts only until Redis is first heard, and never below the ledger's newest stamp.
public final class ServiceClock: Sendable {
  private struct Anchor {
    var milliseconds: Int64
    var at: ContinuousClock.Instant
    var heardRedis: Bool
  }

  private let anchor: Mutex<Anchor>

  /// - Parameter wallMilliseconds: the host's wall clock now, the start until Redis is heard.
  public init(wallMilliseconds: Int64) {
    anchor = Mutex(Anchor(milliseconds: wallMilliseconds, at: .now, heardRedis: false))
  }

  /// Milliseconds since 1970 UTC.
  public func now() -> Int64 {
    anchor.withLock { $0.milliseconds + ($0.at.duration(to: .now) / .milliseconds(1)).rounded64 }
  }

  /// Redis answered with its TIME.
  public func heard(redisMilliseconds: Int64) {
    anchor.withLock { $0 = Anchor(milliseconds: redisMilliseconds, at: .now, heardRedis: true) }
  }

  /// The ledger holds this stamp: while Redis has never been heard, time is not before it.
  public func atLeast(ledgerMilliseconds: Int64) {
    anchor.withLock { anchor in
      let now = anchor.milliseconds + (anchor.at.duration(to: .now) / .milliseconds(1)).rounded64
      if !anchor.heardRedis, now < ledgerMilliseconds {
        anchor = Anchor(milliseconds: ledgerMilliseconds, at: .now, heardRedis: false)
      }
    }
  }
}

extension Double {
  /// The whole number below, for durations that are known to fit.
  fileprivate var rounded64: Int64 { Int64(exactly: rounded(.down)) ?? 0 }
}
