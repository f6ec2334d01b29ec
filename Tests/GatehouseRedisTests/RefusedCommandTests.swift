import GatehouseCore
import RedisClient
import TestSupport
import Testing

@testable import GatehouseRedis

/// Redis refuses a script a command: that is the script's answer, and says nothing of what the keys hold.
@Suite("Commands that Redis refuses to the scripts", .serialized)
struct RefusedCommandTests {
  private static let user = Fixture.user()
  private static let charge = SubjectCharge(subject: .keyed("refused"), policy: Fixture.api, cost: 1)
  private static let mark = HotMark(
    term: HotTerm(replicationID: "r", number: 1, lineage: "a"), process: "p1", number: 1, own: 0, settled: 0, settledBy: "", sequence: 1)

  enum Call: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case gate, install, giveBack, check, drop
    var testDescription: String { rawValue }

    /// The commands by which it reads.
    var commands: [String] {
      switch self {
      case .gate: ["hmget", "hget"]
      case .giveBack, .check: ["hget"]
      case .install, .drop: ["hmget"]
      }
    }

    func run(_ frozen: Frozen) async throws {
      switch self {
      case .gate: _ = try await frozen.gate(Fixture.query(user.id, charges: [(Fixture.api, 1)], hold: (id: "h1", amount: 1)))
      case .install: _ = try await frozen.install(Fixture.snapshot(user), ticket: "another")
      case .giveBack: _ = try await frozen.giveBack(user.id, "h1")
      case .check: _ = try await frozen.check(charge)
      case .drop: _ = try await frozen.run(Scripts.drop, DropCommand.keys([]), DropCommand.arguments(mark))
      }
    }
  }

  /// The digests of what Redis holds of the user, of a subject and of its counter.
  private func held(_ frozen: Frozen) async throws -> [String] {
    var found: [String] = []
    for key in [KeySpace.user(Self.user.id), KeySpace.windows(Self.user.id), KeySpace.windows(Self.charge.subject), KeySpace.counter] {
      found.append(try await frozen.admin("EVAL", "return redis.sha1hex(redis.call('DUMP', KEYS[1]) or '')", "1", key))
    }
    return found
  }

  @Test("A refused command is the script's answer: no key counts as foreign, cold or broken", arguments: Call.allCases)
  func refused(_ call: Call) async throws {
    try await RedisServer.with { server in
      try await withRedis(server) { client in
        try await withRedis(server, username: nil) { root in
          let frozen = Frozen(server: server, connection: client.any(), root: root.any())
          try await frozen.warm(Fixture.snapshot(Self.user, [Fixture.session(Self.user.id, "t")]))
          for warming in Call.allCases where warming != .giveBack { try await warming.run(frozen) }
          let before = try await held(frozen)
          for command in call.commands {
            try await frozen.admin("ACL", "SETUSER", "gatehouse", "-" + command)
            let error = await #expect(throws: (any Error).self) { try await call.run(frozen) }
            #expect(error.map { "\($0)".lowercased().contains("noperm") } == true, "\(command): \(String(describing: error))")
            let after = try await held(frozen)
            #expect(after == before, "\(command)")
            try await frozen.admin("ACL", "SETUSER", "gatehouse", "+" + command)
          }
          try await call.run(frozen)
        }
      }
    }
  }

  @Test("A key that Redis gives no time to live is not kept: neither of a cold user nor of a window")
  func immortal() async throws {
    try await RedisServer.with { server in
      try await withRedis(server) { client in
        try await withRedis(server, username: nil) { root in
          let frozen = Frozen(server: server, connection: client.any(), root: root.any())
          try await frozen.admin("ACL", "SETUSER", "gatehouse", "-pexpire")
          for call in [Call.gate, .check] {
            await #expect(throws: (any Error).self) { try await call.run(frozen) }
          }
          #expect(try await frozen.admin("DBSIZE") == "0")
        }
      }
    }
  }
}
