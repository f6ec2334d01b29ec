/// Rate limits outside a user's own slot, and every rate limit while Redis is away: by a window in this process at
/// `max(1, limit / processes)`, never by none.
public struct SubjectLimits: Sendable {
  private let window: LocalWindow

  public init(window: LocalWindow) { self.window = window }

  /// Counts attempts of addresses and other subjects. One flush; without Redis in this process alone.
  public func check(_ charges: [SubjectCharge], peek: Bool, hot: any HotStore, lease: Lease) async -> [SubjectVerdict] {
    if lease.isHeld, hot.isUsable, case .success(let verdicts) = await hot.check(charges, peek: peek) { return verdicts }
    let now = ContinuousWindowClock.nowMilliseconds
    return charges.map { charge in
      let limit = charge.policy.limits.limit(plan: nil)
      let result = window.check(
        subject: charge.subject.localName, policy: charge.policy, limit: limit, cost: charge.cost, nowMilliseconds: now, peek: peek)
      return SubjectVerdict(
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
    }
  }
}
