import GatehouseCrypto
import TestSupport
import Testing

@testable import GatehouseCore

extension LocalWindow {
  /// One policy of one subject.
  func check(subject: String, policy: Policy, limit: Int64, cost: Int64, nowMilliseconds: Int64, peek: Bool) -> Result {
    checkAll(subject: subject, [Charge(policy: policy, limit: limit, cost: cost)], nowMilliseconds: nowMilliseconds, peek: peek)[0]
  }
}

@Suite("Rate windows in this process, while Redis is away")
struct LocalWindowTests {
  private let policy = Policy(name: "p", by: .user, windowSeconds: 60, cells: 60, limits: PlanLimits(10))

  private func allowed(_ window: LocalWindow, _ subject: String, times: Int, limit: Int64 = 10, at now: Int64 = 1_000_000) -> Int {
    (0..<times).filter { _ in
      window.check(subject: subject, policy: policy, limit: limit, cost: 1, nowMilliseconds: now, peek: false).allowed
    }.count
  }

  @Test("Each of several processes allows its share, and never less than one call", arguments: [(1, 10), (3, 3), (10, 1), (64, 1)])
  func shares(_ processes: Int, _ share: Int) {
    let window = LocalWindow(processes: processes)
    #expect(allowed(window, "a", times: 20) == share)
    #expect(allowed(window, "b", times: 20) == share)
    #expect(allowed(window, "a", times: 20, at: 1_061_000) == share)
  }

  @Test("A cost above this process's share is only refused for now, one above the limit for good")
  func aboveShare() {
    let window = LocalWindow(processes: 4)
    let outcomes = [2, 3, 10, 11].map {
      window.check(subject: "a", policy: policy, limit: 10, cost: $0, nowMilliseconds: 0, peek: true)
    }
    #expect(outcomes.map(\.allowed) == [true, false, false, false])
    #expect(outcomes.map(\.costExceedsLimit) == [false, false, false, true])
    #expect(outcomes.map(\.retryAfterSeconds) == [nil, 60, 60, nil])
  }

  @Test("A process keeps a bounded number of subjects; the one that was counted longest ago goes first")
  func bounded() {
    let window = LocalWindow(processes: 1, subjectsMax: 80)
    for index in 0..<80 { #expect(allowed(window, "s\(index)", times: 10) == 10) }
    #expect(window.count == 80)
    #expect(allowed(window, "s0", times: 1) == 0)
    #expect(allowed(window, "new", times: 1) == 1)
    #expect(window.count <= 80)
    #expect(allowed(window, "s79", times: 1) == 0, "the newest are still counted")
    for index in 0..<10_000 { _ = allowed(window, "t\(index)", times: 1) }
    #expect(window.count <= 80)
  }

  @Test("Units that were granted to one subject here cost others no look at their policies, and itself none once they count no more")
  func shortWay() {
    let window = LocalWindow(processes: 1)
    let (now, end): (Int64, Int64) = (1_000_000, 1_000_000 + 2 * policy.windowMilliseconds + MixedWindow.replyMilliseconds)
    func mayOwe(at now: Int64) -> [Bool] { ["a", "b", "nobody"].map { window.mayOwe(subject: $0, nowMilliseconds: now) } }
    func hear(_ subject: String, at now: Int64) -> [LocalWindow.Result]? {
      let told = LocalWindow.Told(charge: LocalWindow.Charge(policy: policy, limit: 10, cost: 1), window: PackedWindow())
      return window.hear(
        subject: subject, [told], isTaken: true, redisMilliseconds: now, askedMilliseconds: now, nowMilliseconds: now)
    }
    for subject in ["a", "b"] { #expect(hear(subject, at: now)?.count == nil) }
    #expect(mayOwe(at: now) == [false, false, false])
    #expect(allowed(window, "a", times: 3, at: now) == 3)
    #expect(mayOwe(at: now) == [true, false, false] && mayOwe(at: end - 1) == [true, false, false])
    #expect(window.owed(subject: "a", [policy], nowMilliseconds: now) == [3])
    #expect(window.owed(subject: "b", [policy], nowMilliseconds: now) == [0])
    #expect(hear("a", at: now)?.map(\.standing.remaining) == [7])
    #expect(hear("b", at: now)?.count == nil)
    #expect(allowed(window, "b", times: 1, at: end) == 1)
    #expect(mayOwe(at: end) == [false, true, false], "each for as long as its own may count")
  }

  @Test("A peek and a refusal keep nothing of a subject that was not there")
  func nothingKept() {
    let window = LocalWindow(processes: 1)
    _ = window.check(subject: "a", policy: policy, limit: 10, cost: 1, nowMilliseconds: 0, peek: true)
    _ = window.check(subject: "a", policy: policy, limit: 10, cost: 11, nowMilliseconds: 0, peek: false)
    #expect(window.count == 0)
  }

  @Test("Several policies are all or nothing")
  func allOrNothing() {
    let window = LocalWindow(processes: 1)
    let other = Policy(name: "q", by: .user, windowSeconds: 60, cells: 60, limits: PlanLimits(3))
    let charges = [
      LocalWindow.Charge(policy: policy, limit: 10, cost: 1), LocalWindow.Charge(policy: other, limit: 3, cost: 2),
    ]
    let first = window.checkAll(subject: "a", charges, nowMilliseconds: 0, peek: false)
    #expect(first.map(\.allowed) == [true, true] && first.map(\.standing.remaining) == [9, 1])
    for _ in 0..<3 {
      let refused = window.checkAll(subject: "a", charges, nowMilliseconds: 0, peek: false)
      #expect(refused.map(\.allowed) == [true, false] && refused.map(\.standing.remaining) == [9, 1])
    }
  }

  @Test("Callers at the same time are never allowed more than the limit together")
  func together() async {
    let limits = SubjectLimits(window: LocalWindow(processes: 1))
    let user = UserID.random()
    let charges = [PolicyCharge(policy: policy, cost: 1)]
    let allowed = await withTaskGroup(of: Int.self) { tasks in
      for _ in 0..<8 {
        tasks.addTask {
          (0..<2_000).filter { _ in limits.local(charges, user: user, plan: "free", countedAt: 0, peek: false).decision == .allow }.count
        }
      }
      return await tasks.reduce(0, +)
    }
    #expect(allowed == 10)
  }

  @Test("A shadow policy never refuses, counts, and tells when it would have refused")
  func shadow() {
    let window = LocalWindow(processes: 1)
    let shadow = Policy(name: "p", by: .user, windowSeconds: 60, cells: 60, limits: PlanLimits(2), shadow: true)
    let seen = (0..<4).map { _ in window.check(subject: "a", policy: shadow, limit: 2, cost: 1, nowMilliseconds: 0, peek: false) }
    #expect(seen.map(\.allowed) == [true, true, true, true])
    #expect(seen.map(\.standing.exceeded) == [false, false, true, true])
    #expect(seen.map(\.standing.remaining) == [1, 0, 0, 0])
  }

  @Test("The header fields name every policy and allowance that is in force, and no shadow")
  func headers() {
    let window = LocalWindow(processes: 1)
    let shadow = Policy(name: "quiet", by: .user, windowSeconds: 60, cells: 60, limits: PlanLimits(1), shadow: true)
    let standings = [policy, shadow].map {
      window.check(subject: "a", policy: $0, limit: 10, cost: 3, nowMilliseconds: 0, peek: false).standing
    }
    let allowance = Allowance(
      metric: "video", limit: 1, bonus: 2, used: 1, held: 1, periodStartsAtMilliseconds: 0, resetsAtMilliseconds: 90_000_000)
    let unlimited = Allowance(metric: "free", limit: nil, used: 1, held: 1, periodStartsAtMilliseconds: 0, resetsAtMilliseconds: 1)
    let fields = RateLimitFields(standings: standings, allowances: [allowance, unlimited], nowMilliseconds: 500)
    #expect(fields.policy == #""p";q=10;w=60, "video";q=3;w=90000"#)
    #expect(fields.limit == #""p";r=7;t=61, "video";r=1;t=90000"#)
    #expect(RateLimitFields(standings: [], allowances: [], nowMilliseconds: 0).policy.isEmpty)
  }

  @Test("Units that go back leave the window as if they had never been taken, in any order and however late")
  func givenBack() {
    let policy = Policy(name: "p", by: .subject, windowSeconds: 60, cells: 6, limits: PlanLimits(1_000_000))
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    let (window, other) = (LocalWindow(processes: 1), LocalWindow(processes: 1))
    var open: [(cost: Int64, at: Int64)] = []
    var now: Int64 = 1_000_000
    func charge(_ cost: Int64) -> LocalWindow.Charge { LocalWindow.Charge(policy: policy, limit: 1_000_000, cost: cost) }
    for round in 0..<5_000 {
      now += Int64.random(in: 0...8_000, using: &random)
      let cost = Int64.random(in: 1...3, using: &random)
      _ = window.checkAll(subject: "s", [charge(cost)], nowMilliseconds: now, peek: false)
      if Bool.random(using: &random) {
        _ = other.checkAll(subject: "s", [charge(cost)], nowMilliseconds: now, peek: false)
      } else {
        open.append((cost, now))
      }
      guard round % 10 == 9 else { continue }
      for taken in open.shuffled(using: &random) {
        window.giveBack(subject: "s", [charge(taken.cost)], takenAtMilliseconds: taken.at)
      }
      open = []
      let both = [window, other].map { $0.owed(subject: "s", [policy], nowMilliseconds: now) }
      #expect(both[0] == both[1], "seed \(seed)")
    }
    window.giveBack(subject: "nobody", [charge(1)], takenAtMilliseconds: now)
    #expect(window.count == 1)
  }
}
