import GatehouseCore
import Hummingbird

extension API {
  /// `POST /v1/admin/redis/forget` with `{"reason"}`: after its answer nothing is believed that Redis held of users before.
  func forgetRedis(_ request: Request, _ context: GatehouseContext, _ access: AdminAccess) async throws -> Answer {
    let actor = try actor(request, access)
    var fields = try await fields(request, context)
    let reason = fields.read(ReasonFields.declared.fields.reason)
    try fields.finish()
    try await domain.recovery.forgetRedis(by: actor, reason: reason)
    return noContent()
  }
}
