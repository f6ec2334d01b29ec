import GatehouseLedger
import GatehouseCore
import GatehouseRedis
import TestSupport
import Testing

/// Older data within one life of Redis: the timeline has the same name, the counter tells.
@Suite("Data that went back", .serialized)
struct OldImageTests {
  private func with(_ body: (World, RedisServer) async throws -> Void) async throws {
    try await RedisServer.with { server in
      try await World.with(server, polls: true, deadline: 2_000) { world in try await body(world, server) }
    }
  }

  private func warm(_ visitor: Visitor, _ world: World) async throws {
    for stack in world.stacks {
      try await eventually("warm in Redis", within: .seconds(20)) {
        let answer = try await stack.ask(visitor)
        #expect(answer.decision == .allow)
        return answer.source == .redis
      }
    }
  }

  /// A second after the data went back nobody lets the visitor in.
  private func expectOut(_ visitor: Visitor, _ world: World) async throws {
    try await Task.sleep(for: .seconds(1))
    for stack in world.stacks { #expect(try await stack.ask(visitor).decision == .unauthenticated) }
  }

  @Test("SWAPDB and back: a session that was ended in between stays ended, and the live ones are served by Redis again")
  func swapped() async throws {
    try await with { world, server in
      let (gone, stays) = (try await world.visitor(), try await world.visitor())
      for visitor in [gone, stays] { try await warm(visitor, world) }
      try await server.cli("SWAPDB", "0", "1")
      try await warm(stays, world)
      try await world.revoke(gone)
      try await server.cli("SWAPDB", "0", "1")
      try await expectOut(gone, world)
      try await warm(stays, world)
      try await server.cli("-n", "1", "FLUSHDB")
    }
  }

  @Test("A copy of all keys that is put in place within one interval of the poll is known by the processes' own drops")
  func copied() async throws {
    try await with { world, server in
      let gone = try await world.visitor()
      try await warm(gone, world)
      try await server.cli(
        "EVAL", "for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('COPY', key, key, 'DB', 1, 'REPLACE') end", "0")
      try await world.revoke(gone, at: 1)
      try await server.cli("SWAPDB", "0", "1")
      try await expectOut(gone, world)
      try await server.cli("-n", "1", "FLUSHDB")
    }
  }

  @Test("DEBUG RELOAD of an older snapshot: what was ended since stays ended")
  func reloaded() async throws {
    try await RedisServer.with(["--enable-debug-command", "local"]) { server in
      try await World.with(server, polls: true, deadline: 2_000) { world in
        let (gone, stays) = (try await world.visitor(), try await world.visitor())
        for visitor in [gone, stays] { try await warm(visitor, world) }
        try await server.cli("CONFIG", "SET", "appendonly", "no")
        try await server.cli("SAVE")
        try await world.revoke(gone)
        #expect(try await server.cli("DEBUG", "RELOAD", "NOSAVE") == "OK")
        #expect(try await server.cli("EXISTS", KeySpace.user(gone.user.id)) == "1", "the old data is in place")
        try await expectOut(gone, world)
        try await warm(stays, world)
      }
    }
  }

  @Test("FLUSHALL ends no session, and Redis serves again within a registration")
  func flushed() async throws {
    try await with { world, server in
      let visitor = try await world.visitor()
      try await warm(visitor, world)
      try await server.cli("FLUSHALL")
      let begun = ContinuousClock.now
      // Everyone sees a new counter before anything is awaited: what was registered before is not what serves.
      let before = try await world.stacks[0].ledger.leasePoll().topology
      try await eventually("a new term") { try await world.stacks[0].ledger.leasePoll().topology > before || before > 1 }
      try await warm(visitor, world)
      #expect(begun.duration(to: .now) < .seconds(10))
    }
  }

  @Test("A process that starts beside data older than the newest settled change does not believe it")
  func atStart() async throws {
    try await RedisServer.with { server in
      try await World.with(server, processes: 3, deadline: 2_000) { world in
        let (first, late) = (world.stacks[0], world.stacks[2])
        let visitor = try await world.visitor()
        try await first.keeper.poll()
        #expect(try await first.ask(visitor).source == .redis)
        try await server.cli(
          "EVAL", "for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('COPY', key, key, 'DB', 1, 'REPLACE') end", "0")
        try await world.revoke(visitor)
        try await eventually("the row is settled") { try await first.ledger.leasePoll().pending.isEmpty }
        try await server.cli("SWAPDB", "0", "1")
        // The processes that knew more are gone: only the ledger does.
        try await late.keeper.poll()
        #expect(try await late.ask(visitor).decision == .unauthenticated)
        try await eventually("Redis serves", within: .seconds(20)) {
          try await late.keeper.poll()
          return late.lease.isHeld
        }
        #expect(try await late.ask(visitor).decision == .unauthenticated)
        try await server.cli("-n", "1", "FLUSHDB")
      }
    }
  }
}
