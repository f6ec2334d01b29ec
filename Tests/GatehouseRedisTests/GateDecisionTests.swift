import GatehouseCore
import TestSupport
import Testing

@testable import GatehouseRedis

@Suite("The gate script decides", .redis)
struct GateDecisionTests {
  /// Everything that can refuse a call, in the order in which it must be told.
  enum Obstacle: Int, CaseIterable {
    case cold, absent, rotated, suspended, authentication, email, plan, cost, rate, allowance

    var answer: String {
      switch self {
      case .cold: "cold"
      case .absent: "absent"
      case .rotated: "rotated"
      case .suspended: Decision.suspended.rawValue
      case .authentication: Decision.reauthenticationRequired.rawValue
      case .email: Decision.emailUnverified.rawValue
      case .plan: Decision.planRequired.rawValue
      case .cost: Decision.costExceedsLimit.rawValue
      case .rate: Decision.rateLimited.rawValue
      case .allowance: Decision.allowanceExhausted.rawValue
      }
    }
  }

  private func word(_ reply: HotReply) -> String {
    switch reply {
    case .cold: "cold"
    case .absent: "absent"
    case .rotated: "rotated"
    case .decided(let decision): decision.decision.rawValue
    }
  }

  /// A warm user, unless cold is among the obstacles, and the call that meets them.
  private func meet(_ obstacles: Set<Obstacle>, _ frozen: Frozen) async throws -> HotQuery {
    let user = Fixture.user {
      $0.emailVerified = !obstacles.contains(.email)
      $0.status = obstacles.contains(.suspended) ? .suspended : .active
    }
    var session = Fixture.session(user.id, "t", authenticated: Frozen.start - 1_000)
    session.isSuccessor = obstacles.contains(.rotated)
    if obstacles.contains(.rate) {
      try await frozen.warm(Fixture.snapshot(Fixture.user().renamed(user.id)))
      _ = try await frozen.decide(Fixture.query(user.id, token: nil, charges: [(Fixture.api, 3)]))
      try await frozen.admin("DEL", KeySpace.user(user.id))
    }
    if !obstacles.contains(.cold) {
      let used: Int64 = obstacles.contains(.allowance) ? 2 : 0
      try await frozen.warm(Fixture.snapshot(user, [session], quotas: [Fixture.quota(used: used)]))
    }
    return Fixture.query(
      user.id, token: obstacles.contains(.absent) ? "unknown" : "t",
      charges: [(Fixture.api, 1), (Fixture.upload, obstacles.contains(.cost) ? 6 : 1)],
      Requirements(
        authenticatedWithinMilliseconds: obstacles.contains(.authentication) ? 999 : 1_000,
        plans: obstacles.contains(.plan) ? ["pro"] : ["free", "pro"], emailVerified: true),
      hold: (id: "h1", amount: 1))
  }

  @Test("A metric that is counted by another kind of period is read anew, and so is its old kind when it is back")
  func otherKind() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      try await frozen.warm(Fixture.snapshot(user))
      var monthly = frozen
      monthly.table = AllowanceTable(
        defaultPlan: "free", plans: ["free", "pro"], metrics: [.init(name: Fixture.metric, kind: .month)],
        rules: ["free": [Fixture.metric: .init(limit: 2)], "pro": [Fixture.metric: .init(limit: nil)]])
      let query = Fixture.query(user.id, token: nil, hold: ("h", 1), peek: true)
      #expect(try await frozen.decide(query).decision == .allow)
      _ = try await monthly.ticket(query)
    }
  }

  @Test("The first obstacle is told, whatever comes after it, and a refusal writes nothing", arguments: Obstacle.allCases)
  func order(_ first: Obstacle) async throws {
    try await Frozen.with { frozen in
      let rest = Obstacle.allCases.filter { $0.rawValue > first.rawValue }
      // Alone, with all that come after it, and with each of them.
      for obstacles in [[first], [first] + rest] + rest.map({ [first, $0] }) {
        let query = try await meet(Set(obstacles), frozen)
        let before = try await frozen.state(query.userID)
        #expect(word(try await frozen.gate(query)) == first.answer, "\(obstacles)")
        if first != .cold { #expect(try await frozen.state(query.userID) == before, "\(obstacles)") }
      }
    }
  }

  @Test("Without an obstacle the call is allowed, tells who calls, and takes its costs and its units")
  func allowed() async throws {
    try await Frozen.with { frozen in
      let query = try await meet([], frozen)
      let decision = try await frozen.decide(query)
      #expect(decision.decision == .allow)
      #expect(decision.nowMilliseconds == Frozen.start)
      #expect(decision.caller == .init(id: query.userID, externalID: nil, plan: "free", status: .active, emailVerified: true))
      #expect(decision.sessionFacts?.sessionClass == .web && decision.sessionFacts?.seenAtMilliseconds == Frozen.start && !decision.touched)
      #expect(decision.standings.map(\.remaining) == [2, 4])
      #expect(decision.standings.map(\.resetSeconds) == [61, 3_660])
      #expect(decision.allowance?.held == 1 && decision.allowance?.remaining == 1)
    }
  }

  @Test("A peek says what a call would hear and writes nothing", arguments: [[], [.cost], [.rate], [.allowance]] as [[Obstacle]])
  func peek(_ obstacles: [Obstacle]) async throws {
    try await Frozen.with { frozen in
      let query = try await meet(Set(obstacles), frozen)
      let before = try await frozen.state(query.userID)
      let peek = HotQuery(
        userID: query.userID, tokenHash: query.tokenHash, charges: query.charges, requirements: Requirements(), hold: query.hold,
        peek: true)
      // Late enough for a touch, which a peek leaves out too.
      let later = Frozen.start + 400_000
      let seen = try await frozen.gate(peek, at: obstacles == [.rate] ? Frozen.start : later)
      #expect(try await frozen.state(query.userID) == before)
      #expect(word(seen) == (obstacles.first?.answer ?? "allow"))
    }
  }

  @Test("Several policies are all or nothing: one that is full leaves the others as they were")
  func allOrNothing() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      try await frozen.warm(Fixture.snapshot(user))
      let both = Fixture.query(user.id, token: nil, charges: [(Fixture.upload, 1), (Fixture.api, 2)])
      #expect(try await frozen.decide(both).decision == .allow)
      let before = try await frozen.state(user.id)
      let refused = try await frozen.decide(both)
      #expect(refused.decision == .rateLimited && refused.retryAfterSeconds == 61)
      #expect(refused.standings.map(\.exceeded) == [false, true])
      #expect(refused.standings.map(\.remaining) == [4, 1])
      #expect(try await frozen.state(user.id) == before)
    }
  }

  @Test("A shadow policy never denies, is counted, and tells when it would have denied")
  func shadow() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      try await frozen.warm(Fixture.snapshot(user))
      let shadow = Policy(name: "new", by: .user, windowSeconds: 60, cells: 60, limits: PlanLimits(2), shadow: true)
      func call(_ cost: Int64, peek: Bool = false) async throws -> PolicyStanding? {
        let decision = try await frozen.decide(Fixture.query(user.id, token: nil, charges: [(shadow, cost)], peek: peek))
        #expect(decision.decision == .allow && decision.retryAfterSeconds == nil)
        return decision.standings.first
      }
      var seen: [String] = []
      for (cost, peek) in [(1, false), (1, true), (2, true), (1, false), (1, false), (5, false)] as [(Int64, Bool)] {
        let standing = try await call(cost, peek: peek)
        seen.append("\(standing?.remaining ?? -1) \(standing?.exceeded ?? false)")
      }
      #expect(seen == ["1 false", "1 false", "1 true", "0 false", "0 true", "0 true"])
    }
  }

  @Test("Limits follow the plan; a plan that is no longer configured counts as the default one")
  func plans() async throws {
    try await Frozen.with { frozen in
      for (plan, limit) in [("free", 3), ("pro", 30), ("gone", 3)] as [(String, Int64)] {
        let user = Fixture.user { $0.plan = plan }
        try await frozen.warm(Fixture.snapshot(user))
        let decision = try await frozen.decide(Fixture.query(user.id, token: nil, charges: [(Fixture.api, limit)]))
        #expect(decision.decision == .allow && decision.standings.first?.limit == limit && decision.standings.first?.remaining == 0)
        #expect(decision.caller.plan == (plan == "gone" ? "free" : plan))
        let over = try await frozen.decide(Fixture.query(user.id, token: nil, charges: [(Fixture.api, limit + 1)]))
        #expect(over.decision == .costExceedsLimit && over.retryAfterSeconds == nil)
      }
    }
  }
}

extension User {
  /// The same account under another id.
  func renamed(_ id: UserID) -> User {
    User(
      id: id, externalID: externalID, email: email, emailVerified: emailVerified, timeZone: timeZone, plan: plan, status: status,
      createdAtMilliseconds: createdAtMilliseconds)
  }
}
