import GatehouseCrypto

/// The keys of backends: made, checked, revoked.
public final class ServiceKeys: Sendable {
  let ledger: any HotLedger & KeyLedger
  let ring: KeyRing
  let changes: Changes
  let clock: ServiceClock

  /// The keys in `ledger` as `ring` knows them; all parts of one process share one ring.
  public init(ledger: any HotLedger & KeyLedger, ring: KeyRing, changes: Changes, clock: ServiceClock) {
    self.ledger = ledger
    self.ring = ring
    self.changes = changes
    self.clock = clock
  }

  /// Whether the keys that are known may judge a request now. If not, `refreshIfStale` must come first.
  public var areFresh: Bool { ring.isFresh }

  /// Call it before each request; see `KeyRing.refreshIfStale`.
  public func refreshIfStale() async throws { try await ring.refreshIfStale(from: ledger) }

  /// The live key behind a token; its last use is written at most once a minute. Throws `invalidKey`, and `unavailable` while it is
  /// not known which keys are live.
  public func check(_ token: ServiceKeyToken) throws(ServiceError) -> ServiceKey {
    try ring.check(token, ledger: ledger, now: clock.now())
  }

  /// The live key whose token these bytes are, if it was remembered and has the scope; nil says nothing: then `check` decides.
  public func known(_ token: UnsafeRawBufferPointer, scope: ServiceKey.Scope) -> ServiceKeyID? {
    ring.known(token, scope: scope, now: clock.now())
  }

  /// Remembers a token that has just opened its key, for `known`.
  public func remember(_ token: ServiceKeyToken) { ring.remember(token) }

  /// Makes a key; every process accepts it when this returns. The token is stored nowhere.
  /// - Parameter lifetimeMilliseconds: after so long it is accepted no more; nil for a key without an end.
  public func create(
    name: String, scopes: Set<ServiceKey.Scope>, lifetimeMilliseconds: Int64?, by actor: AuditActor
  ) async throws -> (key: ServiceKey, token: ServiceKeyToken) {
    let id = ServiceKeyID.random()
    let token = ServiceKeyToken.mint(keyID: id.body)
    let now = clock.now()
    let key = ServiceKey(
      id: id, name: name, hash: token.hash, scopes: scopes, createdAtMilliseconds: now,
      expiresAtMilliseconds: lifetimeMilliseconds.map { now + $0 })
    await changes.acknowledge(try await ledger.createServiceKey(key, by: actor))
    return (key, token)
  }

  /// All keys, revoked and expired ones too, the oldest first.
  public func all() async throws -> [ServiceKey] { try await ledger.serviceKeys() }

  /// Revokes a key; no process accepts it any more when this returns. False if there is no such live key.
  public func revoke(_ id: ServiceKeyID, by actor: AuditActor) async throws -> Bool {
    let change = try await ledger.revokeServiceKey(id, by: actor, now: clock.now())
    guard change.value else { return false }
    return await changes.acknowledge(change, after: KeyRing.trustedFor)
  }
}

extension ServiceKeys: PollFollower {
  /// Reads the keys again when the poll has seen another version of them.
  public func follow(_ poll: LeasePoll, readAt start: ContinuousClock.Instant) async throws {
    try await ring.refresh(version: poll.serviceKeysVersion, readAt: start, from: ledger)
  }
}
