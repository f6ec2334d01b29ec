import HTTPTypes
import StrictJSON
import GatehouseCore

/// A reason for the audit trail that must be given.
struct ReasonFields: Fields {
  static let meaning = "Why, for the audit trail."

  let reason = Field("reason", Text(1...RequestBounds.reasonMax), ReasonFields.meaning)
  static let declared = Declared(Self())
}

/// A reason for the audit trail that may be given.
struct OptionalReasonFields: Fields {
  let reason = OptionalField.reason
  static let declared = Declared(Self())
}

extension Schema {
  static let ended = answer(Property("ended", .count, "How many sessions ended.", example: 2))
}

extension Endpoint {
  static let deleteUser = Endpoint(
    .delete, "/v1/users/{id}", "deleteUser", .accounts, "Delete a user and all that belongs to them", access: .key(.accounts), [.user],
    body: .optional(OptionalReasonFields.self, example: ["reason": "chargeback"]), answers: [.noContent()], problems: [.notFound])

  static let listUserSessions = Endpoint(
    .get, "/v1/users/{id}/sessions", "listUserSessions", .accounts, "A user's devices",
    "The last seen first. None is marked as the current one: it is the backend that asks.", access: .key(.accounts), [.user],
    query: PageQuery.declared.list, answers: [.ok(.page(of: .session.example(Schema.session.example?.replacing("current", false))))],
    problems: [.notFound, .invalidFields])

  static let endUserSessions = Endpoint(
    .delete, "/v1/users/{id}/sessions", "endUserSessions", .accounts, "End all of a user's sessions", access: .key(.accounts), [.user],
    body: .optional(OptionalReasonFields.self, example: ["reason": "chargeback"]),
    answers: [.ok(.ended, "Done, on every process.")], problems: [.notFound])

  static let endUserSession = Endpoint(
    .delete, "/v1/users/{id}/sessions/{sid}", "endUserSession", .accounts, "End one of a user's sessions", access: .key(.accounts),
    [.user, .path("sid", "A session's id.", .id(SessionID.self))], answers: [.noContent()], problems: [.notFound])

  static let userUsage = Endpoint(
    .get, "/v1/users/{id}/usage", "userUsage", .accounts, "A user's standing with every metric", access: .key(.accounts), [.user],
    answers: [.ok(.usage)], problems: [.notFound])

  static let suspendUser = Endpoint(
    .post, "/v1/users/{id}/suspension", "suspendUser", .accounts, "Suspend a user",
    "Every use of the user's sessions is refused from the next request on, on every process.", access: .key(.accounts), [.user],
    body: .of(ReasonFields.self, example: ["reason": "chargeback"]),
    answers: [.ok(.user, example: Schema.user.example?.replacing("status", "suspended"))], problems: [.notFound])

  static let liftSuspension = Endpoint(
    .delete, "/v1/users/{id}/suspension", "liftSuspension", .accounts, "Lift a user's suspension",
    "The user's sessions end, and the user logs in again. Nothing happens to a user who is not suspended.", access: .key(.accounts),
    [.user], body: .optional(OptionalReasonFields.self, example: ["reason": "chargeback"]), answers: [.ok(.user)], problems: [.notFound])
}

extension RouteTable {
  static var backendUsers: [Route] {
    [
      Route(.deleteUser) { try await $0.deleteUser($1, $2) },
      Route(.listUserSessions) { try await $0.sessionsOfUser($1, $2) },
      Route(.endUserSessions) { try await $0.endSessionsOfUser($1, $2) },
      Route(.endUserSession) { try await $0.endSessionOfUser($1, $2) },
      Route(.userUsage) { try await $0.usageOfUser($1, $2) },
      Route(.suspendUser) { try await $0.suspendUser($1, $2) },
      Route(.liftSuspension) { try await $0.liftSuspension($1, $2) },
    ]
  }
}
