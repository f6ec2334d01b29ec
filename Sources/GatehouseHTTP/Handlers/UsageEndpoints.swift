import HTTPTypes
import StrictJSON
import GatehouseCore

struct HistoryQuery: Fields {
  let metric = OptionalField("metric", AnyText(.text(0...64)), "The first metric of the configuration unless named.")
  let from = Field("from", AnyText(.date.example("2026-11-21")), "The first date, in the user's zone.")
  let to = Field("to", AnyText(.date.example("2026-11-22")), "The date after the last; at most \(RequestBounds.historyDaysMax) days on.")
  let format = OptionalField("format", AnyText(.values(["json", "csv"])), "Overrides Accept.")
  static let declared = Declared(Self())
}

struct UsageEventsQuery: Fields {
  let from = OptionalField("from", InstantOrDate(), "The first instant.")
  let to = OptionalField("to", InstantOrDate(), "The instant after the last.")
  let limit = PageQuery().limit
  let cursor = PageQuery().cursor
  static let declared = Declared(Self())
}

struct EventFields: Fields {
  let userID = Field("user_id", UserReference(), "The user who did it.")
  let action = Field("action", Text(1...64), "A name of the app's for what was done.")
  let occurredAt = OptionalField("occurred_at", Text(1...40, schema: .instant), "When it was done; now unless given.")
  let metadata = OptionalField.metadata
  static let declared = Declared(Self())
}

struct EventsFields: Fields {
  let events = Field("events", NestedList<EventFields>(1...RequestBounds.batchMax), "Events, recorded together or not at all.")
  static let declared = Declared(Self())
}

extension Schema {
  static let usage = answer(
    Property("plan", .text, "The plan in force.", example: "free"),
    Property("time_zone", .text, "The user's zone, an IANA name.", example: "Europe/Berlin"),
    Property(
      "period",
      .answer(
        Property("kind", .text, "day: each user's day begins at midnight of their zone.", example: "day"),
        Property("starts_at", .instant, "When the day began.", example: "2026-11-22T23:00:00.000Z"),
        Property("ends_at", .instant, "When the next day begins.", example: "2026-11-23T23:00:00.000Z")),
      "The user's present day."),
    Property("data", .list(of: .allowanceWithBonus), "Where the user stands with every metric.")
  ).named("Usage")

  fileprivate static let history = answer(
    Property("metric", .text, "The metric that is counted.", example: "video_analysis"),
    Property("time_zone", .text, "The user's zone, an IANA name.", example: "Europe/Berlin"),
    Property("from", .date, "The first date, as it was asked for.", example: "2026-11-21"),
    Property("to", .date, "The date after the last, as it was asked for.", example: "2026-11-22"),
    Property("next_cursor", .text.orNull, "Always null: a history is one page.", example: .null),
    Property(
      "data",
      .list(
        of: .answer(
          Property("date", .date, "The day, in the user's zone.", example: "2026-11-21"),
          Property("used", .count, "Units that were used.", example: 1),
          Property("limit", .count.orNull, "Units that the plan gave; null is unlimited.", example: 1))),
      "The days, the oldest first."))
}

extension Endpoint {
  static let usage = Endpoint(
    .get, "/v1/usage", "usage", .usage, "Allowances now", access: .session, answers: [.ok(.usage, headers: Success.limits)])

  static let usageHistory = Endpoint(
    .get, "/v1/usage/history", "usageHistory", .usage, "Used units by day", access: .session, query: HistoryQuery.declared.list,
    answers: [
      Success(
        200, "Done.", headers: Success.limits,
        content: [
          Success.json(.history),
          .init(mediaType: "text/csv", schema: .text, example: "date,metric,used,limit\r\n2026-11-21,video_analysis,1,1\r\n"),
        ])
    ], problems: [.notAcceptable, .invalidFields])

  static let usageEvents = Endpoint(
    .get, "/v1/usage/events", "usageEvents", .usage, "Usage events", access: .session, query: UsageEventsQuery.declared.list,
    answers: [.ok(.page(of: .usageEvent), headers: Success.limits)], problems: [.invalidFields])

  static let recordEvents = Endpoint(
    .post, "/v1/usage/events", "recordEvents", .usage, "Record unmetered events", access: .key(.work), bodyCap: .batch,
    [.idempotencyKey],
    body: .of(
      EventsFields.self,
      example: [
        "events": [["user_id": "usr_4tq9m2kd7xw1hb", "action": "export", "occurred_at": "2026-11-23T14:00:00.000Z", "metadata": [:]]]
      ]),
    answers: [
      .created(.answer(Property("accepted", .count, "How many events were recorded.", example: 1)), headers: ["Idempotency-Replayed"])
    ], problems: [.notFound])
}

extension RouteTable {
  static var usage: [Route] {
    [
      Route(.usage) { try await $0.usage($1, $2) },
      Route(.usageHistory) { try await $0.usageHistory($1, $2) },
      Route(.usageEvents) { try await $0.usageEvents($1, $2) },
      Route(.recordEvents) { try await $0.recordEvents($1, $2) },
    ]
  }
}
