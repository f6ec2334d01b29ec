import GatehouseCore
import Hummingbird
import StrictJSON

/// A backend's calls on its users' accounts, with a key of scope `accounts`, so that it never needs the ops listener for them.
extension API {
  /// `GET /v1/users/{id}/sessions`: the user's devices, the last seen first; none of them is the current one here.
  func sessionsOfUser(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    _ = try serviceKey(request, .accounts)
    let id = try userID(context)
    let list = PagedList.sessions(of: id)
    let page = try pageRequest(PageQuery.declared.query(request.uri.query), list)
    guard let found = try await sessions.list(ofAnybody: id, page: page) else { throw Problem.notFound }
    return answer(
      json { writer in
        writer.list(found.items, next: cursor(found.next, list)) { writer, session in
          writer.session(session, current: false, timeouts: timeouts(session.sessionClass))
        }
      })
  }

  /// `DELETE /v1/users/{id}/sessions`: all of them.
  func endSessionsOfUser(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let key = try serviceKey(request, .accounts)
    let reason = try await optionalReason(request, context)
    guard let ended = try await sessions.endAll(ofAnybody: userID(context), by: .key(key.id), reason: reason) else {
      throw Problem.notFound
    }
    return answer(json { $0.object { $0.int("ended", ended) } })
  }

  /// `DELETE /v1/users/{id}/sessions/{sid}`
  func endSessionOfUser(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let key = try serviceKey(request, .accounts)
    try refuseQuery(request)
    guard let session = context.parameters.get("sid").flatMap(SessionID.init) else { throw Problem.notFound }
    guard try await sessions.end(session, of: userID(context), by: .key(key.id)) else { throw Problem.notFound }
    return noContent()
  }

  /// `GET /v1/users/{id}/usage`
  func usageOfUser(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    _ = try serviceKey(request, .accounts)
    try refuseQuery(request)
    guard let usage = try await usage(of: userID(context)) else { throw Problem.notFound }
    return answer(usage)
  }

  /// `POST /v1/users/{id}/suspension`: every use of the user's sessions is refused from the next request on.
  func suspendUser(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let key = try serviceKey(request, .accounts)
    var fields = try await fields(request, context)
    let reason = fields.read(ReasonFields.declared.fields.reason)
    try fields.finish()
    return try await setStatus(.suspended, context, by: key, reason: reason)
  }

  /// `DELETE /v1/users/{id}/suspension`: lifts it, which ends the user's sessions; also where there was none, and then ends nothing.
  func liftSuspension(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let key = try serviceKey(request, .accounts)
    return try await setStatus(.active, context, by: key, reason: optionalReason(request, context))
  }

  private func setStatus(_ status: UserStatus, _ context: GatehouseContext, by key: ServiceKey, reason: String?) async throws -> Answer {
    var wanted = UserChanges()
    wanted.status = status
    wanted.reason = reason
    let user = try await accounts.change(userID(context), wanted, by: .key(key.id))
    return answer(json { $0.user(user, plan: plan(of: user)) })
  }

  /// `DELETE /v1/users/{id}`: the account and all that belongs to it.
  func deleteUser(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let key = try serviceKey(request, .accounts)
    let reason = try await optionalReason(request, context)
    try await accounts.delete(userID(context), by: .key(key.id), reason: reason)
    return noContent()
  }

  /// The `reason` of a body that may be left out, for the audit trail.
  private func optionalReason(_ request: Request, _ context: GatehouseContext) async throws -> String? {
    var fields = try await optionalFields(request, context)
    let reason = fields.read(OptionalReasonFields.declared.fields.reason)
    try fields.finish()
    return reason
  }
}
