/// Who made a change, for the audit trail: a session's user, a service key, an operator at the ops socket, or the service itself.
public struct AuditActor: Sendable, Equatable {
  /// As the trail spells it: an id, `ops` or `system`.
  public let text: String

  init(_ text: String) { self.text = text }

  /// An operator at the ops socket.
  public static let operations = AuditActor("ops")
  /// The service itself.
  public static let system = AuditActor("system")
}

/// One change of an account: who did what, when and why. Instants are milliseconds since 1970 UTC.
public struct AuditEntry: Sendable, Equatable {
  /// Grows with every entry of the ledger.
  public let number: Int64
  public let occurredAtMilliseconds: Int64
  public let actor: String
  public let action: String
  public let reason: String?
  /// What changed, a JSON object.
  public let detail: String
  public init(number: Int64, occurredAtMilliseconds: Int64, actor: String, action: String, reason: String?, detail: String) {
    self.number = number
    self.occurredAtMilliseconds = occurredAtMilliseconds
    self.actor = actor
    self.action = action
    self.reason = reason
    self.detail = detail
  }
}
