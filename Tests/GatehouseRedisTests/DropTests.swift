import GatehouseCore
import RedisClient
import TestSupport
import Testing

@testable import GatehouseRedis

@Suite("The counter of drops", .redis, .serialized)
struct DropTests {
  private func mark(
    _ number: Int64, by process: String = "p1", own: Int64 = 0, settled: (by: String, number: Int64) = ("", 0), sequence: Int64 = 0,
    term: Int64 = 1, lineage: String = "a"
  ) -> HotMark {
    HotMark(
      term: HotTerm(replicationID: "r", number: term, lineage: lineage), process: process, number: number, own: own,
      settled: settled.number, settledBy: settled.by, sequence: sequence)
  }

  private func drop(_ redis: Frozen, _ mark: HotMark, _ users: [String] = []) async throws -> HotDrop {
    let reply = try await redis.run(Scripts.drop, DropCommand.keys(users), DropCommand.arguments(mark))
    return DropCommand.reply(.success(reply), mark)
  }

  private func counted(_ mark: HotMark, _ count: Int64, sequence: Int64 = 0) -> HotDrop {
    .counted(HotCount(term: mark.term.number, process: mark.process, number: mark.number, count: count, sequence: sequence))
  }

  /// Sends a drop that Redis must count.
  private func expectCounted(
    _ redis: Frozen, _ mark: HotMark, _ count: Int64, sequence: Int64 = 0, _ users: [String] = [],
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let answer = try await drop(redis, mark, users)
    #expect(answer == counted(mark, count, sequence: sequence), sourceLocation: sourceLocation)
  }

  private func withEmpty(_ body: (Frozen) async throws -> Void) async throws {
    try await Frozen.with { redis in
      try await redis.admin("DEL", KeySpace.counter)
      try await body(redis)
    }
  }

  @Test("The counter grows by one with every drop of any process, remembers the ledger's greatest sequence, and lives a day")
  func grows() async throws {
    try await withEmpty { redis in
      try await redis.admin("SET", KeySpace.user(routingID: "u"), "x", "PX", "60000")
      try await expectCounted(redis, mark(7, sequence: 7), 1, ["u", "v"])
      let gone = try await redis.admin("EXISTS", KeySpace.user(routingID: "u"))
      #expect(gone == "0")
      try await expectCounted(redis, mark(1, by: "p2", sequence: 5), 2, sequence: 7)
      try await expectCounted(redis, mark(8, own: 7, settled: ("p2", 1), sequence: 9), 3, sequence: 7)
      try await expectCounted(redis, mark(2, by: "p2", own: 1, settled: ("p1", 8)), 4, sequence: 9)
      let left = try await redis.timeToLive(KeySpace.counter)
      #expect((86_000_000...86_400_000).contains(left))
    }
  }

  @Test("A counter that is gone, or lacks the newest drop of this process or of the one that the ledger names, is broken and stays so")
  func broken() async throws {
    try await withEmpty { redis in
      let first = try await drop(redis, mark(2, settled: ("p9", 1)))
      let second = try await drop(redis, mark(2, own: 1))
      #expect(first == .broken && second == .broken)
      for number in Int64(1)...3 { try await expectCounted(redis, mark(number, by: "p2"), number) }
      // Another process has gone on in older data: the number of all drops would not tell.
      let other = try await drop(redis, mark(2, by: "p1", own: 1))
      #expect(other == .broken)
      try await redis.admin("SET", KeySpace.user(routingID: "u"), "x", "PX", "60000")
      for _ in 0..<2 {
        let again = try await drop(redis, mark(5, by: "p2", own: 3, settled: ("p9", 2)), ["u"])
        #expect(again == .broken)
      }
      let (user, count) = (try await redis.admin("EXISTS", KeySpace.user(routingID: "u")), try await redis.field(KeySpace.counter, "n"))
      #expect(user == "0" && count == "3", "the users are dropped all the same, and nothing is counted")
      // A drop that comes late, of a lower number than one before it.
      try await expectCounted(redis, mark(9, by: "p2", own: 3), 4)
      try await expectCounted(redis, mark(8, by: "p2", own: 3), 5)
      try await expectCounted(redis, mark(10, by: "p2", own: 9), 6)
    }
  }

  @Test("The counter begins anew with a new term or lineage, and a process of an older term hears of the greater one")
  func terms() async throws {
    try await withEmpty { redis in
      try await expectCounted(redis, mark(1, sequence: 9), 1)
      try await expectCounted(redis, mark(2, term: 2), 1)
      let behind = try await drop(redis, mark(3, own: 1))
      #expect(behind == .behind(term: 2))
      try await expectCounted(redis, mark(4, term: 2, lineage: "b"), 1)
      let broken = try await drop(redis, mark(5, own: 2, settled: ("p1", 2), term: 2))
      #expect(broken == .broken)
    }
  }

  @Test("A full Redis counts as well, and a key of another type is a counter that is gone")
  func full() async throws {
    try await withEmpty { redis in
      try await expectCounted(redis, mark(1), 1)
      try await redis.admin("CONFIG", "SET", "maxmemory", "1")
      let full = try await drop(redis, mark(2, own: 1), ["u"])
      try await redis.admin("CONFIG", "SET", "maxmemory", "0")
      #expect(full == counted(mark(2), 2))
      try await redis.admin("SET", KeySpace.counter, "x", "PX", "60000")
      let foreign = try await drop(redis, mark(3, own: 2))
      #expect(foreign == .broken)
      try await redis.admin("SET", KeySpace.counter, "x", "PX", "60000")
      try await expectCounted(redis, mark(4), 1)
    }
  }

  @Test("The counter remembers the 64 processes that dropped last, and a thousand users go in one step")
  func bounds() async throws {
    try await withEmpty { redis in
      for number in 0..<70 { _ = try await drop(redis, mark(5, by: "p\(number)")) }
      let own = try await redis.field(KeySpace.counter, "own") ?? ""
      #expect(own.split(separator: ",").count == 64 && own.hasPrefix("p69:5,"))
      try await expectCounted(redis, mark(6, by: "p6", own: 5), 71)
      let forgotten = try await drop(redis, mark(6, by: "p5", own: 5))
      #expect(forgotten == .broken)
      try await expectCounted(redis, mark(6, by: "p69", own: 5), 72, (0..<1_000).map { "u\($0)" })
    }
  }
}
