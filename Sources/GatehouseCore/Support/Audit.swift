/// The author of a change, for the audit trail: a session's user, a service key, an operator at the ops socket, or the service itself.
public struct AuditActor: Sendable, Equatable {
  /// As the trail spells it: an id, `ops` or `system`.
  public let text: String

  init(_ text: String) { self.text = text }

  /// An operator at the ops socket.
  public static let operations = AuditActor("ops")
  /// The service itself.
  public static let system = AuditActor("system")
}

/// An action in the audit trail. The words are stored, and operators and exports show them: none may change.
public enum AuditAction: String, Sendable, CaseIterable {
  case userCreated = "user_created"
  /// Somebody signed up with an address that the account has already.
  case signUpRepeated = "signup_repeated"
  case userChanged = "user_changed"
  case userSuspended = "user_suspended"
  case userUnsuspended = "user_unsuspended"
  case userDeleted = "user_deleted"
  case planChanged = "plan_changed"
  case emailChangeRequested = "email_change_requested"
  case emailChangeDropped = "email_change_dropped"
  case emailChanged = "email_changed"
  case emailVerificationRequested = "email_verification_requested"
  case emailVerified = "email_verified"
  case passwordResetRequested = "password_reset_requested"
  case passwordReset = "password_reset"
  case passwordChanged = "password_changed"
  case loggedIn = "logged_in"
  case sessionEnded = "session_ended"
  case sessionsEnded = "sessions_ended"
  case everyoneEnded = "everyone_ended"
  case serviceKeyCreated = "service_key_created"
  case serviceKeyRevoked = "service_key_revoked"
  case redisForgotten = "redis_forgotten"
  case clockAccepted = "clock_accepted"
}

/// One change of an account: who did what, when and why. Instants are milliseconds since 1970 UTC.
public struct AuditEntry: Sendable, Equatable {
  /// Grows with every entry of the ledger.
  public let number: Int64
  /// The instant of the change.
  public let occurredAtMilliseconds: Int64
  /// The author of the change, as `AuditActor.text` spells it.
  public let actor: String
  /// An `AuditAction`, or one that a newer version wrote.
  public let action: String
  /// The author's words for it; nil if none were asked for or given.
  public let reason: String?
  /// The change in detail, a JSON object.
  public let detail: String
  /// An entry as the ledger holds it; `detail` must be a JSON object.
  public init(number: Int64, occurredAtMilliseconds: Int64, actor: String, action: String, reason: String?, detail: String) {
    self.number = number
    self.occurredAtMilliseconds = occurredAtMilliseconds
    self.actor = actor
    self.action = action
    self.reason = reason
    self.detail = detail
  }
}
