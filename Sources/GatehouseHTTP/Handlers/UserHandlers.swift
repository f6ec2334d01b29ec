import GatehouseCore
import HTTPTypes
import Hummingbird
import StrictJSON

extension API {
  /// `GET /v1/user`
  func ownAccount(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    let visitor = try await visitor(request, context)
    guard let user = try await ledger.user(visitor.userID) else { throw Problem.unauthenticated }
    return answer(json { $0.user(user, plan: plan(of: user)) }, fields: visitor.fields)
  }

  /// `PATCH /v1/user`: name and time zone.
  func changeOwnAccount(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    let visitor = try await visitor(request, context)
    var fields = try await fields(request, context)
    var changes = UserChanges()
    if fields.isPresent("name") { changes.name = .set(fields.optionalString("name", length: 1...Limits.nameMax)) }
    changes.timeZone = fields.optionalString("time_zone", length: 1...Limits.zoneMax)
    if let zone = changes.timeZone, !TimeZoneName.isValid(zone) {
      fields.refuse("time_zone", code: "unknown_time_zone", "Use an IANA name such as Europe/Berlin.")
    }
    try fields.finish()
    let change = try await ledger.changeUser(visitor.userID, changes, by: .user(visitor.userID), now: clock.now())
    let user = await self.changes.acknowledge(change, takesRightsAway: false)
    return answer(json { $0.user(user, plan: plan(of: user)) }, fields: visitor.fields)
  }

  /// `DELETE /v1/user`: needs a password entered in the last five minutes.
  func deleteOwnAccount(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    let visitor = try await visitor(request, context, within: contract.sensitiveWithin)
    let change = try await ledger.deleteUser(visitor.userID, by: .user(visitor.userID), reason: nil, now: clock.now())
    await changes.acknowledge(change, takesRightsAway: true)
    return noContent()
  }

  /// `GET /v1/user/export` (A16)
  func exportAccount(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    let visitor = try await visitor(request, context, within: contract.sensitiveWithin)
    let now = clock.now()
    guard let export = try await ledger.export(of: visitor.userID, now: now) else { throw Problem.unauthenticated }
    let body = json { writer in
      writer.object { writer in
        writer.name("user")
        writer.user(export.user, plan: plan(of: export.user))
        writer.array("sessions") { writer in
          for session in export.sessions {
            writer.session(session, current: session.id == visitor.sessionID, timeouts: timeouts(session.sessionClass))
          }
        }
        writer.array("analyses") { writer in for analysis in export.analyses { writer.analysis(analysis) } }
        writer.array("usage_events") { writer in for event in export.usageEvents { writer.usageEvent(event) } }
        writer.array("allowances") { writer in for allowance in export.allowances { writer.allowance(allowance, withBonus: true) } }
        writer.array("audit") { writer in
          for entry in export.audit {
            writer.object { writer in
              writer.instant("occurred_at", entry.occurredAtMilliseconds)
              writer.string("actor", entry.actor)
              writer.string("action", entry.action)
              writer.string("reason", entry.reason)
              writer.raw("detail", Optional(entry.detail.utf8))
            }
          }
        }
        writer.instant("exported_at", now)
      }
    }
    return answer(body, fields: visitor.fields)
  }

  /// `GET /v1/users?email=` or `?external_id=`
  func findUser(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    _ = try serviceKey(request, .accounts)
    let query = try QueryReader(request.uri.query, known: ["email", "external_id"])
    let (email, externalID) = (query["email"], query["external_id"])
    if (email == nil) == (externalID == nil) { throw query.refusal("email", code: "required", "Give either email or external_id.") }
    let found =
      if let email { try await ledger.user(canonicalEmail: EmailAddress(email)?.canonical ?? "") } else {
        try await ledger.user(externalID: externalID ?? "")
      }
    return answer(json { $0.list(found.map { [$0] } ?? [], next: nil) { $0.user($1, plan: plan(of: $1)) } })
  }

  /// `GET /v1/users/{id}`
  func user(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    _ = try serviceKey(request, .accounts)
    guard let user = try await ledger.user(userID(context)) else { throw Problem.notFound }
    return answer(json { $0.user(user, plan: plan(of: user)) })
  }

  /// `PATCH /v1/users/{id}`: the app's own id.
  func changeUser(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    let key = try serviceKey(request, .accounts)
    var fields = try await fields(request, context)
    var changes = UserChanges()
    if fields.isPresent("external_id") {
      changes.externalID = .set(fields.optionalString("external_id", length: 1...Limits.externalIDMax))
    }
    try fields.finish()
    let change = try await ledger.changeUser(userID(context), changes, by: .key(key.id), now: clock.now())
    let user = await self.changes.acknowledge(change, takesRightsAway: false)
    return answer(json { $0.user(user, plan: plan(of: user)) })
  }

  /// `PUT /v1/users/{id}/plan`
  func changePlan(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    let key = try serviceKey(request, .accounts)
    var fields = try await fields(request, context)
    var changes = planChanges(&fields, planIsRequired: true)
    changes.reason = fields.optionalString("reason", length: 1...Limits.reasonMax)
    try fields.finish()
    let change = try await ledger.changeUser(userID(context), changes, by: .key(key.id), now: clock.now())
    // A downgrade takes rights away.
    let user = await self.changes.acknowledge(change, takesRightsAway: true)
    return answer(json { $0.user(user, plan: plan(of: user)) })
  }

  /// `plan` and `plan_ends_at` of a body.
  func planChanges(_ fields: inout FieldReader, planIsRequired: Bool) -> UserChanges {
    var changes = UserChanges()
    changes.plan = planIsRequired ? fields.string("plan", length: 1...64) : fields.optionalString("plan", length: 1...64)
    if let plan = changes.plan, !plan.isEmpty, !allowances().plans.contains(plan) {
      fields.refuse("plan", code: "unknown_plan", "Use one of \(allowances().plans.joined(separator: ", ")).")
    }
    if fields.isPresent("plan_ends_at") {
      let text = fields.optionalString("plan_ends_at", length: 1...40)
      let end = text.flatMap(Instants.parse)
      if text != nil, end == nil { fields.refuse("plan_ends_at", code: "invalid_instant", "Use an instant such as 2027-11-23T00:00:00Z.") }
      changes.planEndsAtMilliseconds = .set(end)
    }
    return changes
  }

  func userID(_ context: GatehouseContext) throws -> UserID {
    guard let id = context.parameters.get("id").flatMap({ UserID($0) }) else { throw Problem.notFound }
    return id
  }
}
