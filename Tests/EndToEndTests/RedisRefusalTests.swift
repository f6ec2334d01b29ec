import Foundation
import TestSupport
import Testing

/// Redis answers what the service needs with errors: the ledger serves, the log and `/readyz` say so, and it ends when they end.
@Suite("Refusals of Redis", .serialized) struct RedisRefusalTests {
  /// Of the account's line, what the service calls over its connections and in its scripts.
  static let commands = [
    "client|setname", "info", "del", "eval", "evalsha", "script|load", "hget", "hset", "hmget", "hdel", "pexpire", "pttl", "time",
  ]

  /// Whether a line of the log has a level and all these texts.
  private func says(_ server: CommandProcess, _ level: String, _ texts: String...) -> Bool {
    server.err.split(separator: "\n").contains { line in
      line.contains(#""level":"\#(level)""#) && texts.allSatisfy { line.contains($0) }
    }
  }

  private func count(_ server: CommandProcess, _ text: String) -> Int {
    server.err.split(separator: "\n").filter { $0.contains(text) }.count
  }

  private func health(_ service: RunningService, _ server: CommandProcess) async throws -> [String?] {
    let answer = try await service.ask("GET", "/readyz", at: server.port)
    return [answer.text("status"), answer.text("redis")]
  }

  private func isIn(_ service: RunningService, _ server: CommandProcess, _ token: String) async throws -> Bool {
    try await service.ask("GET", "/v1/session", at: server.port, bearer: token).status == 200
  }

  private func expectRefused(_ service: RunningService, _ server: CommandProcess, _ command: String, reason: String = "noperm") async throws
  {
    let name = try Regex(#""command":"([^"]* )?\#(NSRegularExpression.escapedPattern(for: command))( [^"]*)?""#)
    try await eventually("\(command) is named in the log: \(server.err)", within: .seconds(30)) {
      server.err.split(separator: "\n").contains { line in
        line.contains(#""level":"warning""#) && line.contains("Redis refuse") && line.contains(#""reason":"\#(reason)""#)
          && line.firstMatch(of: name) != nil
      }
    }
    try await eventually("/readyz says it", within: .seconds(30)) { try await health(service, server) == ["degraded", "refuses"] }
  }

  private func expectServed(_ service: RunningService, _ server: CommandProcess, _ id: String, _ token: String) async throws {
    try await eventually("all is well again: \(server.err)", within: .seconds(30)) {
      try await health(service, server) == ["ready", "up"]
    }
    try await eventually("Redis serves again", within: .seconds(30)) {
      #expect(try await isIn(service, server, token))
      return try service.isWarm(id)
    }
  }

  @Test("A command that the account loses is named once, logs nobody out, and is used again once it is given back", arguments: commands)
  func whileRunning(_ command: String) async throws {
    try await RunningService.with(processes: 0) { service in
      let server = try await CommandProcess.serve(service.folder)
      let user = try await service.newUser(at: server.port)
      try await expectServed(service, server, user.id, user.token)
      _ = try service.redis("acl", "setuser", "gatehouse", "-" + command)
      try await expectRefused(service, server, command)
      for _ in 0..<20 { #expect(try await isIn(service, server, user.token)) }
      _ = try service.redis("acl", "setuser", "gatehouse", "+" + command)
      try await expectServed(service, server, user.id, user.token)
      #expect(count(server, "Redis refuse") <= 2 && count(server, "has a new term") == 0, "\(server.err)")
      try await eventually("its end is told: \(server.err)", within: .seconds(30)) {
        says(server, "notice", "Redis refuses nothing any more") || says(server, "notice", "Redis is back")
      }
      try await server.stop()
    }
  }

  @Test("A command that the account lacks at the start is named, and Redis is used once it is there", arguments: commands)
  func atStart(_ command: String) async throws {
    try await RunningService.with(processes: 0) { service in
      _ = try service.redis("acl", "setuser", "gatehouse", "-" + command)
      let server = try await CommandProcess.serve(service.folder)
      let user = try await service.newUser(at: server.port)
      try await expectRefused(service, server, command)
      #expect(try await isIn(service, server, user.token))
      _ = try service.redis("acl", "setuser", "gatehouse", "+" + command)
      try await expectServed(service, server, user.id, user.token)
      try await server.stop()
    }
  }

  @Test("Keys that the account may not touch, an account that is gone, a full memory and a replica are told with their reason")
  func otherReasons() async throws {
    try await RunningService.with(processes: 0) { service in
      let server = try await CommandProcess.serve(service.folder)
      let user = try await service.newUser(at: server.port)
      let cases: [(begins: [String], ends: [String], command: String, reason: String)] = [
        (["config", "set", "maxmemory", "1"], ["config", "set", "maxmemory", "0"], "hset", "oom"),
        (["acl", "setuser", "gatehouse", "resetkeys", "~zz:*"], ["acl", "setuser", "gatehouse", "resetkeys", "~gh:*"], "~gh:*", "noperm"),
        (["config", "set", "min-replicas-to-write", "1"], ["config", "set", "min-replicas-to-write", "0"], "hset", "noreplicas"),
        (["replicaof", "127.0.0.1", "1"], ["replicaof", "no", "one"], "info", "readonly"),
      ]
      for (begins, ends, command, reason) in cases {
        try await expectServed(service, server, user.id, user.token)
        _ = try service.redis(begins)
        try await expectRefused(service, server, command, reason: reason)
        #expect(try await isIn(service, server, user.token))
        _ = try service.redis(ends)
      }
      try await expectServed(service, server, user.id, user.token)
      try await server.stop()
    }
  }
}
