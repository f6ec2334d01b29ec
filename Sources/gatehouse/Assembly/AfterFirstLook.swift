import GatehouseCore
import RedisClient
import ServiceLifecycle

/// A listener that starts once this process has looked for Redis: what it answered before, it would count in windows of its own, which
/// are empty then, and every start would give each client and each account new attempts.
struct AfterFirstLook<Listener: Service>: Service {
  /// A Redis that is away, or that answers nothing, holds a start up no longer than this.
  static var patience: Duration { .seconds(2) }
  private static var lookInterval: Duration { .milliseconds(5) }

  let redis: RedisClient
  let lease: Lease
  let listener: Listener

  func run() async throws {
    await cancelWhenGracefulShutdown { await look() }
    guard !Task.isShuttingDownGracefully else { return }
    try await listener.run()
  }

  /// Returns when Redis is used, or when patience is over.
  private func look() async {
    let end = ContinuousClock.now + Self.patience
    while !(redis.isUp && lease.isHeld), ContinuousClock.now < end {
      guard (try? await Task.sleep(for: Self.lookInterval)) != nil else { return }
    }
  }
}
