import GatehouseLedger
import NIOCore
import NIOPosix
import GatehouseRedis
import TestSupport
import Testing

@testable import GatehouseCore
@testable import RedisClient

/// A second redis-server on the path: some connections speak to the one, some to the other, and both answer.
@Suite("Two timelines of Redis", .serialized)
struct TwoMastersTests {
  /// A change that takes rights away, by its name in the contract.
  enum Change: String, CaseIterable, Sendable { case logout, suspension, password }

  private func with(_ body: (World, OnePath, RedisServer, RedisServer) async throws -> Void) async throws {
    try await RedisServer.with { first in
      try await RedisServer.with { second in
        let path = try OnePath(to: first)
        try await World.with(first, path: path.path, polls: true, deadline: 50, stallSeconds: 1) { world in
          try await body(world, path, first, second)
        }
      }
    }
  }

  private func make(_ change: Change, _ visitor: Visitor, at stack: Stack) async throws {
    let now = stack.clock.now()
    switch change {
    case .logout:
      let ended = try await stack.ledger.endSession(visitor.session.id, of: visitor.user.id, by: .system, now: now)
      _ = await stack.changes.acknowledge(ended, takesRightsAway: true)
    case .suspension:
      var changes = UserChanges()
      changes.status = .suspended
      let changed = try await stack.ledger.changeUser(visitor.user.id, changes, by: .operations, now: now)
      _ = await stack.changes.acknowledge(changed, takesRightsAway: true)
    case .password:
      let ended = try await stack.ledger.endSessions(of: visitor.user.id, except: nil, by: .system, reason: nil, now: now)
      _ = await stack.changes.acknowledge(ended, takesRightsAway: true)
    }
  }

  /// Whether nobody lets the visitor in, asked of both processes for a second.
  private func expectOut(_ visitor: Visitor, _ world: World, _ claim: String) async throws {
    let end = ContinuousClock.now + .seconds(1)
    while ContinuousClock.now < end {
      for (number, stack) in world.stacks.enumerated() {
        let answer = try await stack.ask(visitor)
        guard answer.decision == .allow else { continue }
        Issue.record("process \(number) lets in after the acknowledgement, by \(answer.source): \(claim)")
        return
      }
    }
  }

  @Test(
    "A right that one process takes away no process grants, though the other still speaks to the old server", arguments: Change.allCases)
  func twoProcesses(_ change: Change) async throws {
    try await with { world, path, _, second in
      let (moved, stayed) = (world.stacks[1], world.stacks[0])
      let visitors = [try await world.visitor(), try await world.visitor()]
      for visitor in visitors {
        for stack in world.stacks {
          try await eventually("warm in Redis") { try await stack.ask(visitor).source == .redis }
        }
      }
      try path.lead(to: second)
      try await moved.reconnect(world)
      // At once, before anything could be registered; and after a while, when the processes may disagree.
      try await make(change, visitors[0], at: moved)
      try await expectOut(visitors[0], world, "\(change), at once")
      try await make(change, visitors[1], at: stayed)
      try await expectOut(visitors[1], world, "\(change), from the other side")
    }
  }

  @Test("A right that one connection takes away no other of the same process grants")
  func oneProcess() async throws {
    try await with { world, path, first, second in
      let stack = world.stacks[0]
      let visitors = [try await world.visitor(), try await world.visitor(), try await world.visitor()]
      for visitor in visitors { try await eventually("warm in Redis") { try await stack.ask(visitor).source == .redis } }
      try path.lead(to: second)
      let connections = stack.redis.all(first: world.group.next())
      let moved = connections[0]
      moved.eventLoop.execute { moved.reconnect(unlessOn: "") }
      for visitor in visitors {
        try await world.revoke(visitor)
        try await expectOut(visitor, world, "by one connection")
      }
      #expect(try await first.cli("PING") == "PONG")
    }
  }

  @Test("The second server is used once the first has not been found for a second, and every session is there")
  func succession() async throws {
    try await with { world, path, _, second in
      let visitor = try await world.visitor()
      for stack in world.stacks { try await eventually("warm in Redis") { try await stack.ask(visitor).source == .redis } }
      try path.lead(to: second)
      for stack in world.stacks { try await stack.reconnect(world) }
      for stack in world.stacks {
        try await eventually("the second serves", within: .seconds(20)) {
          let answer = try await stack.ask(visitor)
          #expect(answer.decision == .allow)
          return answer.source == .redis
        }
      }
      #expect(try await second.cli("EXISTS", KeySpace.user(visitor.user.id)) == "1")
    }
  }

  @Test("A server that was left and is used again, as it was, revives nobody")
  func failback() async throws {
    try await with { world, path, first, second in
      let visitor = try await world.visitor()
      for stack in world.stacks { try await eventually("warm in Redis") { try await stack.ask(visitor).source == .redis } }
      for server in [second, first] {
        try path.lead(to: server)
        for stack in world.stacks { try await stack.reconnect(world) }
        if server === second {
          let other = try await world.visitor()
          for stack in world.stacks {
            try await eventually("the second serves", within: .seconds(20)) { try await stack.ask(other).source == .redis }
          }
          try await world.revoke(visitor)
        }
      }
      let other = try await world.visitor()
      for stack in world.stacks {
        try await eventually("the first serves again", within: .seconds(20)) { try await stack.ask(other).source == .redis }
      }
      #expect(try await first.cli("EXISTS", KeySpace.user(visitor.user.id)) == "1", "the old hash is still there")
      try await expectOut(visitor, world, "after the failback")
    }
  }
}
