import GatehouseLedger
import GatehouseCrypto
import GatehouseRedis
import RedisClient
import Synchronization
import TestSupport
import Testing

@testable import GatehouseCore

/// Moments between two steps of the protocol, on the real code.
@Suite("Races", .redis, .serialized)
struct RaceTests {
  @Test("A revocation races 100 gates on two processes: none that begins after its acknowledgement is let in", .asvs("7.4.1", "8.3.2"))
  func revoke() async throws {
    try await World.with(try RedisServer.required(), polls: true) { world in
      for _ in 0..<5 {
        let visitor = try await world.visitor()
        let acknowledged = Flag()
        try await withThrowingTaskGroup(of: Void.self) { callers in
          for number in 0..<100 {
            callers.addTask {
              let stack = world.stacks[number % 2]
              var refused = false
              while !refused {
                let isAfter = acknowledged.isSet
                let decision = try await stack.ask(visitor).decision
                #expect(decision == .allow || decision == .unauthenticated)
                refused = decision == .unauthenticated
                #expect(!(isAfter && decision == .allow), "let in after the acknowledgement")
                if isAfter { return }
              }
            }
          }
          try await world.revoke(visitor)
          acknowledged.set()
          try await callers.waitForAll()
        }
      }
    }
  }

  @Test("A successor's first use on two processes at once: both let it in, its grace begins once, the old token ends after it")
  func adopt() async throws {
    try await World.with(try RedisServer.required()) { world in
      for stack in world.stacks { try await stack.holdLease() }
      let visitor = try await world.visitor()
      let nonce = SecureRandom.bytes(16)
      let successor = try #require(visitor.token.successor(nonce: nonce, secret: world.secret, keyID: world.secret.currentKeyID))
      let prepared = try await world.stacks[0].ledger.prepareSuccessor(
        visitor.session.id, presented: visitor.token.hash, hash: successor.hash, nonce: nonce, keyID: world.secret.currentKeyID,
        now: world.stacks[0].clock.now())
      _ = await world.stacks[0].changes.acknowledge(try #require(prepared), takesRightsAway: false)
      let next = Visitor(user: visitor.user, session: visitor.session, token: successor)
      try await withThrowingTaskGroup(of: GateAnswer.self) { callers in
        for number in 0..<40 { callers.addTask { try await world.stacks[number % 2].ask(next) } }
        for try await answer in callers { #expect(answer.decision == .allow) }
      }
      let now = world.stacks[0].clock.now()
      let session = try #require(try await world.stacks[0].ledger.session(visitor.session.id, of: visitor.user.id, now: now))
      #expect(session.tokenHash == successor.hash && !session.isSuccessor)
      func oldEnd() async throws -> Int64? {
        guard case .live(let old, _, _) = try await world.stacks[0].ledger.session(tokenHash: visitor.token.hash, now: now) else {
          return nil
        }
        return old.tokenEndsAtMilliseconds
      }
      let end = try #require(try await oldEnd())
      #expect(try await world.stacks[1].ask(visitor).decision == .allow, "the old token, within its grace")
      #expect(try await world.stacks[0].ledger.session(tokenHash: visitor.token.hash, now: end) == .dead)
      #expect(try await oldEnd() == end)
    }
  }

  @Test("100 callers of a cold user on each process: one snapshot a process")
  func singleFlight() async throws {
    try await World.with(try RedisServer.required()) { world in
      let visitor = try await world.visitor()
      for stack in world.stacks { try await stack.holdLease() }
      let cold = Atomic<Int>(0)
      for stack in world.stacks {
        stack.hot.set { hooks in
          hooks.afterGate = { if case .success(.cold) = $0 { cold.add(1, ordering: .relaxed) } }
          // The first of each process writes nothing before all have heard that the user is cold.
          hooks.beforeInstall = {
            try? await eventually("all are cold", within: .seconds(60)) { cold.load(ordering: .relaxed) >= 200 }
          }
        }
      }
      try await withThrowingTaskGroup(of: GateAnswer.self) { callers in
        for number in 0..<200 { callers.addTask { try await world.stacks[number % 2].ask(visitor) } }
        for try await answer in callers { #expect(answer.decision == .allow) }
      }
      for stack in world.stacks { #expect(stack.hot.installs.load(ordering: .relaxed) == 1) }
    }
  }

  @Test("At most 128 users are read again at once; the others wait for a place, and all are let in")
  func boundedRebuilds() async throws {
    try await World.with(try RedisServer.required(), processes: 1) { world in
      let stack = world.stacks[0]
      let visitors = try await withThrowingTaskGroup(of: Visitor.self) { made in
        for _ in 0..<160 { made.addTask { try await world.visitor() } }
        return try await made.reduce(into: []) { $0.append($1) }
      }
      try await stack.holdLease()
      let inFlight = Atomic<Int>(0)
      let most = Atomic<Int>(0)
      let cold = Atomic<Int>(0)
      stack.hot.set { hooks in
        hooks.afterGate = { if case .success(.cold) = $0 { cold.add(1, ordering: .relaxed) } }
        hooks.beforeInstall = {
          let now = inFlight.add(1, ordering: .sequentiallyConsistent).newValue
          _ = most.max(now, ordering: .sequentiallyConsistent)
          // Nobody goes on before all want a place and 128 have one; then whoever is let in beside them has time to show up.
          try? await eventually("128 are in flight") {
            cold.load(ordering: .relaxed) >= 160 && most.load(ordering: .sequentiallyConsistent) >= 128
          }
          for _ in 0..<1_000 { await Task.yield() }
          inFlight.subtract(1, ordering: .sequentiallyConsistent)
        }
      }
      try await withThrowingTaskGroup(of: GateAnswer.self) { callers in
        for visitor in visitors { callers.addTask { try await stack.ask(visitor) } }
        for try await answer in callers { #expect(answer.decision == .allow) }
      }
      #expect(most.load(ordering: .sequentiallyConsistent) == 128)
      #expect(stack.hot.installs.load(ordering: .relaxed) == 160)
    }
  }

  @Test("A FLUSHALL between ticket and install has the install refused, and the next one serves")
  func flushBeforeInstall() async throws {
    try await World.with(try RedisServer.required()) { world in
      let stack = world.stacks[0]
      try await stack.holdLease()
      let visitor = try await world.visitor()
      let once = Flag()
      stack.hot.set { $0.beforeInstall = { if once.set() { _ = try? await world.redis("FLUSHALL") } } }
      let answer = try await stack.ask(visitor)
      #expect(answer.decision == .allow && answer.source == .redis)
      #expect(stack.hot.installs.load(ordering: .relaxed) == 2)
    }
  }

  @Test("An install that a revocation has overtaken writes nothing: the session does not come back to life")
  func installAfterDel() async throws {
    try await World.with(try RedisServer.required()) { world in
      for stack in world.stacks { try await stack.holdLease() }
      let visitor = try await world.visitor()
      let once = Flag()
      // The snapshot has the session, the ticket is set: now the other process ends it.
      world.stacks[0].hot.set { $0.beforeInstall = { if once.set() { try? await world.revoke(visitor, at: 1) } } }
      #expect(try await world.stacks[0].ask(visitor).decision == .unauthenticated)
      for stack in world.stacks { #expect(try await stack.ask(visitor).decision == .unauthenticated) }
      #expect(try await world.redis("HEXISTS", KeySpace.user(visitor.user.id), "s:" + visitor.token.hash.hex) == .integer(0))
    }
  }

  @Test("A DEL that comes late, at any moment, harms nobody")
  func lateDel() async throws {
    try await World.with(try RedisServer.required()) { world in
      for stack in world.stacks { try await stack.holdLease() }
      let visitor = try await world.visitor()
      let other = try await world.visitor()
      try await world.revoke(other)
      try await withThrowingTaskGroup(of: Void.self) { tasks in
        for number in 0..<20 {
          tasks.addTask {
            for _ in 0..<10 {
              let live = try await world.stacks[number % 2].ask(visitor)
              let ended = try await world.stacks[number % 2].ask(other)
              #expect(live.decision == .allow && ended.decision == .unauthenticated)
            }
          }
        }
        tasks.addTask {
          for _ in 0..<200 {
            for user in [visitor.user, other.user] { try await world.redis("DEL", KeySpace.user(user.id)) }
          }
        }
        try await tasks.waitForAll()
      }
    }
  }

  @Test("A revocation whose DEL has no answer is acknowledged when another process has done it, and nobody is let in")
  func revokeWithoutRedis() async throws {
    try await World.with(try RedisServer.required()) { world in
      let (cut, other) = (world.stacks[0], world.stacks[1])
      try await other.keeper.poll()
      let visitor = try await world.visitor()
      #expect(try await other.ask(visitor).decision == .allow)
      cut.hot.set { $0.failure = { _ in HotFailure(reason: "not_connected") } }
      async let revoked: Void = world.revoke(visitor, at: 0)
      try await other.keeper.poll()
      try await revoked
      for stack in world.stacks { #expect(try await stack.ask(visitor).decision == .unauthenticated) }
    }
  }

  @Test("Units that a process took without Redis are not missing from the others' copy")
  func reserveWithoutRedis() async throws {
    try await World.with(try RedisServer.required()) { world in
      let (cut, other) = (world.stacks[0], world.stacks[1])
      try await other.holdLease()
      let user = try await world.user(plan: "l3")
      #expect(try await other.reserve(user).source == .redis)
      let answer = try await cut.reserve(user)
      #expect(answer.decision == .allow && answer.source == .ledger)
      try await other.keeper.poll()
      try await world.expectHotShowsAll(user, "after a poll")
      #expect(try await other.reserve(user).allowance?.held == 3)
      #expect(try await other.reserve(user).decision == .allowanceExhausted)
    }
  }

  @Test("A hold that is lost between Redis's yes and the ledger's leaves no warm hash that is short of its units")
  func lostHold() async throws {
    try await World.with(try RedisServer.required()) { world in
      let (first, second) = (world.stacks[0], world.stacks[1])
      for stack in world.stacks { try await stack.holdLease() }
      let user = try await world.user(plan: "l3")
      _ = try await first.reserve(user)
      let peek = GateRequest(subject: .user(user.id), peek: true)
      first.hot.set { hooks in
        hooks.afterGate = { reply in
          guard case .success(.decided) = reply else { return }
          _ = try? await world.redis("DEL", KeySpace.user(user.id))
          // The other process reads the ledger before the reservation is in it, and warms the hash.
          _ = try? await second.gate.decide(peek)
        }
      }
      #expect(try await first.reserve(user).decision == .allow)
      first.hot.set { $0.afterGate = nil }
      try await world.expectHotShowsAll(user, "after the lost hold")
      #expect(try await world.ledgerUnits(user) == 2)
    }
  }

  @Test("A reservation counts in the period that Redis named, though the ledger is asked in the next one")
  func period() async throws {
    try await World.with(try RedisServer.required()) { world in
      let stack = world.stacks[0]
      try await stack.holdLease()
      let user = try await world.user(plan: "l3")
      _ = try await stack.reserve(user)
      let open = try #require(try await stack.ledger.allowances(of: user.id, now: stack.clock.now())?.first)
      // A copy whose period starts an hour earlier, as after a change of zone that this call has overtaken.
      let start = open.periodStartsAtMilliseconds - 3_600_000
      try await world.redis(
        "HSET", KeySpace.user(user.id), "q:" + World.metric, "\(start)|\(open.resetsAtMilliseconds)|0|0|||0")
      let answer = try await stack.reserve(user)
      guard case .first(let reserved) = answer.reserved else {
        Issue.record("no reservation: \(answer)")
        return
      }
      #expect(reserved.reservation.periodStartsAtMilliseconds == start)
    }
  }
}

/// Something that happens once.
final class Flag: Sendable {
  private let value = Atomic<Bool>(false)
  var isSet: Bool { value.load(ordering: .acquiring) }
  /// True for the first who sets it.
  @discardableResult func set() -> Bool { !value.exchange(true, ordering: .acquiringAndReleasing) }
}
