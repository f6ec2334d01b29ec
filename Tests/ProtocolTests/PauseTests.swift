import Synchronization
import GatehouseCore
import RedisClient
import TestSupport
import Testing

@Suite("Redis stops answering and goes on")
struct PauseTests {
  @Test("After a pause nobody is cold, and the windows in Redis go on where they were: no unit above the limit on one timeline")
  func resumed() async throws {
    try await RedisServer.with { server in
      try await World.with(server, processes: 1, polls: true, deadline: 50, stallSeconds: 1) { world in
        let stack = world.stacks[0]
        let limit = 10
        let policy = Policy(name: "api", by: .user, windowSeconds: 3_600, cells: 60, limits: PlanLimits(Int64(limit)))
        let charges = [PolicyCharge(policy: policy, cost: 1)]
        var visitors: [Visitor] = []
        for _ in 0..<20 { visitors.append(try await world.visitor()) }
        for visitor in visitors {
          try await eventually("warm in Redis") { try await stack.ask(visitor).source == .redis }
        }
        let installs = stack.hot.installs.load(ordering: .relaxed)
        var granted: [GateAnswer.Source: Int] = [:]
        func spend(_ times: Int) async throws {
          for _ in 0..<times {
            let answer = try await stack.ask(visitors[0], charges: charges)
            if answer.decision == .allow { granted[answer.source, default: 0] += 1 }
          }
        }
        try await spend(4)
        try await server.pause()
        // Until the connection has been given up, which is later than any deadline: about a second.
        try await eventually("the connection is given up") {
          try await spend(1)
          return stack.redis.statistics.reconnects.load(ordering: .relaxed) > 0
        }
        #expect(granted[.ledger, default: 0] > 0)
        server.resume()
        try await eventually("Redis serves again") { try await stack.ask(visitors[1]).source == .redis }
        try await spend(3 * limit)
        for visitor in visitors { #expect(try await stack.ask(visitor).decision == .allow) }
        #expect(granted[.redis, default: 0] <= limit, "\(granted)")
        // A window of its own in the process, no larger than the limit.
        #expect(granted[.ledger, default: 0] <= limit, "\(granted)")
        #expect(stack.hot.installs.load(ordering: .relaxed) == installs, "users were read again though Redis had lost nothing")
      }
    }
  }
}
