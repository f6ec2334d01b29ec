import GatehouseCore
import GatehouseLedger
import TestSupport
import Testing

/// Redis refuses the service a command. That is no news of its timeline: the term stays, and is served again once it is given back.
@Suite("Redis refuses a command", .serialized)
struct RefusalTests {
  private static let commands = ["evalsha", "hset", "hmget", "pexpire", "pttl", "time", "del", "hget", "hdel", "eval", "info"]

  private func term(_ world: World) async throws -> HotTerm? { try await world.stacks[0].ledger.leasePoll().node?.term }

  private func serves(_ visitor: Visitor, _ world: World) async throws {
    for stack in world.stacks {
      try await eventually("Redis serves", within: .seconds(20)) {
        let answer = try await stack.ask(visitor)
        #expect(answer.decision == .allow)
        return answer.source == .redis
      }
    }
  }

  @Test("A term outlives every error of Redis, which lets nobody in, and serves again once the error is over", arguments: commands)
  func sameTerm(_ command: String) async throws {
    try await RedisServer.with { server in
      try await World.with(server, polls: true, deadline: 2_000) { world in
        let (gone, stays) = (try await world.visitor(), try await world.visitor())
        for visitor in [gone, stays] { try await serves(visitor, world) }
        let before = try await term(world)
        try await world.redis("ACL", "SETUSER", "gatehouse", "-" + command)
        try await world.revoke(gone)
        // Longer than a lease, and than the patience with another timeline.
        let end = ContinuousClock.now + .milliseconds(1_500)
        while ContinuousClock.now < end {
          for stack in world.stacks {
            #expect(try await stack.ask(gone).decision == .unauthenticated)
            #expect(try await stack.ask(stays).decision == .allow)
          }
        }
        #expect(try await term(world) == before)
        try await world.redis("ACL", "SETUSER", "gatehouse", "+" + command)
        try await serves(stays, world)
        for stack in world.stacks { #expect(try await stack.ask(gone).decision == .unauthenticated) }
        #expect(try await term(world) == before)
      }
    }
  }
}
