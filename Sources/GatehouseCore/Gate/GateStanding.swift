/// Answers of the gate with what the ledger adds.
extension Gatekeeper {
  /// `decide`, with all that is to be said of a used-up allowance. Redis knows how many units are taken; how many of them are used and
  /// how many held, and when the user's next day begins on their clock, is in the ledger.
  /// - Parameter metric: a replayed reservation stands beside where the user stands now with this metric; nil leaves that out.
  public func decideInFull(_ request: GateRequest, showing metric: String? = nil) async throws -> GateAnswer {
    var answer = try await decide(request)
    if case .replay = answer.reserved, let metric, let caller = answer.caller {
      answer.allowance = try await ledger.allowances(of: caller.id, now: answer.nowMilliseconds)?.first { $0.metric == metric }
      return answer
    }
    guard answer.decision == .allowanceExhausted, var allowance = answer.allowance, let caller = answer.caller,
      let amount = request.reserve?.amount,
      let user = try await ledger.user(caller.id),
      let standings = try await ledger.allowances(of: caller.id, now: answer.nowMilliseconds)
    else { return answer }
    if let known = standings.first(where: { $0.metric == allowance.metric }), known.used + known.held == allowance.used + allowance.held {
      allowance = known
    }
    answer.allowance = allowance
    let kind = rules.allowances.metric(allowance.metric)?.kind
    answer.detail = allowance.exhaustedDetail(of: amount, plan: caller.plan, kind: kind, zone: user.timeZone)
    return answer
  }
}
