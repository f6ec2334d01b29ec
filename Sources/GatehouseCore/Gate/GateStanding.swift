/// Answers of the gate with what the ledger adds.
extension Gatekeeper {
  /// `decide`, with all that is to be said of a used-up allowance. Redis knows how many units are taken; how many of them are used and
  /// how many held, and when the user's next day begins on their clock, is in the ledger.
  /// - Parameters:
  ///   - metric: a replayed reservation stands beside where the user stands now with this metric; nil leaves that out.
  ///   - told: called exactly once, possibly on an event loop: it must not block.
  public func decideInFull(
    _ request: GateRequest, showing metric: String? = nil, done told: @escaping @Sendable (Result<GateAnswer, ServiceError>) -> Void
  ) {
    decide(request) { [self] decided in
      guard case .success(let answer) = decided, needsLedger(answer, showing: metric) else { return told(decided) }
      Task { told(await result { try await inFull(answer, to: request, showing: metric) }) }
    }
  }

  /// `decideInFull`, awaited.
  public func decideInFull(_ request: GateRequest, showing metric: String? = nil) async throws(ServiceError) -> GateAnswer {
    let result = await withCheckedContinuation { continuation in
      decideInFull(request, showing: metric) { continuation.resume(returning: $0) }
    }
    return try result.get()
  }

  private func needsLedger(_ answer: GateAnswer, showing metric: String?) -> Bool {
    if case .replay = answer.reserved, metric != nil, answer.caller != nil { return true }
    return answer.decision == .allowanceExhausted
  }

  private func inFull(_ decided: GateAnswer, to request: GateRequest, showing metric: String?) async throws -> GateAnswer {
    var answer = decided
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
