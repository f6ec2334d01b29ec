import Testing

@testable import GatehouseCore

@Suite("Limits of addresses and subjects")
struct SubjectLimitsTests {
  /// Where a charge is decided.
  enum Place: CaseIterable, Sendable { case redis, process }

  private let hot = WindowsInMemory()
  private let lease = Lease()
  private let limits = SubjectLimits(window: LocalWindow(processes: 1))

  private func policy(_ name: String, _ limit: Int64, shadow: Bool = false) -> Policy {
    Policy(name: name, by: .subject, windowSeconds: 60, cells: 6, limits: PlanLimits(limit), shadow: shadow)
  }

  private func check(_ place: Place, peek: Bool = false, _ charges: [(Subject, Policy)]) async -> [SubjectVerdict] {
    if place == .redis { lease.hold(for: .seconds(3_600)) }
    return await limits.check(
      charges.map { SubjectCharge(subject: $0.0, policy: $0.1, cost: 1) }, peek: peek, hot: hot, lease: lease)
  }

  private func left(_ place: Place, _ subject: Subject, _ policy: Policy) async -> Int64? {
    await check(place, peek: true, [(subject, policy)]).first?.standing.remaining
  }

  @Test("A refused subject spends nothing of any subject behind it, nor of its own other policies", arguments: Place.allCases)
  func refusedSpendsNothing(_ place: Place) async {
    let (first, middle, last) = (Subject.keyed("a"), Subject.network("192.0.2.1"), Subject.keyed("b"))
    let (wide, tight) = (policy("wide", 10), policy("tight", 1))
    let charges = [(first, wide), (middle, tight), (last, wide), (middle, wide)]
    #expect(await check(place, charges).map(\.allowed) == [true, true, true, true])
    for _ in 0..<5 {
      let verdicts = await check(place, charges)
      #expect(verdicts.map(\.allowed) == [true, false, true, true], "the others are looked at")
      #expect(verdicts[1].retryAfterSeconds != nil)
    }
    #expect(await left(place, first, wide) == 4, "a subject in front counts attempts")
    #expect(await left(place, middle, wide) == 9)
    #expect(await left(place, last, wide) == 9)
  }

  @Test("A shadow policy is counted with what passes, and refuses nothing", arguments: Place.allCases)
  func shadow(_ place: Place) async {
    let subject = Subject.network("192.0.2.1")
    let (shadow, real) = (policy("shadow", 1, shadow: true), policy("real", 3))
    for round in 0..<5 {
      let verdicts = await check(place, [(subject, shadow), (subject, real)])
      #expect(verdicts.map(\.allowed) == [true, round < 3])
      #expect(verdicts[0].standing.remaining == 0)
    }
  }

  @Test("Subjects of the service and of the app are apart, whatever their names", arguments: Place.allCases)
  func apart(_ place: Place) async {
    let tight = policy("tight", 1)
    let name = "0123456789abcdef"
    for subject in [Subject.keyed(name), .network(name), .own(name), .ownNetwork(name)] {
      #expect(await check(place, [(subject, tight)]).map(\.allowed) == [true])
      #expect(await check(place, [(subject, tight)]).map(\.allowed) == [false])
    }
  }
}
