import GatehouseCrypto

/// A login as it was asked for.
public struct Login: Sendable {
  /// The address as the client gave it, in any spelling; it need not be one.
  public var email: String
  /// The password as the client gave it, kept nowhere and never to be logged.
  public var password: String
  /// The class of the session to open, which decides its timeouts.
  public var sessionClass: SessionClass
  /// The way by which the new token is to travel.
  public var transport: Session.Transport
  /// The device's name in lists, as the client gave it; nil for none.
  public var device: String?
  /// A short form of the client's User-Agent; nil if it sent none.
  public var userAgent: String?
  /// The client's address, for lists; nil where it is not known.
  public var ip: String?
  /// The address's network, for the limits.
  public var network: String
  /// The canonical form of the email, or its like for a text that is none: what the limits count.
  public var account: String { EmailAddress.Forms(email).canonical }

  /// A login that was not yet tried; `network` must be the one of `ip`, where there is one.
  public init(
    email: String, password: String, sessionClass: SessionClass, transport: Session.Transport, device: String?, userAgent: String?,
    ip: String?, network: String
  ) {
    self.email = email
    self.password = password
    self.sessionClass = sessionClass
    self.transport = transport
    self.device = device
    self.userAgent = userAgent
    self.ip = ip
    self.network = network
  }
}

/// A new session with its token, which exists nowhere else.
public struct OpenedSession: Sendable {
  /// The secret that proves the session, for the client alone.
  public let token: SessionToken
  /// The session as it was committed, seen through `token`.
  public let session: Session
  /// The account as it was read before the commit: its `lastLoginAtMilliseconds` is that of an earlier login.
  public let user: User
  /// How many sessions of the user ended, the least recently seen ones, because the plan bears no more.
  public let sessionsEnded: Int
}
