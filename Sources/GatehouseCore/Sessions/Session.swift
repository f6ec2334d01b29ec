import GatehouseCrypto

/// One device's login as the ledger holds it, seen through one of its tokens. Instants are milliseconds since 1970 UTC.
public struct Session: Sendable, Equatable {
  /// Where the token travels: in the Authorization header, or in the cookie.
  public enum Transport: String, Sendable { case bearer, cookie }

  /// How long a rotated token stays valid after its successor's first use.
  public static let rotationGraceMilliseconds: Int64 = 30_000

  public let id: SessionID
  public let userID: UserID
  public let sessionClass: SessionClass
  public let transport: Transport
  public var device: String?
  /// A short form such as `Firefox 140 on Linux`.
  public var userAgent: String?
  public var ip: String?
  public let createdAtMilliseconds: Int64
  /// When the password was given for the token through which the session is seen: another token of it may know an older one.
  public var authenticatedAtMilliseconds: Int64
  public var seenAtMilliseconds: Int64
  /// The absolute end.
  public let expiresAtMilliseconds: Int64
  /// SHA-256 of the secret of that token: the presented one, else the one whose password is the newest.
  public var tokenHash: Digest256
  /// Whether that token has not been used yet: it followed another by a rotation or a password.
  public var isSuccessor: Bool
  /// When that token ends by itself, since one that followed it is in use; nil: with the session.
  public var tokenEndsAtMilliseconds: Int64?

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
  public static let prefix = "ses_"
}

/// The id of a session.
public typealias SessionID = Identifier<SessionKind>
