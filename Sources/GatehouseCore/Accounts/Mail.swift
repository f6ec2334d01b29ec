import GatehouseCrypto

/// A mail that a backend sends to an account's stored address: the token exists nowhere else.
public struct Mail: Sendable, Equatable {
  /// The purposes of mailed tokens.
  public enum Purpose: String, Sendable {
    /// Sets a new password.
    case passwordReset = "password_reset"
    /// Shows that the address belongs to the user.
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
  /// The text for the mailed link; it begins with `ghm_`, is good once, and no log may show it.
  public let token: String
  /// Milliseconds since 1970 UTC.
  public let expiresAtMilliseconds: Int64
}

/// A mailed token as it is stored: good once, and for one address.
public struct SingleUse: Sendable, Equatable {
  /// The token's hash, by which it is found: the ledger never holds the token itself.
  public let hash: Digest256
  /// The one thing that the token may be spent on.
  public let kind: Mail.Purpose
  /// The account that the token acts on.
  public let userID: UserID
  /// The canonical form of the address that it is mailed to.
  public let canonicalEmail: String
  /// The instant from which the token is refused, in milliseconds since 1970 UTC.
  public let expiresAtMilliseconds: Int64

  /// A token to be stored; the secret behind `hash` must have been made for it alone.
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
