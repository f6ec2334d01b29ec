/// Where service keys are kept. Every change of them raises a version that each process reads with its lease poll.
public protocol KeyLedger: Sendable {
  /// All keys, revoked and expired ones too, the oldest first.
  func serviceKeys() async throws -> [ServiceKey]
  /// Adds a key. Every process knows it once it has polled.
  func createServiceKey(_ key: ServiceKey, by actor: AuditActor) async throws -> Unacknowledged<Void>
  /// Revokes a live key; false, and nothing changed, if there is no such one. Every process knows of it once it has polled.
  func revokeServiceKey(_ id: ServiceKeyID, by actor: AuditActor, now: Int64) async throws -> Unacknowledged<Bool>
  /// Writes a key's last use later, without waiting.
  func touchServiceKey(_ id: ServiceKeyID, usedAt now: Int64)
}
