import HTTPTypes
import StrictJSON
import GatehouseCore

struct AcceptClockFields: Fields {
  let source = OptionalField("source", Choice([Recovery.TrustedClock.redis, .host]), "The clock that is right; Redis's unless given.")
  let reason = ReasonFields().reason
  static let declared = Declared(Self())
}

extension Schema {
  static let clock = answer(
    Property("now", .instant, "The service's time.", example: "2026-11-23T14:03:07.412Z"),
    Property("status", .values(["believed", "alarm"]), "Whether Redis's clock is believed.", example: "believed"),
    Property(
      "redis_offset_ms", Schema(["type": "integer"]).orNull, "How far Redis's clock is ahead; null before it is heard.", example: 0),
    Property("host_offset_ms", Schema(["type": "integer"]), "How far the host's clock is ahead.", example: 0),
    Property(
      "quiet_until", .instant.orNull, "Until then nothing is removed for its age; null when rows may be removed.", example: .null)
  ).named("Clock")
}

extension Endpoint {
  static let adminClock = Endpoint(
    .get, "/v1/admin/clock", "adminClock", .admin, "The time that the service goes by",
    "The answer also says how far Redis's clock and the host's were from it at their last reading.", on: .operations, access: .key(.admin),
    answers: [.ok(.clock)])

  static let acceptClock = Endpoint(
    .post, "/v1/admin/clock/accept", "acceptClock", .admin, "Accept a clock that has jumped",
    "After the answer every process goes by that clock's time. No day or month that is over opens again.", on: .operations,
    access: .key(.admin), body: .of(AcceptClockFields.self, example: ["source": "redis", "reason": "the host slept"]),
    answers: [.ok(.clock)])

  static let forgetRedis = Endpoint(
    .post, "/v1/admin/redis/forget", "forgetRedis", .admin, "Read every user from the ledger again",
    """
    For use after keys of Redis were restored, renamed or edited by hand: what Redis holds of users is not used any more. Nobody is logged \
    out, and rate windows stay. The ledger decides for about half a second.
    """,
    on: .operations, access: .key(.admin), body: .of(ReasonFields.self, example: ["reason": "a key was restored by hand"]),
    answers: [.noContent()])
}
