import Foundation
import GatehouseCore
import RedisClient
import TestSupport
import Testing

@testable import GatehouseRedis

@Suite("The scripts as texts", .redis)
struct ScriptFormTests {
  private static let folder = URL(filePath: #filePath).appending(path: "../../../Sources/GatehouseRedis/Scripts").standardized
  private static let bytesMax = 4_096

  @Test("Every file is under 4 KB, begins with what it is, and the six scripts name their keys, arguments and replies")
  func form() throws {
    let files = try FileManager.default.contentsOfDirectory(at: Self.folder, includingPropertiesForKeys: nil)
    #expect(
      Set(files.map(\.lastPathComponent)) == [
        "drop.lua", "gate.lua", "install.lua", "limit_check.lua", "give_back.lua", "closer_look.lua", "window.lua", "expire.lua",
        "quota.lua", "hold.lua", "refund.lua", "limit_give_back.lua", "errors.lua", "trial.lua",
      ])
    for file in files {
      let text = try String(contentsOf: file, encoding: .utf8)
      #expect(text.utf8.count < Self.bytesMax, "\(file.lastPathComponent): \(text.utf8.count) bytes")
      #expect(text.hasPrefix("-- "))
      let name = file.deletingPathExtension().lastPathComponent
      guard Scripts.all.contains(where: { $0.name == name }) else { continue }
      #expect(text.hasPrefix("-- \(name): "))
      for word in ["\n-- KEYS  1 ", "\n-- ARGV  1 ", "\n-- Gives "] { #expect(text.contains(word), "\(name) lacks \(word)") }
    }
    #expect(Scripts.all.map(\.name) == ["gate", "install", "give_back", "limit_check", "limit_give_back", "drop", "trial"])
  }

  @Test("No script calls a command that the service's account lacks, or one that walks the keys")
  func commands() throws {
    let allowed: Set = ["TIME", "HMGET", "HGET", "HSET", "HDEL", "DEL", "PEXPIRE", "PTTL"]
    for script in Scripts.all {
      let called = script.source.matches(of: /redis\.p?call\('([A-Z]+)'/).map { String($0.1) }
      #expect(!called.isEmpty && Set(called).isSubset(of: allowed), "\(script.name): \(called)")
      #expect(script.source.ranges(of: "call(").count >= called.count)
      #expect(!script.source.contains("-- include"), "\(script.name)")
    }
  }

  @Test("The service's account may not list, flush, configure or read what is not its own, in a script or outside")
  func account() async throws {
    try await Frozen.with { frozen in
      for words in [["KEYS", "*"], ["SCAN", "0"], ["FLUSHALL"], ["FLUSHDB"], ["CONFIG", "GET", "*"], ["CONFIG", "SET", "port", "1"]] {
        let call = "return redis.call(" + words.map { "'\($0)'" }.joined(separator: ", ") + ")"
        for attempt in [words, ["EVAL", call, "0"]] {
          await #expect(throws: RedisError.self, "\(attempt)") { _ = try await frozen.connection.send(attempt) }
        }
      }
      for attempt in [["HGET", "foreign", "x"], ["EVAL", "return redis.call('HGET', 'foreign', 'x')", "0"]] {
        await #expect(throws: RedisError.self, "\(attempt)") { _ = try await frozen.connection.send(attempt) }
      }
    }
  }
}

@Suite("The memory that a user costs", .redis)
struct MemoryTests {
  private static let users = 2_000
  private static let firstBytesMax = 520
  private static let furtherBytesMax = 200

  private func snapshot(sessions: Int) -> HotSnapshot {
    let user = Fixture.user {
      $0.externalID = "a7c1b7de-52d0-4f4c-9f62-5d1c9c1b3a10"
      $0.status = .suspended
      $0.plan = "coach"
    }
    let kinds: [SessionClass] = [.remember, .web, .mobile]
    return Fixture.snapshot(
      user, (0..<sessions).map { Fixture.session(user.id, "\(user.id) \($0)", kind: kinds[$0 % kinds.count]) },
      quotas: [Fixture.quota(used: 12, held: 1, lease: Frozen.start + 60_000)])
  }

  @Test("2,000 users with one session take 520 bytes each at most, each further session 200 more at most")
  func users() async throws {
    try await Frozen.with { frozen in
      var worst: [Int: Int64] = [:]
      for index in 0..<Self.users {
        let sessions = index < Self.users / 2 ? 1 : index % 10 + 1
        let snapshot = snapshot(sessions: sessions)
        let key = KeySpace.user(snapshot.user.id)
        try await frozen.warm(snapshot)
        worst[sessions] = max(worst[sessions] ?? 0, Int64(try await frozen.admin("MEMORY", "USAGE", key, "SAMPLES", "0")) ?? .max)
      }
      for (sessions, bytes) in worst.sorted(by: { $0.key < $1.key }) {
        #expect(bytes <= Int64(Self.firstBytesMax + Self.furtherBytesMax * (sessions - 1)), "\(sessions) sessions: \(bytes) bytes")
      }
      #expect(worst.count == 10)
    }
  }
}
