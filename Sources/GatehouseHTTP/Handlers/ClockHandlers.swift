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
    let accepted: Int64
    switch source ?? .redis {
    case .host: accepted = ServiceClock.hostMilliseconds
    case .redis:
      guard let time = await hot.time() else {
        throw ServiceError(.unavailable, "Redis does not say what time it is. Start it, or accept the host's clock.", retryAfterSeconds: 1)
      }
      accepted = time
    }
    let record = try await ledger.acceptClock(
      clock.accepting(accepted), shiftMilliseconds: accepted - clock.now(), by: actor, reason: reason, now: accepted)
    clock.follow(record, newestStampMilliseconds: 0)
    await changes.waitForEveryProcess()
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
