import GatehouseCore
import GatehouseCrypto
import Hummingbird
import StrictJSON

/// The credential that the admin routes of a listener need.
public enum AdminAccess: Sendable {
  /// A TCP listener: a service key with scope `admin`.
  case key
  /// The Unix socket in the data folder, which only its owner can open.
  case owner
}

extension API {
  func actor(_ request: Request, _ access: AdminAccess) throws -> AuditActor {
    switch access {
    case .owner: .operations
    case .key: .key(try serviceKey(request, .admin).id)
    }
  }

  /// `GET /v1/admin/users?query=`
  func adminUsers(_ request: Request, _ context: GatehouseContext, _ access: AdminAccess) async throws -> Answer {
    _ = try actor(request, access)
    let query = try AdminUsersQuery.declared.query(request.uri.query)
    let text = try query.read(AdminUsersQuery.declared.fields.query) ?? ""
    let page = try pageRequest(query, .users)
    let found = try await accounts.users(matching: text, page: page)
    return answer(json { $0.list(found.items, next: cursor(found.next, .users)) { $0.user($1, plan: plan(of: $1)) } })
  }

  /// `GET /v1/admin/users/{id}`
  func adminUser(_ request: Request, _ context: GatehouseContext, _ access: AdminAccess) async throws -> Answer {
    _ = try actor(request, access)
    try refuseQuery(request)
    return answer(try await overview(userID(context)))
  }

  /// `PATCH /v1/admin/users/{id}`: plan, its end, status; always with a reason.
  func adminChangeUser(_ request: Request, _ context: GatehouseContext, _ access: AdminAccess) async throws -> Answer {
    let actor = try actor(request, access)
    var fields = try await fields(request, context)
    let declared = AdminUserFields.declared.fields
    let newPlan = fields.read(declared.plan)
    var changes = planChanges(&fields, plan: newPlan, declared.planEndsAt)
    changes.status = fields.read(declared.status)
    changes.reason = fields.read(declared.reason)
    try fields.finish()
    let id = try userID(context)
    _ = try await accounts.change(id, changes, by: actor)
    return answer(try await overview(id))
  }

  /// `DELETE /v1/admin/users/{id}` with `{"reason"}`
  func adminDeleteUser(_ request: Request, _ context: GatehouseContext, _ access: AdminAccess) async throws -> Answer {
    let actor = try actor(request, access)
    var fields = try await fields(request, context)
    let reason = fields.read(ReasonFields.declared.fields.reason)
    try fields.finish()
    try await accounts.delete(userID(context), by: actor, reason: reason)
    return noContent()
  }

  /// `POST /v1/admin/sessions/revoke-all` with `{"confirm": "everyone", "reason"}`
  func revokeEveryone(_ request: Request, _ context: GatehouseContext, _ access: AdminAccess) async throws -> Answer {
    let actor = try actor(request, access)
    var fields = try await fields(request, context)
    let declared = RevokeEveryoneFields.declared.fields
    let confirm = fields.read(declared.confirm)
    let reason = fields.read(declared.reason)
    if confirm != declared.confirm.kind.word {
      fields.refuse(declared.confirm, code: "not_allowed", "Say \"everyone\" to end every session of every user.")
    }
    try fields.finish()
    let ended = try await sessions.endEveryone(by: actor, reason: reason)
    return answer(json { $0.object { $0.int("ended", ended) } })
  }

  private func overview(_ id: UserID) async throws -> [UInt8] {
    guard let found = try await accounts.overview(of: id) else { throw Problem.notFound }
    let user = found.user
    return json { writer in
      writer.object { writer in
        writer.string("id", user.id.text)
        writer.string("external_id", user.externalID)
        writer.string("email", user.email)
        writer.bool("email_verified", user.emailVerified)
        writer.string("pending_email", user.pendingEmail)
        writer.string("name", user.name)
        writer.string("time_zone", user.timeZone)
        writer.string("plan", plan(of: user))
        writer.instant("plan_ends_at", user.planEndsAtMilliseconds)
        writer.string("status", user.status.rawValue)
        writer.string("suspended_reason", user.suspendedReason)
        writer.instant("created_at", user.createdAtMilliseconds)
        writer.instant("last_login_at", user.lastLoginAtMilliseconds)
        writer.string("password_scheme", found.passwordScheme)
        writer.int("sessions_live", found.sessionsLive)
        writer.array("allowances") { writer in for allowance in found.allowances { writer.allowance(allowance, withBonus: true) } }
        writer.array("overrides") { _ in }
      }
    }
  }

  /// `POST /v1/admin/keys`: the only answer that shows a key.
  func createKey(_ request: Request, _ context: GatehouseContext, _ access: AdminAccess) async throws -> Answer {
    let actor = try actor(request, access)
    var fields = try await fields(request, context)
    let declared = KeyFields.declared.fields
    let name = fields.read(declared.name)
    let scopes = fields.read(declared.scopes)
    let seconds = fields.read(declared.seconds)
    let known = scopes.compactMap(ServiceKey.Scope.init)
    if known.isEmpty || known.count != scopes.count {
      fields.refuse(
        declared.scopes, code: "not_allowed", "Use some of \(ServiceKey.Scope.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
    try fields.finish()
    let (key, token) = try await keys.create(
      name: name, scopes: Set(known), lifetimeMilliseconds: seconds.map { Int64($0) * 1000 }, by: actor)
    return answer(.created, json { $0.serviceKey(key, token: token.text) })
  }

  /// `GET /v1/admin/keys`
  func listKeys(_ request: Request, _ context: GatehouseContext, _ access: AdminAccess) async throws -> Answer {
    _ = try actor(request, access)
    try refuseQuery(request)
    let keys = try await keys.all()
    return answer(json { $0.list(keys, next: nil) { $0.serviceKey($1, token: nil) } })
  }

  /// `DELETE /v1/admin/keys/{id}`: no process accepts the key once this is answered.
  func revokeKey(_ request: Request, _ context: GatehouseContext, _ access: AdminAccess) async throws -> Answer {
    let actor = try actor(request, access)
    try refuseQuery(request)
    guard let id = context.parameters.get("id").flatMap(ServiceKeyID.init), try await keys.revoke(id, by: actor) else {
      throw Problem.notFound
    }
    return noContent()
  }
}

extension JSONWriter {
  fileprivate mutating func serviceKey(_ key: ServiceKey, token: String?) {
    object { writer in
      writer.string("id", key.id.text)
      writer.string("name", key.name)
      if let token { writer.string("key", token) }
      writer.array("scopes") { writer in for scope in key.scopes.map(\.rawValue).sorted() { writer.string(scope) } }
      writer.instant("created_at", key.createdAtMilliseconds)
      writer.instant("expires_at", key.expiresAtMilliseconds)
      writer.instant("last_used_at", key.lastUsedAtMilliseconds)
      writer.instant("revoked_at", key.revokedAtMilliseconds)
    }
  }
}
