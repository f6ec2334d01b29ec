import Hummingbird

extension API {
  /// `POST /v1/admin/redis/forget` with `{"reason"}`: from its answer on nothing is believed that Redis held of users before.
  func forgetRedis(_ request: Request, _ context: GatehouseContext, _ access: AdminAccess) async throws -> Response {
    let actor = try actor(request, access)
    var fields = try await fields(request, context)
    let reason = fields.string("reason", length: 1...Limits.reasonMax)
    try fields.finish()
    try await domain.recovery.forgetRedis(by: actor, reason: reason)
    return Response(status: .noContent)
  }
}
