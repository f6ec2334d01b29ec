import GatehouseCrypto

/// A login as it was asked for.
public struct Login: Sendable {
  public var email: String
  public var password: String
  public var sessionClass: SessionClass
  public var transport: Session.Transport
  public var device: String?
  public var userAgent: String?
  public var ip: String?
  /// The address's network, for the limits.
  public var network: String
  /// The canonical form of the email, or its like for a text that is none: what the limits count.
  public var account: String { EmailAddress.Forms(email).canonical }

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
  public let token: SessionToken
  public let session: Session
  public let user: User
  public let sessionsEnded: Int
}
