/// The rate limits of a user's own slot: counted in Redis with the rest of a decision, and in this process while Redis is away.
extension SubjectLimits {
  /// A question to a user's hot state that counts with Redis's units those that this process has granted by itself.
  func counted(_ request: GateRequest, of user: UserID) -> HotQuery {
    let asked = now()
    guard window.mayOwe(subject: user.text, nowMilliseconds: asked) else { return request.query(for: user, at: asked) }
    let owed = window.owed(subject: user.text, request.charges.map(\.policy), nowMilliseconds: asked)
    let charges = zip(request.charges, owed).map { PolicyCharge(policy: $0.policy, cost: $0.cost, besides: $1) }
    return request.query(for: user, at: asked, charges: charges)
  }

  /// Takes in what Redis decided. Where this process granted units by itself while Redis decided, a call that passed there may be one
  /// too many: it is refused, though Redis has counted it.
  func hear(_ decision: HotDecision, _ query: HotQuery) -> HotDecision {
    let isTaken = decision.decision == .allow && !query.peek
    let told = zip(query.charges, decision.windows).map { LocalWindow.Told(charge: $0.local(plan: decision.caller.plan), window: $1) }
    let results = window.hear(
      subject: query.userID.text, told, isTaken: isTaken, redisMilliseconds: decision.nowMilliseconds,
      askedMilliseconds: query.askedMilliseconds, nowMilliseconds: now())
    guard let results else { return decision }
    let isOver = decision.decision == .allow && !results.allSatisfy(\.allowed)
    let word = isOver ? Decision.rateLimited : decision.decision
    let wait = word == .rateLimited ? results.compactMap(\.retryAfterSeconds).max() ?? decision.retryAfterSeconds : nil
    return decision.saying(word, standings: results.map(\.standing), retryAfterSeconds: wait)
  }

  /// Gives back what `local` has taken at `then`; to be called once at most.
  func giveBack(_ charges: [PolicyCharge], user: UserID, takenAt then: Int64) {
    window.giveBack(subject: user.text, charges.map { $0.local(plan: nil) }, takenAtMilliseconds: then)
  }

  /// Decides a user's policies together, all or nothing, in this process, by its own clock.
  func local(
    _ charges: [PolicyCharge], user: UserID, plan: String, countedAt: Int64, peek: Bool
  ) -> (decision: Decision, standings: [PolicyStanding], retryAfterSeconds: Int?) {
    let results = window.checkAll(
      subject: user.text,
      charges.map { $0.local(plan: plan) }, nowMilliseconds: countedAt, peek: peek)
    let standings = results.map(\.standing)
    if results.contains(where: \.costExceedsLimit) { return (.costExceedsLimit, standings, nil) }
    guard results.allSatisfy(\.allowed) else {
      return (.rateLimited, standings, results.compactMap(\.retryAfterSeconds).max())
    }
    return (.allow, standings, nil)
  }
}
