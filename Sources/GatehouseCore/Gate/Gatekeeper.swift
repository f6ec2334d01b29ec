import GatehouseCrypto
import Logging
import Synchronization

/// The gate: who is this, may they call now, and may they use this feature today.
///
/// Redis may say yes; only the ledger says that a token is not valid. Without a lease, or without an answer of Redis within its
/// deadline, the ledger decides (`LedgerGate`).
///
/// One object for a process: a question hands it on from step to step, and copies nothing.
public final class Gatekeeper: Sendable {
  /// How often a cold user is rebuilt for one call before the ledger answers it.
  static var rebuildsMax: Int { 3 }
  /// Pieces of batches that are on their way at once: while one is being decided the next is there.
  static var piecesMax: Int { 2 }
  /// Questions of all batches together that Redis is asked at once, and as many for which the ledger is read after that.
  public static var batchQuestionsMax: Int { BatchPace.countMax * piecesMax }

  let ledger: any DecisionLedger
  let hot: any HotStore
  let lease: Lease
  let clock: ServiceClock
  let changes: Changes
  let fallback: LedgerGate
  let rules: any LiveRules
  let log: Logger
  let onDecision: @Sendable (Result<GateAnswer, ServiceError>) -> Void
  let dead = DeadTokens()
  let pieces = Turns(atOnce: piecesMax)
  let pace = Mutex(BatchPace())
  /// Questions of batches alone, which Redis was asked first: however many of their users are cold, ledger and Redis are left to others.
  let batchRebuilds = Turns(atOnce: batchQuestionsMax)
  /// As many rebuilds at once as two readers take in a batch each; as many more wait as the read queue holds.
  let rebuilds = SingleFlight<UserID>(runningMax: 128, waitingMax: 8_192)

  /// - Parameter onDecision: told once of whatever every question came to, before its caller is: it must not block.
  public init(
    ledger: any DecisionLedger, hot: any HotStore, lease: Lease, clock: ServiceClock, changes: Changes, fallback: LedgerGate,
    rules: any LiveRules, log: Logger,
    onDecision: @escaping @Sendable (Result<GateAnswer, ServiceError>) -> Void = { _ in }
  ) {
    self.ledger = ledger
    self.hot = hot
    self.lease = lease
    self.clock = clock
    self.changes = changes
    self.fallback = fallback
    self.rules = rules
    self.log = log
    self.onDecision = onDecision
  }

  /// Decides without a task of its own where Redis can decide alone: a warm user, no subject policy, nothing to reserve. One command.
  /// - Parameter told: called exactly once, possibly on an event loop: it must not block.
  public func decide(_ request: GateRequest, done told: @escaping @Sendable (Result<GateAnswer, ServiceError>) -> Void) {
    decide(request, heard: nil, done: told)
  }

  /// - Parameter heard: of a batch's question alone; called exactly once, when Redis has been asked and has answered. A user who must be
  ///   read from the ledger is not waited for, so that users who are warm don't wait for those who are cold.
  func decide(
    _ request: GateRequest, heard: (@Sendable () -> Void)?, done told: @escaping @Sendable (Result<GateAnswer, ServiceError>) -> Void
  ) {
    guard let userID = request.userID, request.tokenHash.map({ !dead.contains($0) }) ?? true else {
      end(.success(.unauthenticated(source: .ledger, now: clock.now())), told)
      heard?()
      return
    }
    guard request.subjectCharges.isEmpty, request.reserve == nil, hot.isUsable, let term = lease.term else {
      Task {
        end(await result { try await decideAtLength(request, userID: userID) }, told)
        heard?()
      }
      return
    }
    let query = fallback.limits.counted(request, of: userID)
    hot.gate(query, under: term) { [self] reply in
      defer { heard?() }
      if case .success(.decided(let decision)) = reply {
        end(.success(accept(decision, query, request)), told)
      } else if heard == nil {
        Task { end(await result { try await finish(reply, query, request) }, told) }
      } else {
        batchRebuilds.enter { [self] in
          Task {
            end(await result { try await finish(reply, query, request) }, told)
            batchRebuilds.leave()
          }
        }
      }
    }
  }

  private func end(_ result: Result<GateAnswer, ServiceError>, _ told: @Sendable (Result<GateAnswer, ServiceError>) -> Void) {
    onDecision(result)
    told(result)
  }

  /// `decide`, awaited.
  public func decide(_ request: GateRequest) async throws(ServiceError) -> GateAnswer {
    let result = await withCheckedContinuation { continuation in decide(request) { continuation.resume(returning: $0) } }
    return try result.get()
  }

  /// Decides every request on its own, in pieces: those of one piece are sent before any reply is awaited, and only so many pieces of
  /// all batches are on their way at once that Redis answers them, and whatever comes between, well within a command's deadline. For a
  /// bounded number of them all the ledger is read at once.
  /// - Parameter done: called exactly once, possibly on an event loop, with results in the order of the requests: it must not block.
  public func decideAll(_ requests: [GateRequest], done: @escaping @Sendable ([Result<GateAnswer, ServiceError>]) -> Void) {
    if requests.isEmpty { done([]) } else { Batch(requests, at: self, done: done).begin() }
  }

  /// `decideAll`, awaited.
  public func decideAll(_ requests: [GateRequest]) async -> [Result<GateAnswer, ServiceError>] {
    await withCheckedContinuation { continuation in decideAll(requests) { continuation.resume(returning: $0) } }
  }

  /// Address and subject policies first, in one flush; then the user's state, in another; then the ledger for a reservation. A call that
  /// came to nothing by the service's own fault is counted by none of them.
  private func decideAtLength(_ request: GateRequest, userID: UserID) async throws -> GateAnswer {
    let counted = await fallback.limits.count(request.subjectCharges, peek: request.peek, hot: hot, lease: lease)
    do {
      return try await decide(request, userID: userID, behind: counted.verdicts)
    } catch {
      if ServiceError.isFailure(error), !LedgerGate.mayHaveHappened(error) {
        await fallback.limits.giveBack(counted.taken, hot: hot, lease: lease)
      }
      throw error
    }
  }

  private func decide(_ request: GateRequest, userID: UserID, behind verdicts: [SubjectVerdict]) async throws -> GateAnswer {
    var request = request
    let refused = verdicts.contains { !$0.allowed }
    if refused { request = request.peeking() }

    var replay: StoredAnswer?
    var misuse: ServiceError?
    if let call = request.reserve?.call {
      do {
        replay = try await ledger.answer(to: call, now: clock.now())
        if replay != nil { request = request.withoutReserve() }
      } catch let error as ServiceError where error.code == .idempotencyKeyReused {
        // Only a caller with a valid session may hear of it.
        misuse = error
        request = request.withoutReserve().peeking()
      }
    }
    var answer = try await decideAwaited(request, userID: userID)
    // A twin of this call may have been granted since the look above and have taken the last unit. Then its answer is this call's.
    if replay == nil, let call = request.reserve?.call, answer.decision == .allowanceExhausted || answer.decision == .rateLimited,
      let stored = try await ledger.answer(to: call, now: clock.now())
    {
      replay = stored
      answer = try await decideAwaited(request.withoutReserve(), userID: userID)
    }
    if let misuse, answer.decision.isAfterRequirements { throw misuse }
    if let replay, answer.decision == .allow { answer.reserved = .replay(replay) }
    answer.standings = verdicts.map(\.standing) + answer.standings
    let over = zip(request.subjectCharges, verdicts).first { !$1.allowed && $0.cost > $1.standing.limit }
    if let (charge, verdict) = over, answer.decision.isAfterRequirements {
      answer.decision = .costExceedsLimit
      answer.retryAfterSeconds = nil
      answer.detail = charge.policy.costDetail(charge.cost, limit: verdict.standing.limit)
    } else if refused, answer.decision == .allow || answer.decision == .rateLimited || answer.decision == .allowanceExhausted {
      answer.decision = .rateLimited
      answer.retryAfterSeconds = (verdicts.compactMap(\.retryAfterSeconds) + [answer.retryAfterSeconds ?? 0]).max()
      answer.detail = answer.rateLimitedDetail
    }
    return answer
  }

  /// The user's state, from Redis where it can be believed, else from the ledger.
  private func decideAwaited(_ request: GateRequest, userID: UserID) async throws -> GateAnswer {
    guard hot.isUsable, let term = lease.term else { return try await fallback.decide(request) }
    let query = fallback.limits.counted(request, of: userID)
    return try await finish(await hot.gate(query, under: term), query, request)
  }

  /// Asks Redis if it may be believed at this moment: the lease may have ended while the ledger was read.
  private func ask(_ query: HotQuery) async -> Result<HotReply, HotFailure> {
    guard let term = lease.term else { return .failure(HotFailure(reason: "no_lease")) }
    return await hot.gate(query, under: term)
  }

  private func install(_ snapshot: HotSnapshot, ticket: String, then query: HotQuery) async -> Result<HotReply, HotFailure> {
    guard let term = lease.term else { return .failure(HotFailure(reason: "no_lease")) }
    return await hot.install(snapshot, ticket: ticket, under: term, then: query)
  }

  /// Follows a reply of Redis to its end: rebuilds a cold user, asks the ledger about a missing session, reserves.
  private func finish(_ first: Result<HotReply, HotFailure>, _ query: HotQuery, _ request: GateRequest) async throws -> GateAnswer {
    var reply = first
    for triesLeft in (0...Self.rebuildsMax).reversed() {
      // The lease may have ended while the ledger was asked.
      let goesOn = triesLeft > 0 && lease.isHeld
      switch reply {
      case .success(.decided(let decision)):
        let answer = accept(decision, query, request)
        guard answer.decision == .allow, let reserve = request.reserve, !request.peek else { return answer }
        return try await commitReservation(reserve, query, answer)
      case .success(.cold(let ticket, _)) where goesOn:
        guard let next = try await rebuild(query, ticket: ticket) else {
          return .unauthenticated(source: .ledger, now: clock.now())
        }
        reply = next
      case .success(.absent) where goesOn, .success(.rotated) where goesOn && !request.peek:
        guard let hash = query.tokenHash, try await isLive(hash, userID: query.userID) else {
          return .unauthenticated(source: .ledger, now: clock.now())
        }
        reply = await ask(query)
      case .success, .failure:
        return try await decideWithoutRedis(query, request)
      }
    }
    return try await decideWithoutRedis(query, request)
  }

  /// The ledger decides though Redis was asked: what the question may have held there goes back unless the ledger grants it.
  private func decideWithoutRedis(_ query: HotQuery, _ request: GateRequest) async throws -> GateAnswer {
    guard let reserve = request.reserve, !request.peek else { return try await fallback.decide(request) }
    do {
      let answer = try await fallback.decide(request)
      if answer.reserved == nil { hot.giveBack(query.userID, holdID: reserve.holdID, thenDrop: false) }
      return answer
    } catch {
      if !LedgerGate.mayHaveHappened(error) { hot.giveBack(query.userID, holdID: reserve.holdID, thenDrop: false) }
      throw error
    }
  }

  /// One rebuild a user at a time: its leader writes the snapshot and asks again in one flush; the others ask again after it.
  /// nil: there is no such user.
  private func rebuild(_ query: HotQuery, ticket: String) async throws -> Result<HotReply, HotFailure>? {
    var outcome: Result<Result<HotReply, HotFailure>?, any Error>?
    let role = await rebuilds.run(query.userID) {
      do {
        // The snapshot's transaction is opened now, after the ticket was obtained: a change that it misses kills the ticket.
        if let snapshot = try await ledger.snapshot(of: query.userID, now: clock.now()) {
          outcome = .success(await install(snapshot, ticket: ticket, then: query))
        } else {
          outcome = .success(nil)
        }
      } catch { outcome = .failure(error) }
    }
    switch role {
    case .refused: throw ServiceError(.overloaded, "Too many users are being read again. Try again in a moment.", retryAfterSeconds: 1)
    case .led: if let outcome { return try outcome.get() }
    case .followed: break
    }
    return await ask(query)
  }

  /// Asks the ledger about a token that Redis does not know, or knows as a rotated successor; makes the user cold if it is live.
  private func isLive(_ hash: Digest256, userID: UserID) async throws -> Bool {
    switch try await ledger.session(tokenHash: hash, now: clock.now()) {
    case .dead:
      dead.insert(hash)
      return false
    case .expired:
      return false
    case .live(_, let user, let isSuccessor):
      guard user.id == userID else { return false }
      let grace = Session.rotationGraceMilliseconds
      if isSuccessor, let change = try await ledger.adoptSuccessor(hash, graceMilliseconds: grace, now: clock.now()) {
        _ = await changes.acknowledge(change, takesRightsAway: false)
      } else {
        await changes.drop([userID.routingID])
      }
      return true
    }
  }

  /// The ledger decides about the units that Redis holds. Refused or failed: the hold and its costs go back. Where it is not known
  /// whether they were taken the hold stays: it ends by itself within a minute, and the ledger is read again.
  private func commitReservation(_ reserve: GateRequest.Reserve, _ query: HotQuery, _ allowed: GateAnswer) async throws -> GateAnswer {
    var answer = allowed
    // Of unlimited metrics Redis holds nothing.
    let isHeld = allowed.allowance?.limit != nil
    do {
      let request = ReservationRequest(
        id: .made(at: allowed.nowMilliseconds), userID: query.userID, metric: reserve.metric, amount: reserve.amount,
        leaseMilliseconds: reserve.leaseMilliseconds, commit: reserve.commit, period: period(of: allowed.allowance), isHeld: isHeld,
        analysis: reserve.analysis)
      let change = try await ledger.reserve(request, call: reserve.call, now: allowed.nowMilliseconds, encode: reserve.encode)
      let once = await changes.acknowledge(change, takesRightsAway: false)
      switch once {
      case .first(let reserved):
        answer.allowance = reserved.allowance
        if isHeld, change.pending.isEmpty { hot.keep(query.userID, holdID: reserve.holdID) }
      case .replay:
        // Another call of the same key was first, and this one may hold its units a second time.
        if isHeld { await changes.drop([query.userID.routingID]) }
      }
      answer.reserved = once
    } catch let error as ServiceError where error.code == .allowanceExhausted {
      hot.giveBack(query.userID, holdID: reserve.holdID, thenDrop: true)
      answer.refuseReservation(error)
    } catch {
      if !LedgerGate.mayHaveHappened(error) { hot.giveBack(query.userID, holdID: reserve.holdID, thenDrop: false) }
      throw error
    }
    return answer
  }

  /// The period that the script counted in: the ledger must count in the same one.
  private func period(of allowance: Allowance?) -> Period? {
    guard let allowance, let metric = rules.allowances.metric(allowance.metric) else { return nil }
    return Period(
      kind: metric.kind, startMilliseconds: allowance.periodStartsAtMilliseconds, endMilliseconds: allowance.resetsAtMilliseconds)
  }

  /// A decision of Redis becomes an answer; what it touched is written to the ledger later.
  private func accept(_ told: HotDecision, _ query: HotQuery, _ request: GateRequest) -> GateAnswer {
    let decision = fallback.limits.hear(told, query)
    if decision.decision != told.decision, let hold = query.hold {
      hot.giveBack(query.userID, holdID: hold.holdID, thenDrop: false)
    }
    if decision.touched, let sessionFacts = decision.sessionFacts { ledger.touch(sessionFacts.id, seenAt: decision.nowMilliseconds) }
    return GateAnswer(decision, request: request, source: .redis)
  }

  /// The result of `body`; an error that nobody foresaw is logged.
  func result<Value>(_ body: () async throws -> Value) async -> Result<Value, ServiceError> {
    do {
      return .success(try await body())
    } catch let error as ServiceError {
      return .failure(error)
    } catch {
      log.error("The gate failed unexpectedly", metadata: ["error": "\(error)"])
      return .failure(ServiceError(.unavailable, "The gate could not decide. Try again."))
    }
  }
}

extension GateRequest {
  /// The question to the hot state, counted at an instant of this process's windows, with other charges if `charges` is given.
  func query(for userID: UserID, at instant: Int64, charges: [PolicyCharge]? = nil) -> HotQuery {
    HotQuery(
      userID: userID, tokenHash: tokenHash, charges: charges ?? self.charges, requirements: requirements,
      hold: reserve.map {
        HotQuery.Hold(holdID: $0.holdID, metric: $0.metric, amount: $0.amount, leaseMilliseconds: $0.leaseMilliseconds)
      }, peek: peek, askedMilliseconds: instant)
  }

  func peeking() -> GateRequest {
    GateRequest(
      subject: subject, subjectCharges: subjectCharges, charges: charges, requirements: requirements, reserve: reserve, peek: true)
  }

  func withoutReserve() -> GateRequest {
    GateRequest(
      subject: subject, subjectCharges: subjectCharges, charges: charges, requirements: requirements, reserve: nil, peek: peek)
  }
}
