import HTTPTypes
import StrictJSON
import GatehouseCore

struct HistoryQuery: Fields {
  let metric = OptionalField("metric", AnyText(.text(0...64)), "The first metric of the configuration unless named.")
  let from = Field("from", AnyText(.date.example("2026-11-21")), "The first date, in the user's zone.")
  let to = Field("to", AnyText(.date.example("2026-11-22")), "The date after the last; at most 400 days on.")
  let format = OptionalField("format", AnyText(.values(["json", "csv"])), "Instead of Accept.")
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
  let userID = Field("user_id", UserReference())
  let action = Field("action", Text(1...64))
  let occurredAt = OptionalField("occurred_at", Text(1...40, schema: .instant), "Now unless given.")
  let metadata = OptionalField("metadata", RawObject(bytesMax: Limits.metadataBytesMax), "Any object of the app's, up to 8 KiB.")
  static let declared = Declared(Self())
}

struct EventsFields: Fields {
  let events = Field("events", NestedList<EventFields>(1...1_000))
  static let declared = Declared(Self())
}

extension Schema {
  static let usage = answer(
    Property("plan", .text, example: "free"), Property("time_zone", .text, example: "Europe/Berlin"),
    Property(
      "period",
      .answer(
        Property("kind", .text, example: "day"), Property("starts_at", .instant, example: "2026-11-22T23:00:00.000Z"),
        Property("ends_at", .instant, example: "2026-11-23T23:00:00.000Z"))),
    Property("data", .list(of: .allowanceWithBonus))
  ).named("Usage")

  fileprivate static let history = answer(
    Property("metric", .text, example: "video_analysis"), Property("time_zone", .text, example: "Europe/Berlin"),
    Property("from", .date, example: "2026-11-21"), Property("to", .date, example: "2026-11-22"),
    Property("next_cursor", .text.orNull, example: .null),
    Property(
      "data",
      .list(
        of: .answer(
          Property("date", .date, example: "2026-11-21"), Property("used", .count, example: 1),
          Property("limit", .count.orNull, "null is unlimited.", example: 1)))))
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
    answers: [.created(.answer(Property("accepted", .count, example: 1)), headers: ["Idempotency-Replayed"])], problems: [.notFound])
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
