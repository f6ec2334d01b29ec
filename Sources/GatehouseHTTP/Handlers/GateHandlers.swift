import GatehouseCore
import GatehouseCrypto
import Hummingbird
import StrictJSON

extension API {
  /// `POST /v1/gate` (A5)
  func decideGate(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    let key = try serviceKey(request, .gate)
    var fields = try await fields(request, context)
    let token = fields.string("token", length: 1...Limits.tokenMax)
    let clientIP = fields.optionalString("client_ip", length: 1...Limits.addressMax)
    _ = fields.optionalString("user_agent", length: 0...Limits.userAgentMax)
    let charges = fields.objects("limits", count: 0...Limits.chargesMax) { item in
      (policy: item.string("policy", length: 1...64), cost: item.int("cost", in: 1...Limits.amountMax, default: 1))
    }
    var requirements = Requirements()
    _ = fields.object("require") { item in
      requirements.plans = item.optionalString("plan", length: 1...64).map { [$0] }
      requirements.authenticatedWithinMilliseconds =
        item.optionalInt("authenticated_within_seconds", in: 1...Limits.withinSecondsMax).map { Int64($0) * 1000 }
      requirements.emailVerified = item.bool("email_verified", default: false)
    }
    let reserve = fields.object("reserve") { item in
      (
        metric: item.string("metric", length: 1...64), amount: item.int("amount", in: 1...Limits.amountMax, default: 1),
        key: item.string("idempotency_key", length: 1...255),
        lease: item.int("lease_seconds", in: 1...contract.leaseSecondsMax, default: contract.leaseSecondsDefault)
      )
    }
    let peek = fields.bool("peek", default: false)
    let (own, subjects) = sort(charges ?? [(policy: "api", cost: 1)], clientIP: clientIP, &fields)
    if let reserve, allowances().metric(reserve.metric) == nil {
      fields.refuse("reserve", code: "unknown_metric", "There is no metric \(reserve.metric) in the configuration.")
    }
    if let plan = requirements.plans?.first, !allowances().plans.contains(plan) {
      fields.refuse("require", code: "unknown_plan", "There is no plan \(plan) in the configuration.")
    }
    try fields.finish()

    guard let parsed = SessionToken.parse(token, secret: secret) else {
      return answer(
        GateAnswer(
          decision: .unauthenticated, source: .ledger, nowMilliseconds: clock.now(),
          detail: "The session token is not valid: it is unknown, has expired or was ended. Log in again."
        ).json(timeouts: timeouts, requestID: context.requestID))
    }
    let user = "usr_" + parsed.routingID
    let held = try reserve.map { reserve in
      guard (1...IdempotencyKeyHeader.lengthMax).contains(reserve.key.utf8.count),
        reserve.key.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
      else {
        throw Problem(.idempotencyKeyInvalid, "An idempotency_key has 1 to 255 visible ASCII characters.")
      }
      let call = IdempotentCall(
        scope: key.id.text, key: reserve.key, fingerprint: keyed(Array("gate \(user) \(reserve.metric) \(reserve.amount)".utf8)))
      return GateRequest.Reserve(
        metric: reserve.metric, amount: Int64(reserve.amount), leaseMilliseconds: Int64(reserve.lease) * 1000, commit: false, analysis: nil,
        holdID: holdID(user, call), call: call
      ) { reserved in StoredAnswer(status: 200, body: json { $0.heldReservation(reserved.reservation) }) }
    }
    let decided = try await gate.decide(
      GateRequest(
        subject: .token(routingID: parsed.routingID, hash: parsed.hash), subjectCharges: subjects, charges: own, requirements: requirements,
        reserve: held, peek: peek))
    var fieldsOfAnswer: [(String, String)] = []
    if case .replay = decided.reserved { fieldsOfAnswer = [("Idempotency-Replayed", "true")] }
    return answer(decided.json(timeouts: timeouts, requestID: context.requestID), fields: fieldsOfAnswer)
  }

  /// Policies by the user's slot and policies of others; names that are not configured are wrong fields.
  private func sort(
    _ charges: [(policy: String, cost: Int)], clientIP: String?, _ fields: inout FieldReader
  ) -> (own: [HotQuery.Charge], subjects: [SubjectCharge]) {
    var own: [HotQuery.Charge] = []
    var subjects: [SubjectCharge] = []
    for charge in charges {
      guard let policy = policy(charge.policy) else {
        fields.refuse("limits", code: "unknown_policy", "There is no policy \(charge.policy) in the configuration.")
        continue
      }
      switch policy.by {
      case .user, .plan: own.append(HotQuery.Charge(policy: policy, cost: Int64(charge.cost)))
      case .ip:
        guard let client = clientIP.flatMap({ IPAddress($0) }) else {
          fields.refuse("client_ip", code: "required", "Policy \(policy.name) counts addresses: send the client's IP address.")
          continue
        }
        subjects.append(SubjectCharge(subject: .network(client.network), policy: policy, cost: Int64(charge.cost)))
      case .subject:
        fields.refuse("limits", code: "not_allowed", "Policy \(policy.name) counts subjects: use POST /v1/limits/\(policy.name)/check.")
      }
    }
    return (own, subjects)
  }

  /// `POST /v1/limits/{policy}/check` (A13)
  func checkLimit(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    _ = try serviceKey(request, .gate)
    guard let policy = context.parameters.get("policy").flatMap({ policy($0) }) else { throw Problem.notFound }
    var fields = try await fields(request, context)
    let subject = fields.string("subject", length: 1...Limits.subjectMax)
    let cost = fields.int("cost", in: 1...Limits.amountMax, default: 1)
    let peek = fields.bool("peek", default: false)
    try fields.finish()
    let target: Subject = policy.by == .ip ? .network(IPAddress(subject)?.network ?? subject) : .keyed(loginLimits.digest(subject))
    let charge = SubjectCharge(subject: target, policy: policy, cost: Int64(cost))
    guard let verdict = await limits.check([charge], peek: peek, hot: hot, lease: lease).first else { throw Problem.notFound }
    let standing = verdict.standing
    guard Int64(cost) <= standing.limit || policy.shadow else {
      throw Problem(
        .costExceedsLimit, "Cost \(cost) is more than policy \(policy.name) ever allows (\(standing.limit)). Retrying will not help.")
    }
    return answer(
      json { writer in
        writer.object { writer in
          writer.bool("allowed", verdict.allowed)
          writer.string("policy", policy.name)
          writer.int64("limit", standing.limit)
          writer.int64("window_seconds", standing.windowSeconds)
          writer.int64("remaining", standing.remaining)
          writer.int("reset_seconds", standing.resetSeconds)
          writer.int("retry_after_seconds", verdict.allowed ? nil : verdict.retryAfterSeconds)
        }
      })
  }
}

extension Limits {
  static let tokenMax = 4_096
  static let addressMax = 64
  static let userAgentMax = 1_024
  static let chargesMax = 16
  static let withinSecondsMax = 31_536_000
  static let subjectMax = 512
}
