import HTTPTypes
import StrictJSON
import GatehouseCore

extension DefaultField where Kind == Whole {
  static var leaseSeconds: DefaultField {
    DefaultField(
      "lease_seconds", Whole(RequestBounds.leaseSeconds), default: RequestBounds.leaseSecondsDefault,
      "Seconds until the units come back by themselves, unless the lease is extended.")
  }
}

struct ReserveFields: Fields {
  let userID = Field("user_id", UserReference(), "The user who uses the units.")
  let metric = Field("metric", Text(1...64), "A metric of the configuration.")
  let amount = DefaultField("amount", Whole(1...RequestBounds.amountMax), default: 1, "Units to hold.")
  let lease = DefaultField.leaseSeconds
  let commit = DefaultField("commit", Flag(), default: false, "true: use the units at once.")
  static let declared = Declared(Self())
}

struct CommitFields: Fields {
  let amount = OptionalField("amount", Whole(1...RequestBounds.amountMax), "How many of the held units are used; all unless given.")
  static let declared = Declared(Self())
}

struct ReleaseFields: Fields {
  static let declared = Declared(Self())
}

struct ExtendFields: Fields {
  let lease = Field("lease_seconds", Whole(RequestBounds.leaseSeconds), "Seconds from now on.")
  static let declared = Declared(Self())
}

extension Endpoint {
  static let reserve = Endpoint(
    .post, "/v1/reservations", "reserve", .reservations, "Hold units for a job", access: .key(.work), [.idempotencyKey],
    body: .of(
      ReserveFields.self,
      example: ["user_id": "usr_4tq9m2kd7xw1hb", "metric": "video_analysis", "amount": 1, "lease_seconds": 600, "commit": false]),
    answers: [
      .created(
        .reservationAndAllowance, headers: ["Idempotency-Replayed"],
        links: [
          .init("commit", "commitReservation", id: "/reservation/id"), .init("release", "releaseReservation", id: "/reservation/id"),
          .init("extend", "extendReservation", id: "/reservation/id"),
        ])
    ], problems: [.notFound, .allowanceExhausted])

  static let commitReservation = Endpoint(
    .post, "/v1/reservations/{id}/commit", "commitReservation", .reservations, "Use held units", access: .key(.work), [.reservation],
    body: .optional(CommitFields.self, example: ["amount": 1]), answers: [.ok(.reservationAndAllowance)],
    problems: [.notFound, .invalidTransition, .reservationExpired])

  static let releaseReservation = Endpoint(
    .post, "/v1/reservations/{id}/release", "releaseReservation", .reservations, "Give held units back", access: .key(.work),
    [.reservation], body: .optional(ReleaseFields.self, example: [:]), answers: [.ok(.reservationAndAllowance)],
    problems: [.notFound, .invalidTransition])

  static let extendReservation = Endpoint(
    .post, "/v1/reservations/{id}/extend", "extendReservation", .reservations, "Extend the lease", access: .key(.work), [.reservation],
    body: .of(ExtendFields.self, example: ["lease_seconds": 600]), answers: [.ok(.reservationAndAllowance)],
    problems: [.notFound, .invalidTransition, .reservationExpired])
}

extension RouteTable {
  static var reservations: [Route] {
    [
      Route(.reserve) { try await $0.reserve($1, $2) },
      Route(.commitReservation) { try await $0.commitReservation($1, $2) },
      Route(.releaseReservation) { try await $0.releaseReservation($1, $2) },
      Route(.extendReservation) { try await $0.extendReservation($1, $2) },
    ]
  }
}
