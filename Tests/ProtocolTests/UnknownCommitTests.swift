import Foundation
import GatehouseCore
import GatehouseCrypto
import RedisClient
import TestSupport
import Testing

@Suite("A commit of unknown outcome", .redis, .serialized)
struct UnknownCommitTests {
  @Test("Units whose commit may have happened stay held in Redis, the caller hears that it is unknown, and nothing more is acknowledged")
  func keepsHold() async throws {
    try await World.with(try RedisServer.required(), processes: 1) { world in
      let stack = world.stacks[0]
      try await stack.holdLease()
      let user = try await world.user(plan: "l5")
      _ = try await stack.reserve(user)
      #expect(try await world.hotUnits(user) == 1)
      // The log can be read and not written: EBADF is an I/O error to SQLite.
      let log = try DescriptorSwap(of: world.file + "-wal")
      try log.replace(by: world.file + "-wal", O_RDONLY)
      let error = await #expect(throws: ServiceError.self) { try await stack.reserve(user, amount: 2) }
      #expect(error?.code == .outcomeUnknown)
      let next = await #expect(throws: ServiceError.self) { try await world.user() }
      #expect(next?.code == .unavailable)
      try log.restore()
      // A `giveBack` would have been sent before this command, on a connection of its own perhaps: TIME on each comes after it.
      for _ in 0..<4 { _ = await stack.hot.time() }
      #expect(try await world.hotUnits(user) == 3)
    }
  }
}
