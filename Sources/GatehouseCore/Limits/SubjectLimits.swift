/// Rate limits outside a user's own slot, and every rate limit while Redis is away: by a window in this process at
/// `max(1, limit / processes)`, never by none.
public struct SubjectLimits: Sendable {
  private let window: LocalWindow
  /// Whether what Redis counts may be gone before its time.
  public let memory = HotMemory()

  public init(window: LocalWindow) { self.window = window }

  /// Counts an attempt of addresses and other subjects, subject by subject in the order in which they first stand. The policies of one
  /// subject are charged together or not at all, and a subject is charged only when all before it passed: what is refused spends
  /// nothing of anybody who comes after. Behind a refusal the rest is only looked at, so that the wait can be told.
  ///
  /// One round trip a subject, since their windows live in different cluster slots and each charge depends on the one before; without
  /// Redis none, and the same order in this process alone. Verdicts in the order of the charges.
  public func check(_ charges: [SubjectCharge], peek: Bool, hot: any HotStore, lease: Lease) async -> [SubjectVerdict] {
    var verdicts = [SubjectVerdict?](repeating: nil, count: charges.count)
    var isRefused = false
    for (index, first) in charges.enumerated() where verdicts[index] == nil {
      let places = charges.indices.filter { charges[$0].subject == first.subject }
      let together = places.map { HotQuery.Charge(policy: charges[$0].policy, cost: charges[$0].cost) }
      let decided = await decide(first.subject, together, peek: peek || isRefused, hot: hot, lease: lease)
      for (place, verdict) in zip(places, decided) { verdicts[place] = verdict }
      if decided.contains(where: { !$0.allowed }) { isRefused = true }
    }
    return verdicts.compactMap(\.self)
  }

  private func decide(
    _ subject: Subject, _ charges: [HotQuery.Charge], peek: Bool, hot: any HotStore, lease: Lease
  ) async -> [SubjectVerdict] {
    guard let term = lease.term, hot.isUsable,
      case .success(let verdicts) = await hot.check(subject, charges, peek: peek, under: term)
    else {
      return decideHere(subject, charges, peek: peek)
    }
    guard memory.mayForget else { return verdicts }
    // Whichever refuses decides, and what Redis refuses is only looked at here.
    let own = decideHere(subject, charges, peek: peek || verdicts.contains { !$0.allowed })
    return zip(verdicts, own).map { $0.allowed ? $1 : $0 }
  }

  private func decideHere(_ subject: Subject, _ charges: [HotQuery.Charge], peek: Bool) -> [SubjectVerdict] {
    let results = window.checkAll(
      subject: subject.localName,
      charges.map { LocalWindow.Charge(policy: $0.policy, limit: $0.policy.limits.limit(plan: nil), cost: $0.cost) },
      nowMilliseconds: ContinuousWindowClock.nowMilliseconds, peek: peek)
    return zip(charges, results).map { charge, result in
      SubjectVerdict(
        standing: result.standing, allowed: result.allowed || charge.policy.shadow, retryAfterSeconds: result.retryAfterSeconds)
    }
  }

  /// Decides a user's policies together, all or nothing, in this process.
  func local(
    _ charges: [HotQuery.Charge], user: UserID, plan: String, now: Int64, peek: Bool
  ) -> (decision: Decision, standings: [PolicyStanding], retryAfterSeconds: Int?) {
    let results = window.checkAll(
      subject: user.text,
      charges.map { LocalWindow.Charge(policy: $0.policy, limit: $0.policy.limits.limit(plan: plan), cost: $0.cost) },
      nowMilliseconds: ContinuousWindowClock.nowMilliseconds, peek: peek)
    let standings = results.map(\.standing)
    if results.contains(where: \.costExceedsLimit) { return (.costExceedsLimit, standings, nil) }
    guard results.allSatisfy(\.allowed) else {
      return (.rateLimited, standings, results.compactMap(\.retryAfterSeconds).max())
    }
    return (.allow, standings, nil)
  }
}

/// The clock of windows in this process: monotonic, since they never meet Redis's.
enum ContinuousWindowClock {
  private static let start = ContinuousClock.now
  private static let offsetMilliseconds: Int64 = 1_000_000_000

  static var nowMilliseconds: Int64 {
    let elapsed = start.duration(to: .now)
    return offsetMilliseconds + elapsed.components.seconds * 1000 + elapsed.components.attoseconds / 1_000_000_000_000_000
  }
}

extension Subject {
  var localName: String {
    switch self {
    case .network(let network): "ip:" + network
    case .keyed(let digest): "sub:" + digest
    case .ownNetwork(let network): "own:ip:" + network
    case .own(let digest): "own:" + digest
    }
  }
}
