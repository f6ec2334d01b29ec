import HTTPTypes
import StrictJSON
import GatehouseCore

extension Schema {
  static let event = answer(
    Property("id", .text(pattern: "^evt_[0-9a-z]{14}$"), "The event's id.", example: "evt_7c1mz40xkd9wq2"),
    Property(
      "type", .text,
      """
      user.created, signup.repeated, user.deleted, user.suspended, user.reactivated, user.email_changed, user.email_verified, \
      session.created, session.ended, password.changed, password.reset, plan.changed, allowance.exhausted; more may come.
      """,
      example: "user.deleted"),
    Property("occurred_at", .instant, "When it happened.", example: "2026-11-23T14:09:44.018Z"),
    Property("user_id", .id(UserID.self), "The user of whom it tells.", example: "usr_4tq9m2kd7xw1hb"),
    Property("external_id", .text.orNull, "The user's external_id at that time; null without one.", example: "1042"),
    Property("data", .anyObject, "More about it, by type.")
  ).named("Event")
}

extension Endpoint {
  static let events = Endpoint(
    .get, "/v1/events", "events", .events, "The events of accounts",
    "The oldest first. next_cursor is never null. Send it with the next call; it works even if nothing has happened yet.",
    access: .key(.accounts),
    query: PageQuery.declared.list,
    answers: [
      .ok(.page(of: .event, next: Property("next_cursor", .text, "The cursor of the next call.", example: "MTctLTNhOWYxYzI3YjA")))
    ],
    problems: [.invalidFields])
}

extension RouteTable {
  static var events: [Route] { [Route(.events) { try await $0.events($1, $2) }] }
}
