import GatehouseCore
import RedisClient
import TestSupport
import Testing

@testable import GatehouseRedis

/// The faults of other limiters that the design lists, each shown to be absent.
@Suite("Faults of other limiters", .redis)
struct WindowFaultTests {
  private func charge(
    _ name: String, _ cost: Int64 = 1, limit: Int64 = 5, seconds: Int64 = 60, cells: Int64 = 60, shadow: Bool = false
  ) -> SubjectCharge {
    let policy = Policy(name: "p", by: .subject, windowSeconds: seconds, cells: cells, limits: PlanLimits(limit), shadow: shadow)
    return SubjectCharge(subject: .keyed(name), policy: policy, cost: cost)
  }

  @Test("A rejected call adds no cost: an oversized one locks nobody out, and a flood of refusals moves no reset")
  func rejectedIsFree() async throws {
    try await Frozen.with { frozen in
      #expect(try await frozen.check(charge("free", 1_000_000)).allowed == false)
      #expect(try await frozen.timeToLive(KeySpace.windows(charge("free").subject)) == -2)
      for _ in 0..<5 { #expect(try await frozen.check(charge("free")).allowed) }
      for second in 0..<61 {
        let now = Frozen.start + Int64(second) * 1_000
        let verdict = try await frozen.check(charge("free", Int64(second % 5) + 1), at: now)
        #expect(!verdict.allowed && verdict.retryAfterSeconds == 61 - second)
      }
      #expect(try await frozen.check(charge("free", 5), at: Frozen.start + 61_000).allowed)
    }
  }

  @Test("The cost is part of the comparison: what fits passes, one unit more does not")
  func costIsCompared() async throws {
    try await Frozen.with { frozen in
      let calls = try await [3, 3, 2, 1].asyncMap { try await frozen.check(charge("cost", $0)) }
      #expect(calls.map(\.allowed) == [true, false, true, false])
      #expect(calls.map(\.standing.remaining) == [2, 2, 0, 0])
    }
  }

  @Test("A cost above the limit is refused for good, without a time to try again, full or empty")
  func neverFits() async throws {
    try await Frozen.with { frozen in
      for spent in [Int64(0), 5] {
        if spent > 0 { _ = try await frozen.check(charge("never", spent)) }
        let verdict = try await frozen.check(charge("never", 6))
        #expect(!verdict.allowed && verdict.retryAfterSeconds == nil)
      }
    }
  }

  @Test("A key lives at least as long as its longest window counts, whatever is written later", arguments: [1, 7, 60, 250] as [Int64])
  func timeToLive(_ cells: Int64) async throws {
    try await Frozen.with { frozen in
      let name = "ttl \(cells)"
      let key = KeySpace.windows(charge(name).subject)
      let long = Int64((3_600_000 + 3_600_000 / Double(cells)).rounded(.up))
      _ = try await frozen.check(charge(name, seconds: 60, cells: cells))
      let short = try await frozen.timeToLive(key)
      #expect(short > 60_000 - 5_000 && short <= 60_000 + 60_000 / cells + 1)
      _ = try await frozen.check(charge(name, seconds: 3_600, cells: cells))
      _ = try await frozen.check(charge(name, seconds: 60, cells: cells))
      let left = try await frozen.timeToLive(key)
      #expect(left <= long && left > long - 30_000)
      // Someone's PERSIST: the next write mends it.
      try await frozen.admin("PERSIST", key)
      _ = try await frozen.check(charge(name, seconds: 60, cells: cells))
      #expect(try await frozen.timeToLive(key) > 0)
    }
  }

  @Test("A free pass is never due: a unit counts for all of W, until W(1 + 1/B) at most", arguments: [1, 7, 60, 250] as [Int64])
  func horizon(_ cells: Int64) async throws {
    try await Frozen.with { frozen in
      // Not at a cell's beginning.
      let taken = Frozen.start + 12_345
      let one = charge("horizon \(cells)", limit: 1, cells: cells)
      #expect(try await frozen.check(one, at: taken).allowed)
      #expect(try await frozen.check(one, at: taken + 60_000).allowed == false)
      let wait = try #require(try await frozen.check(one, at: taken).retryAfterSeconds)
      #expect(try await frozen.check(one, at: taken + Int64(wait - 1) * 1_000).allowed == false)
      #expect(try await frozen.check(one, peek: true, at: taken + Int64(wait) * 1_000).allowed)
      #expect(try await frozen.check(one, at: taken + 60_000 + (60_000 + cells - 1) / cells).allowed)
    }
  }

  @Test("All keys of a user share one cluster slot, and no two users or subjects share a key")
  func slots() {
    let user = UserID.random()
    let keys = [KeySpace.user(user), KeySpace.windows(user)]
    let tags = Set(keys.map { $0.split(separator: "{").last?.split(separator: "}").first.map(String.init) })
    #expect(tags == [user.routingID])
    let name = user.routingID
    let subjects: [Subject] = [.network(name), .keyed(name), .ownNetwork(name), .own(name), .network("own:\(name)"), .keyed("ip:\(name)")]
    #expect(Set(keys + subjects.map(KeySpace.windows) + [KeySpace.windows(UserID.random())]).count == 9)
  }

  @Test("Calls of one millisecond count each: nothing overwrites anything")
  func sameInstant() async throws {
    try await Frozen.with { frozen in
      let all = try await (0..<7).asyncMap { _ in try await frozen.check(charge("instant")).allowed }
      #expect(all == [true, true, true, true, true, false, false])
    }
  }

  @Test("The reset is that of the oldest unit, not of a calendar's next cell")
  func realReset() async throws {
    try await Frozen.with { frozen in
      _ = try await frozen.check(charge("reset", 2))
      #expect(try await frozen.check(charge("reset", 3), at: Frozen.start + 30_500).standing.resetSeconds == 31)
      let full = try await frozen.check(charge("reset", 3), at: Frozen.start + 45_000)
      // Two units return at 61 s; three only when the second call's return too.
      #expect(full.standing.resetSeconds == 16 && full.retryAfterSeconds == 46)
      #expect(try await frozen.check(charge("reset", 2), at: Frozen.start + 45_000).retryAfterSeconds == 16)
    }
  }

  @Test("Redis's clock decides, not the caller's: what goes in with a call can only keep it from deciding")
  func redisClock() async throws {
    for script in [Scripts.gate, Scripts.limitCheck] {
      #expect(script.source.ranges(of: Frozen.clockRead).count == 1, "\(script.name)")
    }
    let words = SubjectCheck.arguments([PolicyCharge(policy: charge("clock").policy, cost: 1)], peek: false, at: 7...9)
    #expect(words == ["0", "p.60.60", "60000", "60", "5", "1", "0", "7", "9"])
    try await Frozen.with { frozen in
      var narrow = frozen
      let most = ClockJudge.stepMaxMilliseconds
      for (span, asked, passes) in [
        (Frozen.start...Frozen.start, Frozen.start + most, true), (Frozen.start...Frozen.start, Frozen.start - most, true),
        (0...Frozen.start - 1, Frozen.start - most - 1, false),
        (Frozen.start + 1...Instants.millisecondsMax, Frozen.start + most + 1, false),
      ] {
        narrow.span = span
        narrow.asked = asked
        let name = "span\(passes)\(asked)"
        let verdict = try? await narrow.check(charge(name))
        #expect((verdict != nil) == passes)
        #expect(try await frozen.check(charge(name)).standing.remaining == (passes ? 3 : 4), "a call that may not decide takes nothing")
        let user = Fixture.user { $0.plan = "free" }
        try await frozen.warm(Fixture.snapshot(user, [Fixture.session(user.id, "t")]))
        let before = try await frozen.state(user.id)
        let reply = try? await narrow.gate(Fixture.query(user.id, charges: [(Fixture.api, 1)], hold: ("h", 1)))
        #expect((reply != nil) == passes)
        #expect(try await (frozen.state(user.id) == before) == !passes)
      }
    }
  }

  @Test("A limit that changes counts from the next call on, up and down, with what was spent")
  func changedLimit() async throws {
    try await Frozen.with { frozen in
      _ = try await frozen.check(charge("change", 5))
      #expect(try await frozen.check(charge("change", 5, limit: 10)).allowed)
      let lower = try await frozen.check(charge("change", 1, limit: 2))
      #expect(!lower.allowed && lower.standing.remaining == 0 && lower.retryAfterSeconds == 61)
    }
  }

  @Test("A clock that steps back gives nothing away; one that was more than a window ahead locks nobody out")
  func clockSteps() async throws {
    try await Frozen.with { frozen in
      _ = try await frozen.check(charge("back", 5))
      #expect(try await frozen.check(charge("back"), at: Frozen.start - 59_000).allowed == false)
      #expect(try await frozen.check(charge("back", 5), at: Frozen.start - 61_000).allowed)
    }
  }

  @Test("A shadow policy counts without a limit, up to the largest number that fits, and goes on")
  func saturated() async throws {
    try await Frozen.with { frozen in
      let huge = charge("shadow", 4_294_967_290, shadow: true)
      for remaining in [0, 0, 0] as [Int64] {
        let verdict = try await frozen.check(huge)
        #expect(verdict.allowed && verdict.standing.remaining == remaining && verdict.standing.exceeded)
      }
      var window = PackedWindow()
      for _ in 0..<3 {
        #expect(window.check(huge.cost, nowMilliseconds: Frozen.start, policy: huge.policy, limit: nil, peek: false) == .passes)
      }
      let stored = try await frozen.connection.send(["HGET", KeySpace.windows(huge.subject), huge.policy.fieldName]).byteValues
      #expect(stored == window.bytes)
    }
  }
}

extension Sequence {
  /// One after the other.
  func asyncMap<T>(_ change: (Element) async throws -> T) async rethrows -> [T] {
    var all: [T] = []
    for element in self { all.append(try await change(element)) }
    return all
  }
}
