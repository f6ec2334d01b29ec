import GatehouseCrypto
import GatehouseLedger
import Synchronization
import TestSupport
import Testing

@testable import GatehouseCore

@Suite("Batches, and limits where Redis comes and goes", .redis)
struct BatchTests {
  private static let policy = Policy(name: "api", by: .user, windowSeconds: 2, cells: 10, limits: PlanLimits(20))

  private final class Count: Sendable {
    let now = Atomic<Int>(0)
    let most = Atomic<Int>(0)
    let isOpen = Atomic<Bool>(false)
  }

  /// Redis answers, loses answers, or is away.
  private final class Mood: Sendable {
    let now = Atomic<Int>(0)
  }

  @Test("Three batches of 1,000 at once have a bounded number of questions on their way, and hold up nobody else's")
  func bystanders() async throws {
    try await World.with(try RedisServer.required(), processes: 1) { world in
      let stack = world.stacks[0]
      try await stack.holdLease()
      let (crowd, bystander) = (try await world.visitor(), try await world.visitor())
      for visitor in [crowd, bystander] { #expect(try await stack.ask(visitor).decision == .allow) }
      let count = Count()
      stack.hot.set { hooks in
        // Answers to the batches are held back: what is on its way stays on its way.
        hooks.afterGate = { result in
          guard case .success(.decided(let decision)) = result, decision.caller.id == crowd.user.id else { return }
          count.most.max(count.now.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
          try? await eventually("the batches may go on", within: .seconds(120)) { count.isOpen.load(ordering: .relaxed) }
          count.now.subtract(1, ordering: .relaxed)
        }
      }
      let question = GateRequest(subject: .token(routingID: crowd.user.id.routingID, hash: crowd.token.hash))
      let bound = Gatekeeper.batchQuestionsMax
      try await withThrowingTaskGroup(of: Int.self) { batches in
        for _ in 0..<3 {
          batches.addTask {
            await stack.gate.decideAll(Array(repeating: question, count: 1_000)).filter { (try? $0.get().decision) == .allow }.count
          }
        }
        try await eventually("the first pieces are on their way", within: .seconds(60)) { count.now.load(ordering: .relaxed) == bound }
        for _ in 0..<20 {
          let answer = try await stack.ask(bystander)
          #expect(answer.decision == .allow && answer.source == .redis)
        }
        #expect(count.now.load(ordering: .relaxed) == bound)
        count.isOpen.store(true, ordering: .relaxed)
        for try await allowed in batches { #expect(allowed == 1_000) }
      }
      #expect(count.most.load(ordering: .relaxed) == bound)
    }
  }

  @Test("The ledger is read for a bounded number of three batches' cold users at once, and holds up nobody who is warm")
  func cold() async throws {
    try await World.with(try RedisServer.required(), processes: 1) { world in
      let stack = world.stacks[0]
      try await stack.holdLease()
      let bystander = try await world.visitor()
      #expect(try await stack.ask(bystander).decision == .allow)
      func question(_ visitor: Visitor) -> GateRequest {
        GateRequest(subject: .token(routingID: visitor.user.id.routingID, hash: visitor.token.hash))
      }
      var crowd: [GateRequest] = []
      // More than all rebuilds of the process, whoever asks.
      for _ in 0..<150 { crowd.append(question(try await world.visitor())) }
      let count = Count()
      stack.hot.set { hooks in
        hooks.beforeInstall = {
          count.most.max(count.now.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
          try? await eventually("the rebuilds may go on", within: .seconds(120)) { count.isOpen.load(ordering: .relaxed) }
          count.now.subtract(1, ordering: .relaxed)
        }
      }
      let bound = Gatekeeper.batchQuestionsMax
      let batches = (0..<3).map { batch in Array(crowd[(50 * batch)..<(50 * batch + 50)]) }
      try await withThrowingTaskGroup(of: Int.self) { asked in
        for batch in batches {
          asked.addTask { await stack.gate.decideAll(batch).filter { (try? $0.get().decision) == .allow }.count }
        }
        try await eventually("the first rebuilds are under way", within: .seconds(60)) { count.now.load(ordering: .relaxed) == bound }
        for _ in 0..<20 { #expect(try await stack.ask(bystander).source == .redis) }
        let warm = await stack.gate.decideAll(Array(repeating: question(bystander), count: 100))
        #expect(warm.allSatisfy { (try? $0.get().source) == .redis }, "pieces go on though every rebuild of a batch stands still")
        #expect(count.now.load(ordering: .relaxed) == bound)
        count.isOpen.store(true, ordering: .relaxed)
        for try await allowed in asked { #expect(allowed == 50) }
      }
      #expect(count.most.load(ordering: .relaxed) == bound)
    }
  }

  @Test("No interval of a window holds more than its limit, whatever answers are lost and whenever Redis is asked")
  func mix() async throws {
    try await World.with(try RedisServer.required(), processes: 1) { world in
      let stack = world.stacks[0]
      try await stack.holdLease()
      let visitor = try await world.visitor()
      let mood = Mood()
      stack.hot.set { hooks in
        hooks.losesAnswer = { mood.now.load(ordering: .relaxed) == 1 && Bool.random() }
        hooks.failure = { call in
          call == .gate && mood.now.load(ordering: .relaxed) == 2 && Bool.random() ? HotFailure(reason: "not_connected") : nil
        }
      }
      let limit = Self.policy.limits.limit(plan: nil)
      let start = ContinuousClock.now
      let end = start + .seconds(12)
      let grants = try await withThrowingTaskGroup(of: [(asked: Duration, answered: Duration, source: GateAnswer.Source)].self) { callers in
        callers.addTask {
          while ContinuousClock.now < end {
            mood.now.store(Int.random(in: 0..<3), ordering: .relaxed)
            try await Task.sleep(for: .milliseconds(300))
          }
          return []
        }
        for _ in 0..<4 {
          callers.addTask {
            var granted: [(asked: Duration, answered: Duration, source: GateAnswer.Source)] = []
            while ContinuousClock.now < end {
              let asked = start.duration(to: .now)
              let answer = try await stack.ask(visitor, charges: [PolicyCharge(policy: Self.policy, cost: 1)])
              if answer.decision == .allow { granted.append((asked, start.duration(to: .now), answer.source)) }
              try await Task.sleep(for: .milliseconds(Int.random(in: 0...20)))
            }
            return granted
          }
        }
        return try await callers.reduce(into: []) { $0 += $1 }
      }
      #expect(Set(grants.map(\.source)) == [.redis, .ledger], "both decided")
      // A grant was made at some time between its question and its answer: those that lie whole in an interval are certainly in it.
      let window = Duration.seconds(Self.policy.windowSeconds)
      for first in grants {
        let within = grants.count { $0.asked >= first.asked && $0.answered < first.asked + window }
        #expect(within <= limit, "\(within) within \(window) from \(first.asked)")
      }
      #expect(grants.count > Int(limit), "something passed: \(grants.count)")
    }
  }
}
