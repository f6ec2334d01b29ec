/// An operator's remedies when a clock or a Redis has gone wrong.
public struct Recovery: Sendable {
  /// Which clock an operator takes for right.
  public enum TrustedClock: String, Sendable { case redis, host }

  let ledger: any HotLedger & ClockLedger
  let hot: any HotStore
  let changes: Changes
  let clock: ServiceClock

  /// The remedies of one process; `clock` and `changes` must be those that its domain uses.
  public init(ledger: any HotLedger & ClockLedger, hot: any HotStore, changes: Changes, clock: ServiceClock) {
    self.ledger = ledger
    self.hot = hot
    self.changes = changes
    self.clock = clock
  }

  /// Every process goes by a clock's time when this returns. Throws `unavailable` when Redis does not say what time it is.
  public func accept(_ source: TrustedClock, by actor: AuditActor, reason: String) async throws {
    let accepted: Int64
    switch source {
    case .host: accepted = ServiceClock.hostMilliseconds
    case .redis:
      guard let time = await hot.time() else {
        throw ServiceError(.unavailable, "Redis does not say what time it is. Start it, or accept the host's clock.", retryAfterSeconds: 1)
      }
      accepted = time
    }
    let change = try await ledger.acceptClock(
      clock.accepting(accepted), shiftMilliseconds: accepted - clock.now(), by: actor, reason: reason, now: accepted)
    clock.follow(change.value, newestStampMilliseconds: 0)
    _ = await changes.acknowledge(change)
  }

  /// Nothing that Redis held of users before is believed when this returns.
  public func forgetRedis(by actor: AuditActor, reason: String) async throws {
    let change = try await ledger.renewTerms(by: actor, reason: reason, now: clock.now())
    // Without a Redis that is registered there is nothing to forget.
    if change.value { _ = await changes.acknowledge(change) }
  }
}
