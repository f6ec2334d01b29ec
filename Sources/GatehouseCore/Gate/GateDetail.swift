// The sentence that a refusal gives: what, where, what to do.

extension GateAnswer {
  /// An answer from a decision on a user's state.
  init(_ decision: HotDecision, request: GateRequest, source: Source) {
    self.init(
      decision: decision.decision, source: source, nowMilliseconds: decision.nowMilliseconds, caller: decision.caller,
      sessionFacts: decision.decision == .suspended ? nil : decision.sessionFacts, standings: decision.standings,
      allowance: decision.allowance,
      retryAfterSeconds: decision.retryAfterSeconds)
    requirements = request.requirements
    switch decision.decision {
    case .allow: break
    case .unauthenticated: detail = ServiceError.sessionTokenDetail
    case .suspended: detail = ServiceError.suspendedDetail
    case .reauthenticationRequired:
      let age = decision.sessionFacts.map { (nowMilliseconds - $0.authenticatedAtMilliseconds) / 1000 } ?? 0
      let needed = (request.requirements.authenticatedWithinMilliseconds ?? 0) / 1000
      detail = "Password entered \(spelled(seconds: age)) ago; this needs one within \(needed) seconds."
    case .emailUnverified: detail = "This needs a verified email address. Verify it and try again."
    case .planRequired:
      let plans = (request.requirements.plans ?? []).joined(separator: " or ")
      detail = "Plan \(decision.caller.plan) does not include this; it needs \(plans)."
    case .costExceedsLimit:
      for charge in request.charges where !charge.policy.shadow {
        let limit = charge.policy.limits.limit(plan: decision.caller.plan)
        guard charge.cost > limit else { continue }
        detail = charge.policy.costDetail(charge.cost, limit: limit)
        break
      }
    case .rateLimited: detail = rateLimitedDetail
    case .allowanceExhausted:
      if let allowance, let amount = request.reserve?.amount {
        refuseReservation(.exhausted(allowance, of: amount, plan: decision.caller.plan, now: nowMilliseconds))
      }
    }
  }

  /// The sentence of a rate limit that is full, naming the first one.
  var rateLimitedDetail: String {
    guard let full = standings.first(where: { $0.exceeded && !$0.shadow }) else { return "A rate limit is used up. Try again later." }
    let wait = retryAfterSeconds ?? full.resetSeconds
    return
      "At most \(full.limit) requests in any \(full.windowSeconds) seconds (policy \(full.policy)). Try again in \(wait) seconds."
  }

  /// The units are refused, perhaps by the ledger when Redis had held them.
  mutating func refuseReservation(_ error: ServiceError) {
    decision = .allowanceExhausted
    reserved = nil
    allowance = error.allowance
    detail = error.detail
    retryAfterSeconds = error.retryAfterSeconds
  }

  private func spelled(seconds: Int64) -> String {
    switch seconds {
    case ..<120: "\(seconds) s"
    case ..<7200: "\(seconds / 60) min"
    default: "\(seconds / 3600) h"
    }
  }
}
