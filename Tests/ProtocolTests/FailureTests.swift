import GatehouseLedger
import GatehouseCrypto
import GatehouseRedis
import RedisClient
import TestSupport
import Testing

@testable import GatehouseCore

/// Errors that Redis may give instead of an answer, and what a process does whose poll fails.
@Suite("Failures", .redis, .serialized)
struct FailureTests {
  private static let reasons = [
    "not_connected", "overdue", "queue_full", "timeout", "connection_lost", "protocol_violation", "unreadable_reply", "loading", "oom",
    "readonly", "misconf", "noscript", "noperm", "noauth", "wrongtype", "busy", "maxclients", "masterdown", "script", "err",
  ]

  @Test(
    "No failure of Redis at any step answers a live token with 401 or an ended one with yes", .asvs("16.5.3"),
    arguments: HookedHot.Call.allCases)
  func everyStep(_ call: HookedHot.Call) async throws {
    try await World.with(try RedisServer.required(), processes: 1) { world in
      let stack = world.stacks[0]
      try await stack.holdLease()
      for reason in Self.reasons {
        let live = try await world.visitor()
        let ended = try await world.visitor()
        try await world.revoke(ended)
        // Cold, then warm, then warm without the session.
        for prepare in [[], ["HDEL", KeySpace.user(live.user.id), "s:" + live.token.hash.hex]] {
          if !prepare.isEmpty { _ = try await world.admin.any().send(prepare) }
          stack.hot.set { $0.failure = { $0 == call ? HotFailure(reason: reason) : nil } }
          #expect(try await stack.ask(live).decision == .allow, "\(reason)")
          #expect(try await stack.ask(ended).decision == .unauthenticated, "\(reason)")
          stack.hot.set { $0.failure = nil }
          #expect(try await stack.ask(live).decision == .allow, "after \(reason)")
        }
      }
    }
  }

  @Test("A key of another type and a full Redis answer no live token with 401")
  func realErrors() async throws {
    try await World.with(try RedisServer.required(), processes: 1) { world in
      let stack = world.stacks[0]
      try await stack.holdLease()
      let visitor = try await world.visitor()
      try await world.redis("SET", KeySpace.user(visitor.user.id), "text", "PX", "60000")
      #expect(try await stack.ask(visitor).source == .redis)
      // A full Redis refuses the first write of a script, here that of the rate window.
      let policy = Policy(name: "api", by: .user, windowSeconds: 60, cells: 6, limits: PlanLimits(1_000))
      try await world.redis("CONFIG", "SET", "maxmemory", "1")
      let answer = try await stack.ask(visitor, charges: [PolicyCharge(policy: policy, cost: 1)])
      try await world.redis("CONFIG", "SET", "maxmemory", "0")
      #expect(answer.decision == .allow && answer.source == .ledger)
      #expect(try await stack.ask(visitor).source == .redis)
    }
  }

  @Test("A process that no poll confirms accepts no service key for longer than a second, and does again after a poll")
  func keyRing() async throws {
    try await World.with(try RedisServer.required()) { world in
      let (writer, reader) = (world.stacks[0], world.stacks[1])
      let (id, token) = try await Self.newKey(of: writer)
      func check() throws -> ServiceKey { try reader.keys.check(token, ledger: reader.ledger, now: reader.clock.now()) }
      try await eventually("the key opens") {
        try await reader.keeper.poll()
        return (try? check())?.id == id
      }
      let lastPoll = ContinuousClock.now
      #expect(try await writer.ledger.revokeServiceKey(id, by: .system, now: writer.clock.now()).value)
      try await eventually("nothing opens any more without a poll", within: .seconds(30)) {
        let begun = ContinuousClock.now
        do {
          _ = try check()
          try #require(lastPoll.duration(to: begun) < KeyRing.trustedFor, "accepted without a poll for a second")
          return false
        } catch let error as ServiceError { return error.code == .unavailable }
      }
      try await eventually("after a poll the key is known to be revoked", within: .seconds(30)) {
        try await reader.keeper.poll()
        do {
          _ = try check()
          return false
        } catch let error as ServiceError { return error.code == .invalidKey }
      }
    }
  }

  private static func newKey(of stack: Stack) async throws -> (id: ServiceKeyID, token: ServiceKeyToken) {
    let id = ServiceKeyID.random()
    let token = ServiceKeyToken.mint(keyID: id.body)
    let key = ServiceKey(
      id: id, name: "test", hash: token.hash, scopes: [.gate], createdAtMilliseconds: stack.clock.now(), expiresAtMilliseconds: nil)
    _ = try await stack.ledger.createServiceKey(key, by: .system)
    return (id, token)
  }

  @Test("A key whose token is remembered opens what it may, until a poll has read that it is revoked")
  func rememberedKey() async throws {
    try await World.with(try RedisServer.required()) { world in
      let (writer, reader) = (world.stacks[0], world.stacks[1])
      let (id, token) = try await Self.newKey(of: writer)
      func known(_ text: String, _ scope: ServiceKey.Scope = .gate, after milliseconds: Int64 = 0) -> ServiceKeyID? {
        Array(text.utf8).withUnsafeBytes { reader.keys.known($0, scope: scope, now: reader.clock.now() + milliseconds) }
      }
      // Right after a poll, which is believed for a second.
      func polled(_ what: String, _ holds: () throws -> Bool) async throws {
        try await eventually("\(what)") {
          try await reader.keeper.poll()
          return try holds()
        }
      }
      try await polled("the key opens, and its token is not known before it was remembered") {
        guard known(token.text) == nil, (try? reader.keys.check(token, ledger: reader.ledger, now: reader.clock.now())) != nil else {
          return false
        }
        reader.keys.remember(token)
        return true
      }
      // A token of another making is not remembered in its place.
      reader.keys.remember(ServiceKeyToken.mint(keyID: id.body))
      try await polled("the token is known") { known(token.text) == id }
      #expect(known(token.text, .work) == nil)
      #expect(known(String(token.text.dropLast()) + "_") == nil)
      #expect(known(token.text, after: KeyRing.touchIntervalMilliseconds) == nil, "a use that has to be noted is left to `check`")
      #expect(try await writer.ledger.revokeServiceKey(id, by: .system, now: writer.clock.now()).value)
      try await polled("after a poll it is known no more") { known(token.text) == nil }
      reader.keys.remember(token)
      try await polled("a revoked key opens nothing, remembered or not") { known(token.text) == nil }
    }
  }

  @Test("A process that nobody calls has Redis's time after one poll, and never a time before the ledger's newest stamp")
  func clock() async throws {
    try await World.with(try RedisServer.required(), wallMilliseconds: 1_000) { world in
      let (stack, deaf) = (world.stacks[0], world.stacks[1])
      #expect(stack.clock.now() < 1_000_000)
      try await stack.keeper.poll()
      let parts = try #require(try await world.redis("TIME").elements)
      let redis = try #require(parts[0].integerValue) * 1000
      #expect(abs(stack.clock.now() - redis) < 60_000)
      // One that can't hear Redis takes the stamp of the last change.
      _ = try await world.visitor()
      deaf.hot.set { $0.failure = { $0 == .time ? HotFailure(reason: "timeout") : nil } }
      try await deaf.keeper.poll()
      #expect(deaf.clock.now() >= redis - 60_000)
    }
  }

  @Test("Units that Redis held for a call whose ledger could not write go back")
  func ledgerFails() async throws {
    try await World.with(try RedisServer.required()) { world in
      let failing = world.stacks[1]
      for stack in world.stacks { try await stack.holdLease() }
      let user = try await world.user(plan: "l5")
      _ = try await world.stacks[0].reserve(user)
      await failing.ledger.close()
      let error = await #expect(throws: ServiceError.self) { try await failing.reserve(user, amount: 2) }
      #expect(error?.code == .unavailable)
      try await eventually("only the ledger's unit is left") { try await world.hotUnits(user) == 1 }
    }
  }

  @Test("A poll whose DELs have no answer renews no lease")
  func unansweredPoll() async throws {
    try await World.with(try RedisServer.required(), processes: 1) { world in
      let stack = world.stacks[0]
      stack.hot.set { $0.failure = { $0 == .drop ? HotFailure(reason: "timeout") : nil } }
      let visitor = try await world.visitor()
      #expect(try await stack.keeper.poll() == false)
      let answer = try await stack.ask(visitor)
      #expect(answer.decision == .allow && answer.source == .ledger)
      stack.hot.set { $0.failure = nil }
      #expect(try await stack.keeper.poll())
    }
  }
}
