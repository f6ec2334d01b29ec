import HTTPTypes
import StrictJSON

extension Schema {
  static let readiness = answer(
    Property(
      "status", .values(["ready", "degraded", "starting", "draining", "down"]),
      "ready or degraded: the process takes requests. degraded: the ledger serves in place of Redis.", example: "ready"),
    Property(
      "redis", .values(["up", "down", "refuses", "evicts"]),
      """
      down: Redis does not answer. refuses: Redis answers what Gatehouse needs with errors, and the log says which. evicts: it may forget \
      what it counts. The ledger serves what Redis does not.
      """, example: "up"),
    Property("ledger", .values(["up", "down"]), "Whether the ledger takes writes.", example: "up"),
    Property(
      "clock", .values(["believed", "alarm"]),
      "alarm: Redis's clock has jumped, and the ledger serves until it agrees again or an operator accepts it.", example: "believed")
  ).named("Readiness")
}

extension Endpoint {
  static let livez = Endpoint(
    .get, "/livez", "livez", .health, "Whether the process lives", on: .both, access: .anyone,
    answers: [.ok(.answer(Property("status", .values(["alive"]), "The process answers.", example: "alive")))])

  static let readyz = Endpoint(
    .get, "/readyz", "readyz", .health, "Whether the process takes requests",
    "503 only while starting, draining or without the ledger; degraded while `redis` or `clock` says that something is wrong.", on: .both,
    access: .anyone,
    answers: [
      .ok(.readiness),
      Success(
        503, "Starting, draining or without the ledger.",
        content: [
          Success.json(.readiness, Schema.readiness.example?.replacing("status", "down").replacing("ledger", "down")),
          .init(mediaType: Problem.mediaType, schema: .problem, example: nil),
        ]),
    ])

  static let openapi = Endpoint(
    .get, OpenAPI.path, "openapi", .health, "This document", on: .both, access: .anyone, answers: [.ok(.anyObject.example(nil))])
}

extension RouteTable {
  static var health: [Route] {
    [
      Route(.livez) { _, _, _ in answer(json { $0.object { $0.string("status", "alive") } }) },
      Route(.readyz) { api, _, _ in api.readyz() },
    ]
  }
}
