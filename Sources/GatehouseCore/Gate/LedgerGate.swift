/// The gate while Redis can't be believed: sessions by token hash and allowances exactly, from the ledger; rate limits by a
/// stricter window in this process.
public struct LedgerGate: Sendable {
  let ledger: any DecisionLedger
  let clock: ServiceClock
  /// The rate limits by which this process decides while Redis is away.
  public let limits: SubjectLimits
  let rules: any LiveRules

  /// A gate on `ledger` alone; `limits` must be those that count while Redis serves, so that no unit is granted twice.
  public init(ledger: any DecisionLedger, clock: ServiceClock, limits: SubjectLimits, rules: any LiveRules) {
    self.ledger = ledger
    self.clock = clock
    self.limits = limits
    self.rules = rules
  }

  /// Decides on the ledger alone; subject policies have been decided before.
  func decide(_ request: GateRequest) async throws -> GateAnswer {
    let now = clock.now()
    guard let found = try await find(request, now: now) else { return .unauthenticated(source: .ledger, now: now) }
    let standing = try await standing(request, user: found.user, now: now)
    let decision = evaluate(request, user: found.user, session: found.session, standing: standing, now: now)
    var answer = GateAnswer(decision, request: request, source: .ledger)
    if decision.touched, let sessionFacts = decision.sessionFacts { ledger.touch(sessionFacts.id, seenAt: now) }
    guard answer.decision == .allow, let reserve = request.reserve else { return answer }
    if request.peek {
      guard let standing else { return answer }
      answer.allowance = standing
      if !standing.admits(reserve.amount) {
        _ = answer.refuseReservation(standing.refusal(of: reserve.amount, plan: decision.caller.plan, now: now))
      }
      return answer
    }
    do {
      // Redis holds nothing of this: its copy is dropped through the pending row that the ledger writes.
      let made = ReservationRequest(
        id: .random(), userID: found.user.id, metric: reserve.metric, amount: reserve.amount,
        leaseMilliseconds: reserve.leaseMilliseconds, commit: reserve.commit, period: nil, isHeld: false,
        analysis: reserve.analysis)
      let once = try await ledger.reserve(made, call: reserve.call, now: now, encode: reserve.encode).value
      if case .first(let reserved) = once { answer.allowance = reserved.allowance }
      answer.reserved = once
    } catch let error as ServiceError {
      guard answer.refuseReservation(error) else { throw error }
    }
    return answer
  }

  /// The user's standing with the units that are asked for; nil if none are.
  private func standing(_ request: GateRequest, user: User, now: Int64) async throws -> Allowance? {
    guard let metric = request.reserve?.metric else { return nil }
    return try await ledger.allowances(of: user.id, now: now)?.first { $0.metric == metric }
  }

  private func find(_ request: GateRequest, now: Int64) async throws -> (user: User, session: Session?)? {
    switch request.subject {
    case .user(let id):
      return try await ledger.user(id).map { ($0, nil) }
    case .token(_, let hash):
      guard case .live(let session, let user, let isSuccessor) = try await ledger.session(tokenHash: hash, now: now) else { return nil }
      if isSuccessor, !request.peek {
        // Redis hears of it by the pending row.
        _ = try await ledger.adoptSuccessor(hash, graceMilliseconds: Session.rotationGraceMilliseconds, now: now)
      }
      return (user, session)
    }
  }

  /// The rules of the gate script on a row of the ledger.
  private func evaluate(_ request: GateRequest, user: User, session: Session?, standing: Allowance?, now: Int64) -> HotDecision {
    let table = rules.allowances
    let plan = table.known(user.plan(atMilliseconds: now, fallback: table.defaultPlan))
    let caller = HotDecision.Caller(
      id: user.id, externalID: user.externalID, plan: plan, status: user.status, emailVerified: user.emailVerified)
    let stale = session.map { now - $0.seenAtMilliseconds > rules.timeouts($0.sessionClass).touchMilliseconds } ?? false
    let sessionFacts = session.map {
      HotDecision.SessionFacts(
        id: $0.id, sessionClass: $0.sessionClass, createdAtMilliseconds: $0.createdAtMilliseconds,
        authenticatedAtMilliseconds: $0.authenticatedAtMilliseconds, seenAtMilliseconds: stale ? now : $0.seenAtMilliseconds,
        expiresAtMilliseconds: $0.expiresAtMilliseconds)
    }
    func say(_ decision: Decision, _ standings: [PolicyStanding] = [], retry: Int? = nil, allowance: Allowance? = nil) -> HotDecision {
      HotDecision(
        decision: decision, nowMilliseconds: now, caller: caller, sessionFacts: sessionFacts, standings: standings,
        retryAfterSeconds: retry,
        allowance: allowance, touched: decision == .allow && stale && !request.peek)
    }
    if user.status != .active { return say(.suspended) }
    let needs = request.requirements
    if let within = needs.authenticatedWithinMilliseconds, let sessionFacts, now - sessionFacts.authenticatedAtMilliseconds > within {
      return say(.reauthenticationRequired)
    }
    if needs.emailVerified, !user.emailVerified { return say(.emailUnverified) }
    if let plans = needs.plans, !plans.contains(plan) { return say(.planRequired) }
    let never = request.reserve.flatMap { reserve in standing.map { !$0.everAdmits(reserve.amount) } } ?? false
    // A call that can never pass takes nothing.
    let local = limits.local(request.charges, user: user.id, plan: plan, now: now, peek: request.peek || never)
    if never { return say(.costExceedsLimit, local.standings, allowance: standing) }
    return say(local.decision, local.standings, retry: local.retryAfterSeconds)
  }
}
