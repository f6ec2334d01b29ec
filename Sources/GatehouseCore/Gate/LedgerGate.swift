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
    let countedAt = limits.now()
    let decision = evaluate(request, user: found.user, session: found.session, now: now, countedAt: countedAt)
    var answer = GateAnswer(decision, request: request, source: .ledger)
    if decision.touched, let sessionFacts = decision.sessionFacts { ledger.touch(sessionFacts.id, seenAt: now) }
    guard answer.decision == .allow, let reserve = request.reserve else { return answer }
    if request.peek { return try await peekReserve(reserve, answer, user: found.user, now: now) }
    /// As in Redis, what a reservation took that came to nothing.
    func giveBack() { limits.giveBack(request.charges, user: found.user.id, takenAt: countedAt) }
    do {
      // Redis holds nothing of this: its copy is dropped through the pending row that the ledger writes.
      let made = ReservationRequest(
        id: .made(at: now), userID: found.user.id, metric: reserve.metric, amount: reserve.amount,
        leaseMilliseconds: reserve.leaseMilliseconds, commit: reserve.commit, period: nil, isHeld: false,
        analysis: reserve.analysis)
      let once = try await ledger.reserve(made, call: reserve.call, now: now, encode: reserve.encode).value
      if case .first(let reserved) = once { answer.allowance = reserved.allowance }
      answer.reserved = once
    } catch let error as ServiceError where error.code == .allowanceExhausted {
      giveBack()
      answer.refuseReservation(error)
    } catch {
      if !Self.mayHaveHappened(error) { giveBack() }
      throw error
    }
    return answer
  }

  /// Whether a reservation that ended in this error may stand in the ledger.
  static func mayHaveHappened(_ error: any Error) -> Bool { (error as? ServiceError)?.code ?? .outcomeUnknown == .outcomeUnknown }

  private func peekReserve(_ reserve: GateRequest.Reserve, _ allowed: GateAnswer, user: User, now: Int64) async throws -> GateAnswer {
    var answer = allowed
    guard let standing = try await ledger.allowances(of: user.id, now: now)?.first(where: { $0.metric == reserve.metric }) else {
      return answer
    }
    answer.allowance = standing
    guard !standing.admits(reserve.amount) else { return answer }
    answer.refuseReservation(
      .exhausted(standing, of: reserve.amount, plan: answer.caller?.plan ?? rules.allowances.defaultPlan, now: now))
    return answer
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
  private func evaluate(_ request: GateRequest, user: User, session: Session?, now: Int64, countedAt: Int64) -> HotDecision {
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
    func say(_ decision: Decision, _ standings: [PolicyStanding] = [], retry: Int? = nil) -> HotDecision {
      HotDecision(
        decision: decision, nowMilliseconds: now, caller: caller, sessionFacts: sessionFacts, standings: standings,
        retryAfterSeconds: retry,
        allowance: nil, touched: decision == .allow && stale && !request.peek)
    }
    if user.status != .active { return say(.suspended) }
    let needs = request.requirements
    if let within = needs.authenticatedWithinMilliseconds, let sessionFacts, now - sessionFacts.authenticatedAtMilliseconds > within {
      return say(.reauthenticationRequired)
    }
    if needs.emailVerified, !user.emailVerified { return say(.emailUnverified) }
    if let plans = needs.plans, !plans.contains(plan) { return say(.planRequired) }
    let local = limits.local(request.charges, user: user.id, plan: plan, countedAt: countedAt, peek: request.peek)
    return say(local.decision, local.standings, retry: local.retryAfterSeconds)
  }
}
