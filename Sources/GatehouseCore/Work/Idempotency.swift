import GatehouseCrypto

/// The first answer to an `Idempotency-Key`, kept `IdempotentCall.keptMilliseconds` in the transaction of its effect.
public struct StoredAnswer: Sendable, Equatable {
  /// The HTTP status of the first answer.
  public let status: Int
  /// The bytes of the first answer, which a repeat gets unchanged.
  public let body: [UInt8]
  /// The first answer's `Location` field; nil without one.
  public let location: String?
  /// An answer to be kept; it must hold no secret, since it is stored as it is.
  public init(status: Int, body: [UInt8], location: String? = nil) {
    self.status = status
    self.body = body
    self.location = location
  }
}

/// Writes the answer to a call that reserves units, in two steps: most of it is known before the transaction that decides, and must not
/// cost time of the one thread that writes.
public struct ReservedAnswer: Sendable {
  /// Writes an answer to its end with the standing that the transaction found.
  public typealias End = @Sendable (Allowance) -> StoredAnswer

  /// Writes all but the standing of what is to be made. The answer must hold no secret.
  public let begin: @Sendable (Reservation, Analysis?) -> End

  /// An answer that `begin` begins; it may be begun more than once for one call.
  public init(_ begin: @escaping @Sendable (Reservation, Analysis?) -> End) { self.begin = begin }
}

/// An `Idempotency-Key` with all that makes a replay safe. `scope` is the user's id or the service key's id.
public struct IdempotentCall: Sendable, Equatable {
  /// Milliseconds for which the first answer is kept: a repeat within them gets it again.
  public static let keptMilliseconds = Day.milliseconds
  /// The id of the user or service key whose key it is: the same key of another scope is another call.
  public let scope: String
  /// The key as the client sent it, 1 to 255 visible ASCII characters.
  public let key: String
  /// A keyed digest of method, path and body: another body under the same key is `idempotencyKeyReused`.
  public let fingerprint: Digest256
  /// The request's fingerprints by older keys of the server secret: it may have been stored under one of them.
  public let olderFingerprints: [Digest256]
  /// A call; all fingerprints must be of the same method, path and body.
  public init(scope: String, key: String, fingerprint: Digest256, olderFingerprints: [Digest256] = []) {
    self.olderFingerprints = olderFingerprints
    self.scope = scope
    self.key = key
    self.fingerprint = fingerprint
  }
}

/// The outcome of a call under an `Idempotency-Key`.
public enum Once<Value: Sendable>: Sendable {
  /// The call was carried out now, with this value.
  case first(Value)
  /// The call was carried out before: this is its first answer.
  case replay(StoredAnswer)
}
