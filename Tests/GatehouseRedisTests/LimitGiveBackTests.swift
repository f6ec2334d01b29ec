import GatehouseCore
import RedisClient
import TestSupport
import Testing

@testable import GatehouseRedis

@Suite("Units of addresses and subjects that go back in Redis", .redis)
struct LimitGiveBackTests {
  private static func policy(_ name: String, _ seconds: Int64) -> Policy {
    Policy(name: name, by: .subject, windowSeconds: seconds, cells: 60, limits: PlanLimits(10))
  }

  private let charges = [PolicyCharge(policy: policy("short", 60), cost: 2), PolicyCharge(policy: policy("long", 3_600), cost: 1)]

  private func take(_ frozen: Frozen, _ subject: Subject, at now: Int64) async throws -> [TakenCell] {
    let words = SubjectCheck.arguments(charges, peek: false, at: frozen.span)
    let reply = try await frozen.run(Scripts.limitCheck, [KeySpace.windows(subject)], words, at: now)
    let check = try SubjectCheck.check(.success(reply), charges, peek: false).get()
    #expect(check.verdicts.allSatisfy { $0.allowed })
    return try zip(charges, check.windows).map { charge, window in
      let bytes = window.bytes.suffix(8)
      let cell = bytes.prefix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      try #require(bytes.count == 8)
      return TakenCell(policy: charge.policy, cell: cell, units: charge.cost)
    }
  }

  private func giveBack(_ frozen: Frozen, _ subject: Subject, _ taken: [TakenCell], at now: Int64) async throws -> [PackedWindow] {
    let words = SubjectCheck.giveBackArguments(taken, at: frozen.span)
    let reply = try await frozen.run(Scripts.limitGiveBack, [KeySpace.windows(subject)], words, at: now)
    let windows = try SubjectCheck.windows(.success(reply), count: taken.count).get()
    #expect(windows.nowMilliseconds == now)
    return windows.windows
  }

  /// The windows as Redis holds them, and how long it does.
  private func stored(_ frozen: Frozen, _ subject: Subject) async throws -> String {
    let dump = "return redis.sha1hex(redis.call('DUMP', KEYS[1]) or '') .. redis.call('PEXPIRETIME', KEYS[1])"
    return try await frozen.admin("EVAL", dump, "1", KeySpace.windows(subject))
  }

  private func units(_ frozen: Frozen, _ subject: Subject, at now: Int64) async throws -> [Int64] {
    try await frozen.check(subject, charges, peek: true, at: now).map { $0.standing.limit - $0.standing.remaining }
  }

  @Test("The units of one call go back from their cells, however much later, and those of other calls stay")
  func others() async throws {
    try await Frozen.with { frozen in
      let subject = Subject.keyed("give-back-\(UInt64.random(in: 0...UInt64.max))")
      let first = try await take(frozen, subject, at: Frozen.start)
      let second = try await take(frozen, subject, at: Frozen.start + 10)
      let third = try await take(frozen, subject, at: Frozen.start + 5_000)
      #expect(try await units(frozen, subject, at: Frozen.start + 5_000) == [6, 3])
      let left = try await giveBack(frozen, subject, first, at: Frozen.start + 6_000)
      let told = zip(charges, left).map {
        $1.standing(nowMilliseconds: Frozen.start + 6_000, policy: $0.policy, limit: 10, exceeded: false).remaining
      }
      #expect(told == [6, 8])
      #expect(try await units(frozen, subject, at: Frozen.start + 6_000) == [4, 2])
      _ = try await giveBack(frozen, subject, third, at: Frozen.start + 6_000)
      #expect(try await units(frozen, subject, at: Frozen.start + 6_000) == [2, 1])
      _ = try await giveBack(frozen, subject, second, at: Frozen.start + 6_000)
      #expect(try await units(frozen, subject, at: Frozen.start + 6_000) == [0, 0])
      #expect(try await frozen.timeToLive(KeySpace.windows(subject)) > 0)
    }
  }

  @Test("A cell that does not hold the units stays as it is: they returned, were given back, or Redis has lost them")
  func gone() async throws {
    try await Frozen.with { frozen in
      let subject = Subject.keyed("give-back-\(UInt64.random(in: 0...UInt64.max))")
      let taken = try await take(frozen, subject, at: Frozen.start)
      _ = try await giveBack(frozen, subject, taken, at: Frozen.start + 1)
      let other = try await take(frozen, subject, at: Frozen.start + 90_000)
      let before = try await stored(frozen, subject)
      _ = try await giveBack(frozen, subject, taken, at: Frozen.start + 90_000)
      #expect(try await stored(frozen, subject) == before)
      try await frozen.admin("DEL", KeySpace.windows(subject))
      #expect(try await giveBack(frozen, subject, other, at: Frozen.start + 90_000) == [PackedWindow(), PackedWindow()])
      #expect(try await frozen.timeToLive(KeySpace.windows(subject)) == -2)
      try await frozen.admin("SET", KeySpace.windows(subject), "text")
      #expect(try await giveBack(frozen, subject, other, at: Frozen.start + 90_000) == [PackedWindow(), PackedWindow()])
    }
  }

  @Test("A clock that is not believed gives nothing back")
  func clock() async throws {
    try await Frozen.with { frozen in
      let subject = Subject.keyed("give-back-\(UInt64.random(in: 0...UInt64.max))")
      let taken = try await take(frozen, subject, at: Frozen.start)
      let before = try await stored(frozen, subject)
      var later = frozen
      later.span = Frozen.start + 1...Frozen.start + 2
      let strict = later
      await #expect(throws: HotFailure.self) { try await giveBack(strict, subject, taken, at: Frozen.start) }
      #expect(try await stored(frozen, subject) == before)
    }
  }
}
