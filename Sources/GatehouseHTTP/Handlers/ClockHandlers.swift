import GatehouseCore
import Hummingbird
import StrictJSON

extension API {
  /// `GET /v1/admin/clock`
  func adminClock(_ request: Request, _ context: GatehouseContext, _ access: AdminAccess) async throws -> Answer {
    _ = try actor(request, access)
    try refuseQuery(request)
    return answer(status())
  }

  /// `POST /v1/admin/clock/accept` with `{"source", "reason"}`: from its answer on every process goes by that clock's time.
  func acceptClock(_ request: Request, _ context: GatehouseContext, _ access: AdminAccess) async throws -> Answer {
    let actor = try actor(request, access)
    var fields = try await fields(request, context)
    let declared = AcceptClockFields.declared.fields
    let source = fields.read(declared.source)
    let reason = fields.read(declared.reason)
    try fields.finish()
    try await domain.recovery.accept(source ?? .redis, by: actor, reason: reason)
    return answer(status())
  }

  private func status() -> [UInt8] {
    let status = clock.status
    return json { writer in
      writer.object { writer in
        writer.string("now", Instants.text(status.nowMilliseconds))
        writer.string("status", status.isAlarmed ? "alarm" : "believed")
        writer.int("redis_offset_ms", status.redisOffsetMilliseconds.map(Int.init))
        writer.int("host_offset_ms", Int(status.hostOffsetMilliseconds))
        writer.instant("quiet_until", status.quietUntilMilliseconds)
      }
    }
  }
}
