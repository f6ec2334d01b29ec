import TestSupport
import Testing

@testable import GatehouseCore

@Suite("Grants of Redis and of this process, together")
struct MixedWindowTests {
  private static let subject = "usr_1"
  /// Between Redis's clock and the process's.
  private static let ahead: Int64 = 1_700_000_000_000

  private static func policy(_ limit: Int64, seconds: Int64 = 60, cells: Int64 = 60) -> Policy {
    Policy(name: "p", by: .user, windowSeconds: seconds, cells: cells, limits: PlanLimits(limit))
  }

  /// A Redis and a process that asks it, with clocks that a test moves.
  private final class Pair {
    let policy: Policy
    let limit: Int64
    let local: LocalWindow
    var redis = PackedWindow()
    var now: Int64 = 1_000_000

    /// A question that Redis has decided, and its answer on the way.
    struct Answer {
      let asked: Int64
      let redisNow: Int64
      let passed: Bool
      let window: PackedWindow
      let cost: Int64
    }

    init(_ policy: Policy, processes: Int = 1) {
      self.policy = policy
      limit = policy.limits.limit(plan: nil)
      local = LocalWindow(processes: processes)
    }

    func charge(_ cost: Int64) -> LocalWindow.Charge { LocalWindow.Charge(policy: policy, limit: limit, cost: cost) }

    func owed() -> Int64 { local.owed(subject: subject, [policy], nowMilliseconds: now)[0] }

    /// Redis's decision now about a question that was counted at `asked`.
    func decide(_ cost: Int64, owed: Int64, asked: Int64) -> Answer {
      let at = now + ahead
      let passed = redis.check(cost, nowMilliseconds: at, policy: policy, limit: limit - owed, peek: false) == .passes
      return Answer(asked: asked, redisNow: at, passed: passed, window: redis, cost: cost)
    }

    /// Whether the call passes once its answer has come.
    func hear(_ answer: Answer) -> Bool {
      let told = [LocalWindow.Told(charge: charge(answer.cost), window: answer.window)]
      let results = local.hear(
        subject: subject, told, isTaken: answer.passed, redisMilliseconds: answer.redisNow, askedMilliseconds: answer.asked,
        nowMilliseconds: now)
      return answer.passed && (results?.allSatisfy(\.allowed) ?? true)
    }

    /// A whole question to Redis, answered at once.
    func ask(_ cost: Int64 = 1) -> Bool {
      let answer = decide(cost, owed: owed(), asked: now)
      return hear(answer)
    }

    /// A call that is decided without Redis.
    func alone(_ cost: Int64 = 1) -> LocalWindow.Result {
      local.checkAll(subject: subject, [charge(cost)], nowMilliseconds: now, peek: false)[0]
    }

    private var subject: String { MixedWindowTests.subject }
    private var ahead: Int64 { MixedWindowTests.ahead }
  }

  @Test("Without Redis the window begins where Redis stood, not empty; a used-up one stays used up until Redis's units return")
  func seeded() {
    let pair = Pair(Self.policy(60))
    for _ in 0..<60 { #expect(pair.ask()) }
    #expect(!pair.ask())
    let refused = pair.alone()
    #expect(!refused.allowed && refused.standing.remaining == 0)
    let wait = refused.retryAfterSeconds ?? 0
    #expect((60...61).contains(wait))
    pair.now += Int64(wait) * 1_000
    #expect(pair.alone().allowed)
  }

  @Test("Units that were granted without Redis count when it is back, and its refusal says when they return")
  func counted() {
    let pair = Pair(Self.policy(60))
    for _ in 0..<20 { #expect(pair.ask()) }
    for number in 0..<45 { #expect(pair.alone().allowed == (number < 40)) }
    for _ in 0..<5 { #expect(!pair.ask()) }
    pair.now += 62_000
    for number in 0..<65 { #expect(pair.ask() == (number < 60)) }
  }

  @Test("A process of several grants its share alone, and with Redis's units never more than the limit")
  func shares() {
    let pair = Pair(Self.policy(60), processes: 4)
    #expect((0..<60).filter { _ in pair.alone().allowed }.count == 15)
    #expect((0..<60).filter { _ in pair.ask() }.count == 45)
    let full = Pair(Self.policy(60), processes: 4)
    #expect((0..<55).filter { _ in full.ask() }.count == 55)
    #expect((0..<60).filter { _ in full.alone().allowed }.count == 5)
  }

  @Test("An answer that comes after units were granted alone is not added to them")
  func late() {
    let pair = Pair(Self.policy(10))
    let answers = (0..<10).map { _ in pair.decide(1, owed: 0, asked: pair.now) }
    #expect((0..<10).filter { _ in pair.alone().allowed }.count == 10, "Redis has told nothing yet")
    #expect(answers.allSatisfy(\.passed) && answers.allSatisfy { !pair.hear($0) })
  }

  /// One unit or more that passed, and when it was decided.
  private struct Grant {
    let at: Int64
    let units: Int64
  }

  /// The most units in any interval of one window.
  private func worst(_ grants: [Grant], window: Int64) -> Int64 {
    let grants = grants.sorted { $0.at < $1.at }
    var (first, units, worst) = (0, Int64(0), Int64(0))
    for grant in grants {
      units += grant.units
      while grants[first].at <= grant.at - window {
        units -= grants[first].units
        first += 1
      }
      worst = max(worst, units)
    }
    return worst
  }

  @Test(
    "Any mix of answers, late and lost ones, and of decisions without Redis passes at most the limit in any interval of a window",
    arguments: [(1, 60), (1, 7), (2, 10), (60, 60), (60, 250)] as [(Int64, Int64)])
  func sweep(seconds: Int64, cells: Int64) {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    var total = 0
    for _ in 0..<60 {
      let limit = Int64.random(in: 1...40, using: &random)
      let pair = Pair(Self.policy(limit, seconds: seconds, cells: cells))
      var grants: [Grant] = []
      var underWay: [(answer: Pair.Answer, comesAt: Int64)] = []
      // Redis answers, is slow, or is away, for a while each.
      var mood = 0
      for _ in 0..<1_500 {
        if Int.random(in: 0..<40, using: &random) == 0 { mood = Int.random(in: 0..<3, using: &random) }
        pair.now += Int64.random(in: 0...(seconds * 1_000 / max(1, limit)), using: &random) / 3
        for (answer, comesAt) in underWay where comesAt <= pair.now {
          if pair.hear(answer) { grants.append(Grant(at: answer.redisNow - Self.ahead, units: answer.cost)) }
        }
        underWay.removeAll { $0.comesAt <= pair.now }
        let cost = Int64.random(in: 1...max(1, limit / 4), using: &random)
        let owed = pair.owed()
        switch (mood, Int.random(in: 0..<10, using: &random)) {
        case (0, _), (1, 0...4):
          let answer = pair.decide(cost, owed: owed, asked: pair.now)
          underWay.append((answer, pair.now + Int64.random(in: 0...50, using: &random)))
        case (1, 5...7):
          // The answer is lost or too late; the call is decided without it.
          _ = pair.decide(cost, owed: owed, asked: pair.now)
          fallthrough
        default:
          if pair.alone(cost).allowed { grants.append(Grant(at: pair.now, units: cost)) }
        }
      }
      total += grants.count
      #expect(worst(grants, window: seconds * 1_000) <= limit, "limit \(limit), seed \(seed)")
    }
    #expect(total > 3_000, "something passed: \(total), seed \(seed)")
  }
}
