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
    let clock = ContinuousWindowClock.nowMilliseconds
    func look(_ peek: Bool) -> [LocalWindow.Result] {
      charges.map {
        window.check(
          subject: user.text, policy: $0.policy, limit: $0.policy.limits.limit(plan: plan), cost: $0.cost, nowMilliseconds: clock,
          peek: peek)
      }
    }
    let first = look(true)
    let judged = zip(charges, first)
    // A cost above this process's share passes again once Redis is back: only the whole limit says "never".
    if charges.contains(where: { !$0.policy.shadow && $0.cost > $0.policy.limits.limit(plan: plan) }) {
      return (.costExceedsLimit, first.map(\.standing), nil)
    }
    if judged.contains(where: { !$0.policy.shadow && !$1.allowed }) {
      let waits = judged.filter { !$0.policy.shadow && !$1.allowed }.map { $1.retryAfterSeconds ?? Int($0.policy.windowSeconds) }
      return (.rateLimited, first.map(\.standing), waits.max())
    }
    return (.allow, (peek ? first : look(false)).map(\.standing), nil)
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
