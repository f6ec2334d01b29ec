import GatehouseCrypto

/// One device's login as the ledger holds it, seen through one of its tokens. Instants are milliseconds since 1970 UTC.
public struct Session: Sendable, Equatable {
  /// Where the token travels: in the Authorization header, or in the cookie.
  public enum Transport: String, Sendable { case bearer, cookie }

  /// How long a rotated token stays valid after its successor's first use.
  public static let rotationGraceMilliseconds: Int64 = 30_000

  /// The session's id, which names it in lists and grants nothing.
  public let id: SessionID
  /// The account that logged in.
  public let userID: UserID
  /// The class that the login asked for, which decides the timeouts.
  public let sessionClass: SessionClass
  /// The way by which the session's tokens travel.
  public let transport: Transport
  /// The device's name in lists, as the client gave it; nil for none.
  public var device: String?
  /// A short form such as `Firefox 140 on Linux`.
  public var userAgent: String?
  /// The client's address at the login; nil where it was not known.
  public var ip: String?
  /// The instant of the login.
  public let createdAtMilliseconds: Int64
  /// When the password was given for the token through which the session is seen: another token of it may know an older one.
  public var authenticatedAtMilliseconds: Int64
  /// The last use that was noted, which may be older than the true last use; see `SessionTimeouts.touchMilliseconds`.
  public var seenAtMilliseconds: Int64
  /// The absolute end.
  public let expiresAtMilliseconds: Int64
  /// SHA-256 of the secret of that token: the presented one, else the one whose password is the newest.
  public var tokenHash: Digest256
  /// Whether that token has not been used yet: it followed another by a rotation or a password.
  public var isSuccessor: Bool
  /// When that token ends by itself, since one that followed it is in use; nil: with the session.
  public var tokenEndsAtMilliseconds: Int64?

  /// A session of one token; unless told otherwise the token is in use and ends with the session.
  public init(
    id: SessionID, userID: UserID, sessionClass: SessionClass, transport: Transport, device: String?, userAgent: String?, ip: String?,
    createdAtMilliseconds: Int64, authenticatedAtMilliseconds: Int64, seenAtMilliseconds: Int64, expiresAtMilliseconds: Int64,
    tokenHash: Digest256, isSuccessor: Bool = false, tokenEndsAtMilliseconds: Int64? = nil
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
    self.isSuccessor = isSuccessor
    self.tokenEndsAtMilliseconds = tokenEndsAtMilliseconds
  }
}

/// Ids of sessions: one device's login.
public enum SessionKind: IdentifierKind {
  /// The beginning of every session's id.
  public static let prefix = "ses_"
}

/// The id of a session.
public typealias SessionID = Identifier<SessionKind>
