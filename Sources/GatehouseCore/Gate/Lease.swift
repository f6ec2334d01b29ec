import Synchronization

/// The right to serve from Redis, renewed by the poll of pending changes. Times are of the boot-time clock.
public final class Lease: Sendable {
  /// How long a poll lets a process serve from Redis, counted from the start of its read.
  public static let duration: Duration = .milliseconds(500)
  /// Time between two polls.
  public static let pollInterval: Duration = .milliseconds(pollIntervalMilliseconds)
  public static let pollIntervalMilliseconds: Int64 = 100

  private let end: Mutex<ContinuousClock.Instant?> = Mutex(nil)

  public init() {}

  /// Every pending change that was read at `start` is gone from Redis.
  public func renew(readAt start: ContinuousClock.Instant) {
    end.withLock { end in end = max(end ?? start, start + Self.duration) }
  }

  /// Whether Redis may be believed now.
  public var isHeld: Bool { end.withLock { $0.map { ContinuousClock.now < $0 } ?? false } }
}

/// Polls the ledger for changes that Redis must learn of, drops them there, and renews the lease; keeps keys and clock up to date.
public struct LeaseKeeper<Store: Ledger>: Sendable {
  private let ledger: Store
  private let hot: any HotStore
  private let lease: Lease
  private let keys: KeyRing
  private let clock: ServiceClock

  public init(ledger: Store, hot: any HotStore, lease: Lease, keys: KeyRing, clock: ServiceClock) {
    self.ledger = ledger
    self.hot = hot
    self.lease = lease
    self.keys = keys
    self.clock = clock
  }

  /// One poll; whether the lease was renewed. Throws what the ledger throws: the lease then runs out by itself.
  @discardableResult public func poll() async throws -> Bool {
    let start = ContinuousClock.now
    let poll = try await ledger.leasePoll()
    hot.setEra(poll.era)
    clock.follow(poll.clock, newestStampMilliseconds: poll.newestStampMilliseconds)
    try await keys.refresh(version: poll.serviceKeysVersion, readAt: start, from: ledger)
    let isGone = await drop(poll.pending)
    if isGone, poll.isWhole { lease.renew(readAt: start) }
    // After the renewal, which it must not delay. A process that nobody calls keeps Redis's time all the same.
    // During an alarm this is how Redis is heard to agree again.
    if let now = await hot.time() { clock.heard(redisMilliseconds: now) }
    return isGone && poll.isWhole
  }

  private func drop(_ pending: [PendingChange]) async -> Bool {
    guard !pending.isEmpty else { return true }
    guard await hot.drop(pending.map(\.routingID)) else { return false }
    ledger.settled(pending)
    return true
  }
}
