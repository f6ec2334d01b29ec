import GatehouseCrypto

/// One device's login as the ledger holds it. Instants are milliseconds since 1970 UTC.
public struct Session: Sendable, Equatable {
  /// Decides the idle and absolute timeouts.
  public enum Class: String, Sendable, CaseIterable { case web, remember, mobile }
  /// Where the token travels: in the Authorization header, or in the cookie.
  public enum Transport: String, Sendable { case bearer, cookie }

  public let id: SessionID
  public let userID: UserID
  public let sessionClass: Class
  public let transport: Transport
  public var device: String?
  /// A short form such as `Firefox 140 on Linux`.
  public var userAgent: String?
  public var ip: String?
  public let createdAtMilliseconds: Int64
  public var authenticatedAtMilliseconds: Int64
  public var seenAtMilliseconds: Int64
  /// The absolute end.
  public let expiresAtMilliseconds: Int64
  /// SHA-256 of the current token's secret.
  public var tokenHash: Digest256
  /// SHA-256 of a rotated successor that has not been used yet.
  public var successorHash: Digest256?
  /// SHA-256 of the token before the current one, valid until `previousEndsAtMilliseconds`.
  public var previousHash: Digest256?
  public var previousEndsAtMilliseconds: Int64?

  public init(
    id: SessionID, userID: UserID, sessionClass: Class, transport: Transport, device: String?, userAgent: String?, ip: String?,
    createdAtMilliseconds: Int64, authenticatedAtMilliseconds: Int64, seenAtMilliseconds: Int64, expiresAtMilliseconds: Int64,
    tokenHash: Digest256, successorHash: Digest256? = nil, previousHash: Digest256? = nil, previousEndsAtMilliseconds: Int64? = nil
  ) {
    self.id = id
    self.userID = userID
    self.sessionClass = sessionClass
    self.transport = transport
    self.device = device
    self.userAgent = userAgent
    self.ip = ip
    self.createdAtMilliseconds = createdAtMilliseconds
    self.authenticatedAtMilliseconds = authenticatedAtMilliseconds
    self.seenAtMilliseconds = seenAtMilliseconds
    self.expiresAtMilliseconds = expiresAtMilliseconds
    self.tokenHash = tokenHash
    self.successorHash = successorHash
    self.previousHash = previousHash
    self.previousEndsAtMilliseconds = previousEndsAtMilliseconds
  }
}

/// How long the sessions of a class live: the one place where the idle rule is written in Swift (the gate script holds its twin).
public struct SessionTimeouts: Sendable, Equatable {
  public let idleMilliseconds: Int64
  public let absoluteMilliseconds: Int64
  public init(idleMilliseconds: Int64, absoluteMilliseconds: Int64) {
    self.idleMilliseconds = idleMilliseconds
    self.absoluteMilliseconds = absoluteMilliseconds
  }

  /// The longest time between two writes of `seen`.
  public static let touchMillisecondsMax: Int64 = 300_000

  /// A session's `seen` is written when it is older than this: min(idle / 10, 5 minutes).
  public var touchMilliseconds: Int64 { min(idleMilliseconds / 10, Self.touchMillisecondsMax) }

  /// The instant after which an untouched session is dead: never early, late by at most twice the touch interval.
  public func idleEnd(seenAtMilliseconds seen: Int64) -> Int64 { seen + idleMilliseconds + 2 * touchMilliseconds }
}
