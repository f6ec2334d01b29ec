import Testing

@testable import GatehouseCore

@Suite("Known refusals")
struct KnownRefusalsTests {
  private static let start = ContinuousClock.now

  private static func charge(_ subject: String, policy: String = "login_account") -> SubjectCharge {
    SubjectCharge(
      subject: .keyed(subject), policy: Policy(name: policy, by: .subject, windowSeconds: 60, cells: 6, limits: PlanLimits(1)), cost: 1)
  }

  private static func verdict(allowed: Bool = false, retry: Int? = 30) -> SubjectVerdict {
    SubjectVerdict(
      standing: PolicyStanding(
        policy: "login_account", limit: 1, windowSeconds: 60, remaining: 0, resetSeconds: 30, exceeded: !allowed, shadow: false),
      allowed: allowed, retryAfterSeconds: retry)
  }

  @Test("A refusal stands for a second at most, and for this subject under this policy alone")
  func stands() {
    let refusals = KnownRefusals()
    refusals.remember(Self.verdict(), of: Self.charge("mia"), now: Self.start)
    #expect(refusals.verdict(Self.charge("mia"), now: Self.start + .milliseconds(999)) == Self.verdict())
    #expect(refusals.verdict(Self.charge("mia"), now: Self.start + .seconds(1)) == nil)
    #expect(refusals.verdict(Self.charge("leo"), now: Self.start) == nil)
    #expect(refusals.verdict(Self.charge("mia", policy: "login_pair"), now: Self.start) == nil)
  }

  @Test("A yes is not kept, nor a refusal beyond its own end")
  func yes() {
    let refusals = KnownRefusals()
    refusals.remember(Self.verdict(allowed: true), of: Self.charge("mia"), now: Self.start)
    refusals.remember(Self.verdict(retry: 0), of: Self.charge("leo"), now: Self.start)
    #expect(refusals.verdict(Self.charge("mia"), now: Self.start) == nil)
    #expect(refusals.verdict(Self.charge("leo"), now: Self.start) == nil)
  }

  @Test("No more are kept than the bound says; room comes back with time")
  func bounded() {
    let refusals = KnownRefusals()
    for number in 0...KnownRefusals.countMax { refusals.remember(Self.verdict(), of: Self.charge("\(number)"), now: Self.start) }
    #expect(refusals.verdict(Self.charge("\(KnownRefusals.countMax - 1)"), now: Self.start) != nil)
    #expect(refusals.verdict(Self.charge("\(KnownRefusals.countMax)"), now: Self.start) == nil)
    let later = Self.start + .seconds(2)
    refusals.remember(Self.verdict(), of: Self.charge("late"), now: later)
    #expect(refusals.verdict(Self.charge("late"), now: later) != nil)
  }
}
