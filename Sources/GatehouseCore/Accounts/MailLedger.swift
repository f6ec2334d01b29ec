import GatehouseCrypto

/// Mailed tokens.
public protocol MailLedger: Sendable {
  /// Stores a new token if its user is active and its address is still the one to mail to; else false.
  func keep(_ token: SingleUse, by actor: AuditActor, now: Int64) async throws -> Bool
  /// The active user whose unspent token this is; nil if it is used, expired, unknown, or made for an address that is not in place.
  func owner(ofToken hash: Digest256, _ kind: Mail.Purpose, now: Int64) async throws -> User?
  /// Spends a reset token: the new password, every session ended, the address verified, the pending one and all other tokens dropped.
  /// nil, and nothing changed, where `owner` is nil.
  func resetPassword(token: Digest256, newHash: String, now: Int64) async throws -> Unacknowledged<User>?
  /// Spends a verification token: the address verified, and the present one if it was pending. nil, and nothing changed, where `owner`
  /// is nil. Throws `emailTaken`, the token unspent, if another account has the address by now.
  func verifyEmail(token: Digest256, now: Int64) async throws -> Unacknowledged<User>?
}
