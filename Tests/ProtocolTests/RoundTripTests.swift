import RedisClient
import Synchronization
import GatehouseCore
import GatehouseCrypto
import GatehouseLedger
import Logging
import TestSupport
import Testing

/// The cost of a call in Redis: flushes as the client counts them, scripts as Redis counts them. Nothing polls here.
@Suite("Round trips", .redis, .serialized)
struct RoundTripTests {
  private static let policy = Policy(name: "api", by: .user, windowSeconds: 60, cells: 6, limits: PlanLimits(1_000))

  /// Flushes and commands of the client and script calls of the server that `body` makes.
  private func cost(of stack: Stack, _ body: () async throws -> Void) async throws -> (flushes: Int, commands: Int, scripts: Int) {
    let server = try RedisServer.required()
    func counts() async throws -> (Int, Int, Int) {
      let stats = try await server.cli("INFO", "commandstats").split(whereSeparator: \.isNewline)
      let line = stats.first { $0.hasPrefix("cmdstat_evalsha:calls=") }
      let calls = line?.split(separator: ",").first?.split(separator: "=").last.flatMap { Int($0) } ?? 0
      let statistics = stack.redis.statistics
      return (statistics.flushes.load(ordering: .relaxed), statistics.commands.load(ordering: .relaxed), calls)
    }
    let before = try await counts()
    try await body()
    let after = try await counts()
    return (after.0 - before.0, after.1 - before.1, after.2 - before.2)
  }

  @Test("A warm gate is one flush with one command")
  func warmGate() async throws {
    try await World.with(try RedisServer.required(), timelineMilliseconds: nil) { world in
      let stack = world.stacks[0]
      try await stack.holdLease()
      let visitor = try await world.visitor()
      let charges = [PolicyCharge(policy: Self.policy, cost: 1)]
      #expect(try await stack.ask(visitor, charges: charges).decision == .allow)
      let cost = try await cost(of: stack) {
        for _ in 0..<10 {
          let answer = try await stack.ask(visitor, charges: charges)
          #expect(answer.decision == .allow && answer.source == .redis && answer.standings.count == 1)
        }
      }
      #expect(cost == (10, 10, 10))
    }
  }

  @Test("The policies of one address are one flush beside a warm gate's, and each further subject is one more")
  func subjects() async throws {
    try await World.with(try RedisServer.required(), timelineMilliseconds: nil) { world in
      let stack = world.stacks[0]
      try await stack.holdLease()
      let visitor = try await world.visitor()
      let address = Policy(name: "address", by: .ip, windowSeconds: 60, cells: 6, limits: PlanLimits(1_000))
      let subjects = [
        SubjectCharge(subject: .network("192.0.2.1"), policy: address, cost: 1),
        SubjectCharge(subject: .network("192.0.2.1"), policy: Self.policy, cost: 1),
        SubjectCharge(subject: .keyed("0123456789abcdef"), policy: address, cost: 1),
      ]
      #expect(try await stack.ask(visitor, subjects: subjects).decision == .allow)
      let cost = try await cost(of: stack) {
        let answer = try await stack.ask(visitor, subjects: subjects)
        #expect(answer.source == .redis && answer.standings.count == 3)
      }
      #expect(cost == (3, 3, 3))
    }
  }

  /// The world's rules with logins that nearly nothing limits.
  private func rules(loginsOfAccount: Int64 = 1_000, _ change: (inout Settings) -> Void = { _ in }) -> LiveSettings {
    var settings = World.settings
    settings.policies = Policy.Internal.allCases.map { name in
      let limit = name == .loginAccount ? loginsOfAccount : 1_000
      return Policy(name: name.rawValue, by: .subject, windowSeconds: 60, cells: 6, limits: PlanLimits(limit))
    }
    change(&settings)
    return LiveSettings(settings)
  }

  @Test("A login is five flushes at most: one for each of its three limits, the drop of the user's hash and the mark of its home")
  func login() async throws {
    try await World.with(try RedisServer.required(), timelineMilliseconds: nil) { world in
      let stack = world.stacks[0]
      try await stack.holdLease()
      let pool = HashPool(threads: 1)
      let rules = rules { settings in
        (settings.argonMemoryKiB, settings.argonPasses) = (64, 1)
      }
      let limits = LoginLimits(
        limits: stack.limits, hot: stack.hot, lease: stack.lease, subjects: stack.ledger.subjects, rules: rules)
      let passwords = Passwords(pool: pool, floor: LoginFloor(pool: pool, log: Logger(label: "test")), rules: rules)
      let accounts = Accounts(
        ledger: stack.ledger, changes: stack.changes, clock: stack.clock, passwords: passwords, limits: limits, rules: rules)
      let sessions = Sessions(
        ledger: stack.ledger, changes: stack.changes, clock: stack.clock, secret: LiveSecret(world.secret), passwords: passwords,
        limits: limits, rules: rules)
      let password = "correct horse battery staple"
      let user = try await accounts.signUp(
        email: "mia@example.com", password: password, name: nil, timeZone: "UTC", externalID: nil, network: nil)
      let cost = try await cost(of: stack) {
        let login = Login(
          email: user.email, password: password, sessionClass: .web, transport: .bearer, device: nil, userAgent: nil, ip: nil,
          network: "192.0.2.1")
        let opened = try await sessions.logIn(login)
        #expect(opened.user.id == user.id)
      }
      #expect((4...5).contains(cost.flushes) && cost.commands == 5 && cost.scripts == 5, "\(cost)")
      await pool.close()
    }
  }

  @Test("An attempt on an account that was refused a moment ago asks Redis only whether it comes from a home of it")
  func knownRefusal() async throws {
    try await World.with(try RedisServer.required(), timelineMilliseconds: nil) { world in
      let stack = world.stacks[0]
      try await stack.holdLease()
      let limits = LoginLimits(
        limits: stack.limits, hot: stack.hot, lease: stack.lease, subjects: stack.ledger.subjects, rules: rules(loginsOfAccount: 1))
      try await limits.attempt(account: "mia@example.com", network: "192.0.2.1")
      func refused(_ network: String) async -> Bool {
        do throws(ServiceError) {
          try await limits.attempt(account: "mia@example.com", network: network)
          return false
        } catch { return error.code == .rateLimited && error.violated == ["login_account"] && error.retryAfterSeconds != nil }
      }
      #expect(await refused("192.0.2.2"))
      let cost = try await cost(of: stack) {
        for number in 3..<10 { #expect(await refused("192.0.2.\(number)")) }
        try await limits.attempt(account: "leo@example.com", network: "192.0.2.2")
      }
      #expect(cost == (7 + 3, 7 + 3, 7 + 3))
    }
  }

  @Test("A reservation waits for one flush; a second one tells Redis that the ledger has it")
  func reservation() async throws {
    try await World.with(try RedisServer.required(), timelineMilliseconds: nil) { world in
      let stack = world.stacks[0]
      try await stack.holdLease()
      let user = try await world.user(plan: "l5")
      #expect(try await stack.reserve(user).source == .redis)
      try await eventually("the mark of the hold is gone") {
        try await world.redis("HKEYS", "gh:{\(user.id.routingID)}").elements?.contains { $0.text?.hasPrefix("h:") == true } == false
      }
      let cost = try await cost(of: stack) {
        let answer = try await stack.reserve(user)
        #expect(answer.decision == .allow)
        try await eventually("the mark of the hold is gone") {
          try await world.redis("HKEYS", "gh:{\(user.id.routingID)}").elements?.contains { $0.text?.hasPrefix("h:") == true } == false
        }
      }
      #expect(cost == (2, 2, 1))
      #expect(try await world.hotUnits(user) == 2)
    }
  }
}
