import GatehouseLedger
import NIOPosix
import Foundation
import GatehouseRedis
import NIOCore
import RedisClient
import TestSupport
import Testing

@testable import GatehouseCore

/// Allowances under concurrency, on the real code: two processes, a real Redis, a real file with two writers.
///
/// `GATEHOUSE_SEED` repeats a run, `GATEHOUSE_ROUNDS` sets its length.
@Suite("Allowances of two processes", .redis, .serialized)
struct PropertyTests {
  private static let rounds = ProcessInfo.processInfo.environment["GATEHOUSE_ROUNDS"].flatMap(Int.init) ?? 1_000
  private static let lanes = 8

  @Test("A thousand rounds of reservations, commits, releases, lost hashes: never above the allowance, exactly it for unit amounts")
  func rounds() async throws {
    try await World.with(try RedisServer.required(), polls: true) { world in
      // Room for others between Redis's answer and the ledger's.
      for stack in world.stacks {
        stack.hot.set { $0.afterGate = { _ in for _ in 0..<Int.random(in: 0...50) { await Task.yield() } } }
      }
      try await withThrowingTaskGroup(of: Void.self) { lanes in
        for lane in 0..<Self.lanes {
          lanes.addTask {
            for number in stride(from: lane, to: Self.rounds, by: Self.lanes) {
              var round = Round(world: world, seed: Seed.current &+ UInt64(number))
              try await round.run()
            }
          }
        }
        try await lanes.waitForAll()
      }
    }
  }

  @Test("256 callers at once for one allowance of 5: exactly 5 get it, nobody sees an error")
  func manyCallers() async throws {
    try await World.with(try RedisServer.required(), polls: true) { world in
      let user = try await world.user(plan: "l5")
      let granted = try await withThrowingTaskGroup(of: Bool.self) { callers in
        for number in 0..<256 {
          callers.addTask { try await world.stacks[number % 2].reserve(user).decision == .allow }
        }
        return try await callers.reduce(0) { $0 + ($1 ? 1 : 0) }
      }
      #expect(granted == 5)
      #expect(try await world.ledgerUnits(user) == 5)
      try await world.expectHotShowsAll(user, "256 callers")
    }
  }
}

extension World {
  /// Once what was sent without waiting has arrived, a warm hash shows no fewer units than the ledger.
  func expectHotShowsAll(_ user: User, _ context: String) async throws {
    try await settle()
    let hot = try await hotUnits(user)
    let truth = try await ledgerUnits(user)
    if let hot { #expect(hot >= truth, "\(context)") }
  }

  /// Returns when pending rows have been read and everything that was sent before has been carried out.
  private func settle() async throws {
    for stack in stacks {
      try await stack.keeper.poll()
      for loop in group.makeIterator() {
        // Commands of a connection are carried out in order; the second PING stands behind what the answers before the first led to.
        for _ in 0..<2 { _ = try await stack.redis.connection(on: loop).send(["PING"]) }
      }
    }
  }
}

/// One round: one user with a small allowance, some callers at once, and what may go wrong beside them.
private struct Round {
  /// The work of one caller.
  enum Job: Sendable {
    case reserve(amount: Int64, lease: Int64, finish: Finish)
    case flush, drop, peek
  }
  enum Finish: Sendable, CaseIterable { case keep, commit, partly, release }

  let world: World
  let seed: UInt64
  var random: SeededRandom

  init(world: World, seed: UInt64) {
    self.world = world
    self.seed = seed
    random = SeededRandom(seed: seed)
  }

  mutating func run() async throws {
    let limit = Int64.random(in: 1...5, using: &random)
    let user = try await world.user(plan: "l\(limit)")
    // Every other round takes single units and gives none back: then demand above the limit must be met to the last unit.
    let isExact = Bool.random(using: &random)
    let jobs = (0..<Int.random(in: 2...16, using: &random)).map { _ in job(isExact: isExact) }
    let world = world
    let kept = try await withThrowingTaskGroup(of: Int64.self) { callers in
      for (number, job) in jobs.enumerated() {
        let stack = world.stacks[number % world.stacks.count]
        callers.addTask { try await Self.perform(job, user, stack, world) }
      }
      return try await callers.reduce(0, +)
    }
    let demand = jobs.reduce(Int64(0)) { if case .reserve(let amount, _, _) = $1 { $0 + amount } else { $0 } }
    let truth = try await world.ledgerUnits(user)
    #expect(kept <= limit && truth <= limit, "seed \(seed): \(kept) kept and \(truth) counted of \(limit)")
    if isExact { #expect(kept == min(limit, demand), "seed \(seed): \(jobs)") }
    try await world.expectHotShowsAll(user, "seed \(seed): \(jobs)")
    // The same once it is warm again.
    _ = try await world.stacks[0].gate.decide(GateRequest(subject: .user(user.id), peek: true))
    try await world.expectHotShowsAll(user, "seed \(seed), warm: \(jobs)")
  }

  private mutating func job(isExact: Bool) -> Job {
    // FLUSHALL is rare: it takes the hashes of the other lanes' users too, and what is gone can't be short.
    switch Int.random(in: 0..<160, using: &random) {
    case 0: return .flush
    case 1..<25: return .drop
    case 25..<60: return .peek
    default:
      if isExact { return .reserve(amount: 1, lease: 600_000, finish: .keep) }
      // A lease of a millisecond has run out by the time that somebody else asks.
      let lease: Int64 = Bool.random(using: &random) ? 600_000 : 1
      return .reserve(
        amount: .random(in: 1...3, using: &random), lease: lease, finish: Finish.allCases.randomElement(using: &random) ?? .keep)
    }
  }

  /// Does a job; the units that it has taken for good.
  private static func perform(_ job: Job, _ user: User, _ stack: Stack, _ world: World) async throws -> Int64 {
    switch job {
    case .flush: try await world.redis("FLUSHALL")
    case .drop: try await world.redis("DEL", KeySpace.user(user.id))
    case .peek: _ = try await stack.gate.decide(GateRequest(subject: .user(user.id), peek: true))
    case .reserve(let amount, let lease, let finish):
      let answer = try await stack.reserve(user, amount: amount, leaseMilliseconds: lease)
      guard answer.decision == .allow else {
        #expect(answer.decision == .allowanceExhausted)
        return 0
      }
      guard case .first(let reserved) = answer.reserved else { return 0 }
      return try await finished(reserved.reservation, finish, lease: lease, stack)
    }
    return 0
  }

  private static func finished(_ reservation: Reservation, _ finish: Finish, lease: Int64, _ stack: Stack) async throws -> Int64 {
    let now = stack.clock.now()
    do {
      switch finish {
      case .keep: return lease > 1 ? reservation.amount : 0
      case .commit, .partly:
        let units = finish == .commit ? reservation.amount : 1
        let change = try await stack.ledger.commit(reservation.id, amount: units, now: now)
        _ = await stack.changes.acknowledge(change, takesRightsAway: false)
        return units
      case .release:
        let change = try await stack.ledger.release(reservation.id, now: now)
        _ = await stack.changes.acknowledge(change, takesRightsAway: false)
        return 0
      }
    } catch let error as ServiceError where error.code == .reservationExpired && lease == 1 {
      // Somebody else's call has returned the units already.
      return 0
    }
  }
}
