import GatehouseCore
import StrictJSON

extension JSONWriter {
  mutating func allowance(_ allowance: Allowance, withBonus: Bool = false) {
    object { writer in
      writer.string("metric", allowance.metric)
      writer.int64("limit", withBonus ? allowance.limit : allowance.limit.map { $0 + allowance.bonus })
      if withBonus { writer.int64("bonus", allowance.bonus) }
      writer.int64("used", allowance.used)
      writer.int64("held", allowance.held)
      writer.int64("remaining", allowance.remaining)
      writer.instant("resets_at", allowance.resetsAtMilliseconds)
    }
  }

  mutating func reservation(_ reservation: Reservation) {
    object { writer in
      writer.string("id", reservation.id.text)
      writer.string("user_id", reservation.userID.text)
      writer.string("metric", reservation.metric)
      writer.int64("amount", reservation.amount)
      writer.int64("committed", reservation.committed)
      writer.string("status", reservation.status.rawValue)
      writer.instant("period_starts_at", reservation.periodStartsAtMilliseconds)
      writer.instant("lease_expires_at", reservation.leaseExpiresAtMilliseconds)
      writer.instant("created_at", reservation.createdAtMilliseconds)
      writer.instant("finished_at", reservation.finishedAtMilliseconds)
    }
  }

  /// A reservation as the gate shows it.
  mutating func heldReservation(_ reservation: Reservation) {
    object { writer in
      writer.string("id", reservation.id.text)
      writer.string("metric", reservation.metric)
      writer.int64("amount", reservation.amount)
      writer.string("status", reservation.status.rawValue)
      writer.instant("lease_expires_at", reservation.leaseExpiresAtMilliseconds)
    }
  }

  mutating func analysis(_ analysis: Analysis) {
    object { writer in
      writer.string("id", analysis.id.text)
      writer.string("user_id", analysis.userID.text)
      writer.string("status", analysis.status.rawValue)
      writer.string("filename", analysis.filename)
      writer.raw("metadata", Optional(analysis.metadata.utf8))
      writer.string("metric", analysis.metric)
      writer.int64("amount", analysis.amount)
      writer.string("reservation_id", analysis.reservationID.text)
      writer.instant("lease_expires_at", analysis.leaseExpiresAtMilliseconds)
      writer.raw("result", analysis.result?.utf8)
      writer.raw("error", analysis.error?.utf8)
      writer.instant("created_at", analysis.createdAtMilliseconds)
      writer.instant("finished_at", analysis.finishedAtMilliseconds)
    }
  }

  mutating func usageEvent(_ event: UsageEvent) {
    object { writer in
      writer.string("id", event.id.text)
      writer.string("action", event.action)
      writer.string("metric", event.metric)
      writer.int64("amount", event.amount)
      writer.instant("occurred_at", event.occurredAtMilliseconds)
      writer.raw("metadata", Optional(event.metadata.utf8))
    }
  }
}

extension Schema {
  static let allowance = answer(
    Property("metric", .text, "The metric that is counted.", example: "video_analysis"),
    Property("limit", .count.orNull, "Units of the period; null is unlimited.", example: 1),
    Property("used", .count, "Units that are used.", example: 0),
    Property("held", .count, "Units that reservations hold.", example: 1),
    Property("remaining", .count.orNull, "Units that are left; null is unlimited.", example: 0),
    Property("resets_at", .instant, "When the next period begins.", example: "2026-11-23T23:00:00.000Z")
  ).named("Allowance")

  static let allowanceWithBonus = answer(
    Property("metric", .text, "The metric that is counted.", example: "video_analysis"),
    Property("limit", .count.orNull, "Units of the plan; null is unlimited.", example: 1),
    Property("bonus", .count, "Units beyond the plan's.", example: 0),
    Property("used", .count, "Units that are used.", example: 1),
    Property("held", .count, "Units that reservations hold.", example: 0),
    Property("remaining", .count.orNull, "Units that are left; null is unlimited.", example: 0),
    Property("resets_at", .instant, "When the next period begins.", example: "2026-11-23T23:00:00.000Z")
  ).named("AllowanceWithBonus")

  static let reservation = answer(
    Property("id", .id(ReservationID.self), "The reservation's id.", example: "rsv_8d2znq07fb5xkw"),
    Property("user_id", .id(UserID.self), "The user who uses the units.", example: "usr_4tq9m2kd7xw1hb"),
    Property("metric", .text, "The metric of the units.", example: "video_analysis"),
    Property("amount", .integer(from: 1), "Units that were held.", example: 1),
    Property("committed", .count, "Units that were used.", example: 0),
    Property(
      "status", .values(["held", "committed", "released", "expired"]), "The state of the units: held ones await their use.",
      example: "held"),
    Property("period_starts_at", .instant, "The period that the units count in.", example: "2026-11-22T23:00:00.000Z"),
    Property("lease_expires_at", .instant.orNull, "When held units come back by themselves.", example: "2026-11-23T14:13:10.000Z"),
    Property("created_at", .instant, "When the units were reserved.", example: "2026-11-23T14:03:10.000Z"),
    Property("finished_at", .instant.orNull, "When the reservation ended; null while it is held.", example: .null)
  ).named("Reservation")

  static let analysis = answer(
    Property("id", .id(AnalysisID.self), "The analysis's id.", example: "ana_3p7xkd52vh9mzc"),
    Property("user_id", .id(UserID.self), "The analysis's user.", example: "usr_4tq9m2kd7xw1hb"),
    Property(
      "status", .values(AnalysisStatus.allCases.map(\.rawValue)), "pending and running are open; all others are final.",
      example: "pending"),
    Property("filename", .text.orNull, "The name of the file that is analysed; null without one.", example: "squat.mp4"),
    Property("metadata", .anyObject, "The app's own object, as it was sent.", example: ["athlete": "17"]),
    Property("metric", .text, "The metric that the analysis costs.", example: "video_analysis"),
    Property("amount", .integer(from: 1), "Units that the analysis costs.", example: 1),
    Property("reservation_id", .text, "The reservation that holds the units.", example: "rsv_6m1ytc94wd8qse"),
    Property(
      "lease_expires_at", .instant.orNull, "When an open analysis expires unless it is reported on.", example: "2026-11-23T14:33:07.930Z"),
    Property(
      "result", .any, "Any JSON, as it was reported; null while there is none, and in lists without include=result.", example: .null),
    Property("error", .anyObject.orNull, "The object that a failure was reported with; null without one.", example: .null),
    Property("created_at", .instant, "When the analysis was started.", example: "2026-11-23T14:03:07.930Z"),
    Property("finished_at", .instant.orNull, "When the analysis ended; null while it is open.", example: .null)
  ).named("Analysis")

  private static let allowanceAfter = Property("allowance", .allowance, "Where the user stands with the metric after the call.")

  static let reservationAndAllowance = answer(
    Property("reservation", .reservation, "The reservation after the call."), allowanceAfter
  ).named("ReservationAndAllowance")

  static let analysisAndAllowance = answer(
    Property("analysis", .analysis, "The analysis after the call."), allowanceAfter
  ).named("AnalysisAndAllowance")

  static let usageEvent = answer(
    Property("id", .id(UsageEventID.self), "The event's id.", example: "evt_5n8wyc31tq7kzd"),
    Property("action", .text, "The app's own name for it; committed or analysis_completed where units were used.", example: "export"),
    Property("metric", .text.orNull, "null for an event that no metric counts.", example: .null),
    Property("amount", .count.orNull, "Units of the metric; null without one.", example: .null),
    Property("occurred_at", .instant, "When it was done.", example: "2026-11-23T14:00:00.000Z"),
    Property("metadata", .anyObject, "The app's own object, as it was sent.")
  ).named("UsageEvent")
}
