import GatehouseCrypto

/// A mail that a backend sends to an account's stored address: the token exists nowhere else.
public struct Mail: Sendable, Equatable {
  /// The purposes of mailed tokens.
  public enum Purpose: String, Sendable {
    case passwordReset = "password_reset"
    case emailVerification = "email_verification"

    /// The entry of the audit trail when such a mail is asked for.
    public var requested: AuditAction {
      switch self {
      case .passwordReset: .passwordResetRequested
      case .emailVerification: .emailVerificationRequested
      }
    }
  }

  /// The stored address, as it was given.
  public let to: String
  public let token: String
  /// Milliseconds since 1970 UTC.
  public let expiresAtMilliseconds: Int64
}

/// A mailed token as it is stored: good once, and for one address.
public struct SingleUse: Sendable, Equatable {
  public let hash: Digest256
  public let kind: Mail.Purpose
  public let userID: UserID
  /// The canonical form of the address that it is mailed to.
  public let canonicalEmail: String
  public let expiresAtMilliseconds: Int64

  public init(hash: Digest256, kind: Mail.Purpose, userID: UserID, canonicalEmail: String, expiresAtMilliseconds: Int64) {
    self.hash = hash
    self.kind = kind
    self.userID = userID
    self.canonicalEmail = canonicalEmail
    self.expiresAtMilliseconds = expiresAtMilliseconds
  }
}

extension User {
  /// The address that a verification is about: the pending one, else the present one unless it is verified.
  public var addressToVerify: String? { pendingEmail ?? (emailVerified ? nil : email) }
}
