import GatehouseCore
import RedisClient
import TestSupport
import Testing

@testable import GatehouseRedis

@Suite("Holds in Redis", .redis)
struct HoldTests {
  private let charges: [(Policy, Int64)] = [(Fixture.api, 1), (Fixture.upload, 2)]

  private func reserve(_ user: UserID, _ id: String = "h1", _ amount: Int64 = 1, peek: Bool = false) -> HotQuery {
    Fixture.query(user, token: nil, charges: charges, hold: (id: id, amount: amount), peek: peek)
  }

  private func quota(_ frozen: Frozen, _ user: UserID) async throws -> String? {
    try await frozen.field(KeySpace.user(user), "q:" + Fixture.metric)
  }

  @Test("A hold names its metric, units, end and costs; the copy's held and earliest lease follow")
  func written() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      try await frozen.warm(Fixture.snapshot(user))
      #expect(try await frozen.decide(reserve(user.id)).allowance?.held == 1)
      let end = Frozen.start + 60_000
      let cells = (Frozen.start / 1_000 % (1 << 32), Frozen.start / 60_000)
      #expect(
        try await frozen.field(KeySpace.user(user.id), "h:h1")
          == "video_analysis|1|\(end)|api.60.60:\(cells.0):1,upload.3600.60:\(cells.1):2,")
      let period = "\(Frozen.start - Fixture.day / 2)|\(Frozen.start + Fixture.day / 2)"
      #expect(try await quota(frozen, user.id) == "\(period)|0|1|\(end)||0")
      #expect(try await frozen.timeToLive(KeySpace.user(user.id)) > 86_000_000)
    }
  }

  @Test("The same hold again is allowed, even with every window full, and spends nothing")
  func repeated() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      try await frozen.warm(Fixture.snapshot(user))
      #expect(try await frozen.decide(reserve(user.id)).decision == .allow)
      #expect(try await frozen.decide(Fixture.query(user.id, token: nil, charges: [(Fixture.api, 2)])).decision == .allow)
      let before = try await frozen.state(user.id)
      let again = try await frozen.decide(reserve(user.id), at: Frozen.start + 10)
      #expect(again.decision == .allow && again.retryAfterSeconds == nil && again.allowance?.held == 1)
      #expect(again.standings.map(\.exceeded) == [false, false])
      #expect(try await frozen.decide(reserve(user.id, "h2")).decision == .rateLimited)
      #expect(try await frozen.state(user.id) == before)
    }
  }

  @Test("Units that don't fit are refused and take no rate units; those that fit exactly are held")
  func bounds() async throws {
    try await Frozen.with { frozen in
      // used, held, override, bonus, amount, whether it fits the plan's 2
      let cases: [(Int64, Int64, Int64??, Int64, Int64, Bool)] = [
        (0, 0, nil, 0, 2, true), (0, 0, nil, 0, 3, false), (1, 1, nil, 0, 1, false), (1, 0, nil, 0, 1, true), (1, 1, nil, 1, 1, true),
        (1, 1, nil, 1, 2, false), (2, 0, .some(5), 0, 3, true), (2, 0, .some(5), 0, 4, false), (900, 90, .some(nil), 0, 1_000, true),
        (0, 0, .some(0), 0, 1, false), (0, 0, .some(0), 3, 3, true),
      ]
      for (used, held, own, bonus, amount, fits) in cases {
        let user = Fixture.user()
        let quota = Fixture.quota(used: used, held: held, lease: held > 0 ? Frozen.start + 1 : nil, override: own, bonus: bonus)
        try await frozen.warm(Fixture.snapshot(user, quotas: [quota]))
        let before = try await frozen.state(user.id)
        let decision = try await frozen.decide(reserve(user.id, "h1", amount))
        #expect(decision.decision == (fits ? .allow : .allowanceExhausted), "\((used, held, own, bonus, amount))")
        #expect(decision.allowance?.bonus == bonus && decision.allowance?.used == used)
        if !fits {
          #expect(decision.standings.map(\.exceeded) == [false, false])
          #expect(try await frozen.state(user.id) == before)
        }
      }
    }
  }

  @Test("An unlimited plan or override holds nothing in Redis and counts its calls")
  func unlimited() async throws {
    try await Frozen.with { frozen in
      for (plan, own) in [("pro", Int64??.none), ("free", .some(nil))] {
        let user = Fixture.user { $0.plan = plan }
        try await frozen.warm(Fixture.snapshot(user, quotas: [Fixture.quota(used: 50, override: own)]))
        let decision = try await frozen.decide(reserve(user.id, "h1", 40))
        #expect(decision.decision == .allow && decision.allowance?.limit == nil && decision.allowance?.held == 0)
        #expect(try await frozen.field(KeySpace.user(user.id), "h:h1") == nil)
        #expect(decision.standings.last?.remaining == 3)
      }
    }
  }

  @Test("From the earliest lease end on a reserve is cold, to the millisecond; a plain call and the same hold are not")
  func leaseEnd() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      let end = Frozen.start + 5_000
      let snapshot = Fixture.snapshot(user, quotas: [Fixture.quota(held: 1, lease: end)])
      try await frozen.warm(snapshot)
      #expect(try await frozen.decide(reserve(user.id), at: end - 1).decision == .allow)
      #expect(try await frozen.decide(Fixture.query(user.id, token: nil), at: end).decision == .allow)
      #expect(try await frozen.decide(reserve(user.id), at: end).decision == .allow)
      _ = try await frozen.ticket(reserve(user.id, "h2"), at: end)
      #expect(try await quota(frozen, user.id) == nil)
    }
  }

  @Test("A hold lasts a minute at most: then the next reserve asks the ledger")
  func minute() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      try await frozen.warm(Fixture.snapshot(user))
      _ = try await frozen.decide(reserve(user.id))
      #expect(try await frozen.decide(reserve(user.id, "h2", peek: true), at: Frozen.start + 59_999).decision == .allow)
      _ = try await frozen.ticket(reserve(user.id, "h2"), at: Frozen.start + 60_000)
    }
  }

  @Test("A hold whose lease is shorter than a minute ends with its lease, to the millisecond")
  func shortLease() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      try await frozen.warm(Fixture.snapshot(user))
      _ = try await frozen.decide(Fixture.query(user.id, token: nil, hold: (id: "h1", amount: 2), lease: 3_000))
      let next = Fixture.query(user.id, token: nil, hold: (id: "h2", amount: 1))
      #expect(try await frozen.decide(next, at: Frozen.start + 2_999).decision == .allowanceExhausted)
      _ = try await frozen.ticket(next, at: Frozen.start + 3_000)
    }
  }

  @Test("Settling gives back exactly what the hold took, once; what others took stays")
  func settled() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      let rates = KeySpace.windows(user.id)
      try await frozen.warm(Fixture.snapshot(user, quotas: [Fixture.quota(override: .some(10))]))
      _ = try await frozen.decide(reserve(user.id, "other", 3))
      let windows = try await frozen.connection.send(["HMGET", rates, "api.60.60", "upload.3600.60"])
      // In the same cells, and in later ones.
      for later in [Int64(0), 2_000, 3_500] {
        _ = try await frozen.decide(reserve(user.id, "mine", 2), at: Frozen.start + later)
        let held = try await quota(frozen, user.id)
        #expect(held?.contains("|0|5|") == true)
        let before = try await frozen.timeToLive(rates)
        #expect(try await frozen.giveBack(user.id, "mine") == 1)
        #expect(try await frozen.timeToLive(rates) <= before)
        #expect(try await quota(frozen, user.id)?.contains("|0|3|") == true)
        #expect(try await frozen.field(KeySpace.user(user.id), "h:mine") == nil)
        #expect(try await frozen.connection.send(["HMGET", rates, "api.60.60", "upload.3600.60"]) == windows)
        let state = try await frozen.state(user.id)
        #expect(try await frozen.giveBack(user.id, "mine") == 0)
        #expect(try await frozen.state(user.id) == state)
      }
      #expect(try await frozen.field(KeySpace.user(user.id), "h:other") != nil)
    }
  }

  @Test("Settling after a rebuild, on a cold or unknown user changes nothing: no credit comes from nowhere")
  func settledLate() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      try await frozen.warm(Fixture.snapshot(user))
      _ = try await frozen.decide(reserve(user.id))
      try await frozen.admin("DEL", KeySpace.user(user.id))
      #expect(try await frozen.giveBack(user.id, "h1") == 0)
      try await frozen.warm(Fixture.snapshot(user, quotas: [Fixture.quota(held: 1, lease: Frozen.start + 9_000)]))
      let before = try await frozen.state(user.id)
      #expect(try await frozen.giveBack(user.id, "h1") == 0)
      #expect(try await frozen.state(user.id) == before)

      let nobody = UserID.random()
      #expect(try await frozen.giveBack(nobody, "h1") == 0)
      #expect(try await frozen.connection.send(["HGET", KeySpace.windows(nobody), "api.60.60"]) == .null)
      _ = try await frozen.ticket(Fixture.query(nobody))
      #expect(try await frozen.giveBack(nobody, "h1") == 0)
    }
  }

  @Test("Settling when the windows are gone gives the hold back and mints no rate units")
  func settledWithoutWindows() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      try await frozen.warm(Fixture.snapshot(user))
      _ = try await frozen.decide(reserve(user.id))
      try await frozen.admin("DEL", KeySpace.windows(user.id))
      #expect(try await frozen.giveBack(user.id, "h1") == 1)
      #expect(try await quota(frozen, user.id)?.contains("|0|0|") == true)
      #expect(try await frozen.timeToLive(KeySpace.windows(user.id)) == -2)
    }
  }
}
