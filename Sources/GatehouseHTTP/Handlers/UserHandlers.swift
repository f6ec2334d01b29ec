import GatehouseCore
import HTTPTypes
import Hummingbird
import StrictJSON

extension API {
  /// `GET /v1/user`
  func ownAccount(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let visitor = try await visitor(request, context)
    guard let user = try await accounts.user(visitor.userID) else { throw Problem.unauthenticated }
    return answer(json { $0.user(user, plan: plan(of: user)) }, fields: visitor.fields)
  }

  /// `PATCH /v1/user`: name, time zone, and an address that waits to be verified, which needs a recent password.
  func changeOwnAccount(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let (visitor, wanted) = try await visitor(request, context) { (changes: UserChanges) in
      if case .set(.some) = changes.pendingEmail { Contract.sensitiveMilliseconds } else { nil }
    } read: {
      var fields = try await fields(request, context)
      let declared = OwnAccountFields.declared.fields
      var changes = UserChanges()
      if fields.isPresent(declared.name) { changes.name = .set(fields.read(declared.name)) }
      changes.timeZone = fields.read(declared.zone)
      changes.pendingEmail = pendingEmail(&fields)
      if let zone = changes.timeZone, !TimeZoneName.isValid(zone) {
        fields.refuse(declared.zone, code: "unknown_time_zone", TimeZoneName.advice)
      }
      try fields.finish()
      return changes
    }
    let user = try await accounts.change(visitor.userID, wanted)
    return answer(json { $0.user(user, plan: plan(of: user)) }, fields: visitor.fields)
  }

  /// `email` asks for another address, `pending_email: null` drops the one that waits.
  private func pendingEmail(_ fields: inout FieldReader) -> UserChanges.Setting<EmailAddress> {
    let declared = OwnAccountFields.declared.fields
    var wanted = UserChanges.Setting<EmailAddress>.keep
    if fields.isPresent(declared.pendingEmail) {
      fields.read(declared.pendingEmail, else: "Send null to drop it; ask for another address with email.")
      wanted = .set(nil)
    }
    if fields.isPresent(declared.email) {
      let text = fields.read(declared.email)
      let address = EmailAddress(text)
      if address == nil, !text.isEmpty { fields.refuse(declared.email, code: "invalid_email", EmailAddress.advice) }
      wanted = .set(address)
    }
    return wanted
  }

  /// `DELETE /v1/user`: needs a recent password.
  func deleteOwnAccount(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let visitor = try await visitor(request, context, within: Contract.sensitiveMilliseconds)
    try await accounts.delete(visitor.userID, by: .user(visitor.userID), reason: nil)
    return noContent(fields: goodbye(visitor.fromCookie))
  }

  /// `GET /v1/users?email=` or `?external_id=`
  func findUser(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    _ = try serviceKey(request, .accounts)
    let declared = FindUserQuery.declared.fields
    let query = try FindUserQuery.declared.query(request.uri.query)
    let (email, externalID) = (query[declared.email], try query.read(declared.externalID))
    if (email == nil) == (externalID == nil) { throw query.refusal(declared.email, code: "required", "Give either email or external_id.") }
    if let email, EmailAddress(email) == nil {
      throw query.refusal(
        declared.email, code: "invalid_email",
        query.hasPlus(declared.email.name) ? QueryReader.plusAdvice : EmailAddress.advice)
    }
    if externalID?.isEmpty == true { throw query.refusal(declared.externalID, code: "required", "Send the app's own id of the user.") }
    let found =
      if let email { try await accounts.user(email: email) } else {
        try await accounts.user(externalID: externalID ?? "")
      }
    return answer(json { $0.list(found.map { [$0] } ?? [], next: nil) { $0.user($1, plan: plan(of: $1)) } })
  }

  /// `GET /v1/users/{id}`
  func user(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    _ = try serviceKey(request, .accounts)
    try refuseQuery(request)
    guard let user = try await accounts.user(userID(context)) else { throw Problem.notFound }
    return answer(json { $0.user(user, plan: plan(of: user)) })
  }

  /// `PATCH /v1/users/{id}`: the app's own id.
  func changeUser(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let key = try serviceKey(request, .accounts)
    var fields = try await fields(request, context)
    var changes = UserChanges()
    let externalID = ChangeUserFields.declared.fields.externalID
    if fields.isPresent(externalID) { changes.externalID = .set(fields.read(externalID)) }
    try fields.finish()
    let user = try await accounts.change(userID(context), changes, by: .key(key.id))
    return answer(json { $0.user(user, plan: plan(of: user)) })
  }

  /// `PUT /v1/users/{id}/plan`
  func changePlan(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let key = try serviceKey(request, .accounts)
    var fields = try await fields(request, context)
    let declared = PlanFields.declared.fields
    let newPlan = fields.read(declared.plan)
    var changes = planChanges(&fields, plan: newPlan, declared.planEndsAt)
    changes.reason = fields.read(declared.reason)
    try fields.finish()
    let user = try await accounts.change(userID(context), changes, by: .key(key.id))
    return answer(json { $0.user(user, plan: plan(of: user)) })
  }

  /// `plan` and `plan_ends_at` of a body.
  func planChanges(_ fields: inout FieldReader, plan: String?, _ planEndsAt: OptionalField<Text>) -> UserChanges {
    var changes = UserChanges()
    changes.plan = plan
    if let plan, !plan.isEmpty, !allowances().plans.contains(plan) {
      fields.refuse("plan", code: "unknown_plan", Remedy.oneOf(allowances().plans))
    }
    if fields.isPresent(planEndsAt) {
      let text = fields.read(planEndsAt)
      let end = text.flatMap(Instants.parse)
      if text != nil, end == nil { fields.refuse(planEndsAt, code: "invalid_instant", Remedy.instant(such: "2027-11-23T00:00:00Z")) }
      let now = clock.now()
      if let end, end <= now {
        fields.refuse(
          planEndsAt, code: "in_the_past", "This is past: it is \(Instants.text(now)). Send an instant to come, or null for no end.")
      }
      changes.planEndsAtMilliseconds = .set(end)
    }
    return changes
  }

  func userID(_ context: GatehouseContext) throws -> UserID {
    guard let id = context.parameters.get("id").flatMap({ UserID($0) }) else { throw Problem.notFound }
    return id
  }
}
