import GatehouseCrypto

/// The first answer to an `Idempotency-Key`, kept 24 hours in the transaction of its effect.
public struct StoredAnswer: Sendable, Equatable {
  public let status: Int
  public let body: [UInt8]
  public let location: String?
  public init(status: Int, body: [UInt8], location: String? = nil) {
    self.status = status
    self.body = body
    self.location = location
  }
}

/// An `Idempotency-Key` with all that makes a replay safe. `scope` is the user's id or the service key's id.
public struct IdempotentCall: Sendable, Equatable {
  public let scope: String
  public let key: String
  /// A keyed digest of method, path and body: another body under the same key is `idempotencyKeyReused`.
  public let fingerprint: Digest256
  /// The request's fingerprints by older keys of the server secret: it may have been stored under one of them.
  public let olderFingerprints: [Digest256]
  public init(scope: String, key: String, fingerprint: Digest256, olderFingerprints: [Digest256] = []) {
    self.olderFingerprints = olderFingerprints
    self.scope = scope
    self.key = key
    self.fingerprint = fingerprint
  }
}

/// The outcome of a call under an `Idempotency-Key`.
public enum Once<Value: Sendable>: Sendable {
  case first(Value)
  case replay(StoredAnswer)
}
