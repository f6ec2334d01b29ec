import GatehouseCore
import GatehouseCrypto
import TestSupport
import Testing

@testable import GatehouseRedis
@testable import RedisClient

@Suite("Words that the gate encodes once", .redis)
struct GateWordsTests {
  private func hex(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test("Numbers by plan name every plan, the default one first, or one number for all; a shadow policy has none")
  func byPlan() {
    let words = GateWords(edition: 0, epoch: "e", table: Fixture.table, timeouts: Fixture.timeouts)
    #expect(words.byPlan { $0 == "free" ? "3" : "" } == "|free:3|pro:")
    #expect(words.byPlan { _ in "7" } == ":7" && words.byPlan { _ in "" } == ":")
    #expect(hex(words.words(Fixture.api).limits.bytes) == "$14\r\n|free:3|pro:30\r\n")
    let shadow = Policy(name: "new", by: .user, windowSeconds: 60, cells: 60, limits: PlanLimits(2), shadow: true)
    #expect(hex(words.words(shadow).limits.bytes) == "$1\r\n:\r\n")
    // The same name with another limit is another policy, however often it was asked.
    let wider = Policy(name: "api", by: .user, windowSeconds: 60, cells: 60, limits: PlanLimits(9))
    for _ in 0..<2 {
      #expect(hex(words.words(wider).limits.bytes) == "$2\r\n:9\r\n")
      #expect(hex(words.words(Fixture.api).limits.bytes) == "$14\r\n|free:3|pro:30\r\n")
    }
  }

  @Test("A reload is true from the next call on: timeouts, plans and limits; so is another epoch")
  func reload() async throws {
    let server = try RedisServer.required()
    try await withRedis(server) { client, group in
      let rules = LiveSettings(Fixture.rules.settings)
      let hot = HotState(
        redis: client, group: group, rules: rules, clock: ServiceClock(wallMilliseconds: ServiceClock.hostMilliseconds))
      let term = HotTerm(replicationID: try #require(await hot.timelines().first), number: 1, lineage: "a")
      let seconds: Int64 = 1_000
      let now = try #require(await hot.time())
      let user = Fixture.user { $0.plan = "pro" }
      let session = Fixture.session(user.id, "t", seen: now - 200 * seconds, authenticated: now, end: now + Fixture.day)
      func query(_ policy: Policy, peek: Bool = true) -> HotQuery { Fixture.query(user.id, charges: [(policy, 1)], peek: peek) }
      guard case .success(.cold(let ticket, _)) = await hot.gate(query(Fixture.api), under: term) else {
        return #expect(Bool(false), "not cold")
      }
      let snapshot = Fixture.snapshot(user, [session], until: now + Fixture.day)
      func decision(_ reply: Result<HotReply, HotFailure>) -> HotDecision? {
        if case .success(.decided(let decision)) = reply { decision } else { nil }
      }
      let first = decision(await hot.install(snapshot, ticket: ticket, under: term, then: query(Fixture.api)))
      #expect(first?.decision == .allow && first?.standings.first?.limit == 30 && first?.caller.plan == "pro")

      var settings = rules.settings
      settings.plans = settings.plans.filter { $0.name != "pro" }
      rules.replace(with: settings)
      let second = decision(await hot.gate(query(Fixture.api), under: term))
      #expect(second?.caller.plan == "free" && second?.standings.first?.limit == 3)
      let wider = Policy(name: "api", by: .user, windowSeconds: 60, cells: 60, limits: PlanLimits(9))
      #expect(decision(await hot.gate(query(wider), under: term))?.standings.first?.remaining == 9)

      settings.timeouts[.web] = SessionTimeouts(idleMilliseconds: 100 * seconds, absoluteMilliseconds: Fixture.day)
      rules.replace(with: settings)
      guard case .success(.absent) = await hot.gate(query(wider), under: term) else {
        return #expect(Bool(false), "not dead of the new idle time")
      }
      hot.setEra(1)
      guard case .success(.cold) = await hot.gate(query(wider), under: term) else {
        return #expect(Bool(false), "warm in another epoch")
      }
    }
  }
}
