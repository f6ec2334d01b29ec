import GatehouseCore
import GatehouseCrypto
import StrictJSON

/// One question to the gate as a body spells it.
struct GateCall: Sendable {
  struct Reserve: Sendable {
    let metric: String
    let amount: Int
    let key: String
    let leaseSeconds: Int
  }

  let token: String
  let own: [PolicyCharge]
  let subjects: [SubjectCharge]
  let requirements: Requirements
  let reserve: Reserve?
  let peek: Bool
}

extension API {
  /// Reads a question. Its faults stand in `fields` afterwards.
  /// - Parameter reserves: whether `reserve` is known here.
  func gateCall(_ fields: inout FieldReader, reserves: Bool) -> GateCall {
    let token = fields.read(QuestionFields.declared.fields.token)
    let clientIP = fields.read(QuestionFields.declared.fields.clientIP)
    _ = fields.read(QuestionFields.declared.fields.userAgent)
    let charges = fields.read(QuestionFields.declared.fields.limits) { item in
      (policy: item.read(ChargeFields.declared.fields.policy), cost: item.read(ChargeFields.declared.fields.cost))
    }
    var requirements = Requirements()
    _ = fields.read(QuestionFields.declared.fields.require) { item in
      requirements.plans = item.read(RequirementFields.declared.fields.plan)
      requirements.authenticatedWithinMilliseconds = item.read(RequirementFields.declared.fields.within).map { Int64($0) * 1000 }
      requirements.emailVerified = item.read(RequirementFields.declared.fields.emailVerified) ?? false
    }
    let reserve = !reserves ? nil : reserveField(&fields)
    let peek = fields.read(QuestionFields.declared.fields.peek)
    let (own, subjects) = sort(charges ?? [(policy: "api", cost: 1)], clientIP: clientIP, &fields)
    if let plan = requirements.plans?.first(where: { !allowances().plans.contains($0) }) {
      fields.refuse("require", code: "unknown_plan", "There is no plan \(plan) in the configuration.")
    }
    return GateCall(token: token, own: own, subjects: subjects, requirements: requirements, reserve: reserve, peek: peek)
  }

  private func reserveField(_ fields: inout FieldReader) -> GateCall.Reserve? {
    let reserve = fields.read(QuestionFields.declared.fields.reserve) { item in
      GateCall.Reserve(
        metric: item.read(HoldFields.declared.fields.metric), amount: item.read(HoldFields.declared.fields.amount),
        key: item.read(HoldFields.declared.fields.key), leaseSeconds: item.read(HoldFields.declared.fields.lease))
    }
    if let reserve, allowances().metric(reserve.metric) == nil {
      fields.refuse("reserve", code: "unknown_metric", "There is no metric \(reserve.metric) in the configuration.")
    }
    return reserve
  }

  /// Policies by the user's slot and policies of others; names that are not configured are wrong fields.
  private func sort(
    _ charges: [(policy: String, cost: Int)], clientIP: String?, _ fields: inout FieldReader
  ) -> (own: [PolicyCharge], subjects: [SubjectCharge]) {
    var own: [PolicyCharge] = []
    var subjects: [SubjectCharge] = []
    for (place, charge) in charges.enumerated() {
      guard !charges[..<place].contains(where: { $0.policy == charge.policy }) else {
        fields.refuse("limits", code: "duplicate", "Policy \(charge.policy) stands twice. Name it once, with the whole cost.")
        continue
      }
      let found = policy(charge.policy)
      guard !(found?.isInternal ?? Policy.isInternal(charge.policy)) else {
        fields.refuse("limits", code: "reserved", Self.reserved(charge.policy))
        continue
      }
      guard let policy = found else {
        fields.refuse("limits", code: "unknown_policy", "There is no policy \(charge.policy) in the configuration.")
        continue
      }
      switch policy.by {
      case .user, .plan: own.append(PolicyCharge(policy: policy, cost: Int64(charge.cost)))
      case .ip:
        guard let client = clientIP.flatMap({ IPAddress($0) }) else {
          if clientIP == nil {
            fields.refuse("client_ip", code: "required", "Policy \(policy.name) counts addresses: send the client's IP address.")
          } else {
            fields.refuse(
              "client_ip", code: "invalid_address",
              "Policy \(policy.name) counts addresses, and this is none: send one without a port, such as 203.0.113.7 or 2001:db8::1.")
          }
          continue
        }
        subjects.append(SubjectCharge(subject: .network(client.network), policy: policy, cost: Int64(charge.cost)))
      case .subject:
        fields.refuse("limits", code: "not_allowed", "Policy \(policy.name) counts subjects: use POST /v1/limits/\(policy.name)/check.")
      }
    }
    return (own, subjects)
  }

  /// Why a policy of the service's own is not to be had.
  static func reserved(_ policy: String) -> String {
    "Policy \(policy) is Gatehouse's own: it counts logins, sign-ups or mails, and no caller may spend it. Name a policy of your app."
  }

  /// The question as the gate takes it; nil when its token was forged or mistyped, which no store needs to be asked about.
  func gateRequest(_ call: GateCall, key: ServiceKeyID) throws -> GateRequest? {
    if let key = call.reserve?.key, !IdempotencyKeyHeader.isValid(key) {
      throw Problem(.idempotencyKeyInvalid, "An idempotency_key has 1 to \(IdempotencyKeyHeader.lengthMax) visible ASCII characters.")
    }
    guard let token = SessionToken.parse(call.token, secret: secret) else { return nil }
    let user = UserKind.prefix + token.routingID
    var held: GateRequest.Reserve?
    if let reserve = call.reserve {
      // Of this user: two users' equal keys are two, as an app passes on what its users choose.
      let once = idempotentCall(
        scope: "\(key.text) \(user)", key: reserve.key, Array("gate \(user) \(reserve.metric) \(reserve.amount)".utf8))
      held = GateRequest.Reserve(
        metric: reserve.metric, amount: Int64(reserve.amount), leaseMilliseconds: Int64(reserve.leaseSeconds) * 1000, commit: false,
        analysis: nil, holdID: holdID(user, once), call: once,
        encode: ReservedAnswer { reservation, _ in
          let answer = StoredAnswer(status: 200, body: json { $0.heldReservation(reservation) })
          return { _ in answer }
        })
    }
    return GateRequest(
      subject: .token(routingID: token.routingID, hash: token.hash), subjectCharges: call.subjects, charges: call.own,
      requirements: call.requirements, reserve: held, peek: call.peek)
  }

  /// The gate's answer to a token that carries no valid checksum.
  func forged(_ token: String) -> GateAnswer {
    var detail = ServiceError.sessionTokenDetail
    if token.hasPrefix("ghk_") {
      detail = "The field token holds a service key: send the user's session token there, which begins with gh_."
    } else if !token.hasPrefix("gh_") {
      detail = "The field token holds no session token of Gatehouse: they begin with gh_."
    }
    return GateAnswer(decision: .unauthenticated, source: .ledger, nowMilliseconds: clock.now(), detail: detail)
  }
}
