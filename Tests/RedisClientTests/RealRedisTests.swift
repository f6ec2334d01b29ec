import NIOCore
import NIOPosix
import RedisClient
import Synchronization
import TestSupport
import Testing

private let count = RedisScript(
  name: "count",
  source: """
    local n = tonumber(redis.call('HGET', KEYS[1], 'n') or '0') + tonumber(ARGV[1])
    redis.call('HSET', KEYS[1], 'n', n)
    redis.call('PEXPIRE', KEYS[1], 60000)
    return n
    """)

@Suite("A real Redis", .redis, .serialized)
struct RealRedisTests {
  private func server() throws -> (RedisServer, RedisAddress) {
    let server = try RedisServer.required()
    return (server, .unix(path: server.socketPath))
  }

  @Test("A client introduces itself, one connection a loop, and learns the timeline")
  func handshake() async throws {
    let (server, address) = try server()
    try await withClient(address, scripts: [count], loops: 2) {
      $0.clientName = "handshake"
    } _: { client in
      let list = try await server.cli("CLIENT", "LIST")
      #expect(list.components(of: "name=handshake ") == 2)
      let replication = try await server.cli("INFO", "replication")
      let connection = client.any()
      let id = try await connection.eventLoop.submit { connection.replicationID }.get()
      #expect(replication.contains("master_replid:\(try #require(id))"))
    }
  }

  @Test("A script runs by its digest; keys, arguments and replies keep their bytes")
  func scripts() async throws {
    let (_, address) = try server()
    let echo = RedisScript(name: "echo", source: "return {KEYS[1], ARGV[1], ARGV[2], 7, false, redis.status_reply('FINE')}")
    try await withClient(address, scripts: [count, echo]) { client in
      let connection = client.any()
      #expect(await connection.outcome(count, ["gh:{scripts}"], ["2"]) == .success(.integer(2)))
      #expect(await connection.outcome(count, ["gh:{scripts}"], ["3"]) == .success(.integer(5)))
      let odd = "a\r\nb\0ü$5\r\n"
      let expected: RedisReply = .array([
        .bytes([0x6B]), .bytes(Array(odd.utf8)), .bytes([]), .integer(7), .null, .status(Array("FINE".utf8)),
      ])
      #expect(await connection.outcome(echo, ["k"], [odd, ""]) == .success(expected))
    }
  }

  @Test("A fault of a script or a command is a typed error, and the connection stays")
  func typed() async throws {
    let (server, address) = try server()
    try await server.cli("SET", "gh:{typed}", "text", "PX", "60000")
    let broken = RedisScript(name: "broken", source: "return nosuch")
    try await withClient(address, scripts: [count, broken]) { client in
      let connection = client.any()
      func kind(_ outcome: Result<RedisReply, RedisError>) -> RedisServerError.Kind? {
        if case .failure(.server(let error)) = outcome { error.kind } else { nil }
      }
      #expect(kind(await connection.outcome(count, ["gh:{typed}"], ["1"])) == .wrongType)
      #expect(kind(await connection.outcome(broken, [], [])) == .script)
      #expect(kind(await connection.outcome(["NO", "SUCH"])) == .generic)
      #expect(await connection.outcome(["PING"]) == .success(.status(Array("PONG".utf8))))
      #expect(client.statistics.reconnects.load(ordering: .relaxed) == 0)
    }
  }

  @Test("After SCRIPT FLUSH one call sends the source, and the next goes by the digest again")
  func flushed() async throws {
    let (server, address) = try server()
    try await withClient(address, scripts: [count]) { client in
      try await server.cli("SCRIPT", "FLUSH")
      let commands = { client.statistics.commands.load(ordering: .relaxed) }
      let before = commands()
      #expect(await client.any().outcome(count, ["gh:{flushed}"], ["1"]) == .success(.integer(1)))
      #expect(commands() == before + 2)
      #expect(await client.any().outcome(count, ["gh:{flushed}"], ["1"]) == .success(.integer(2)))
      #expect(commands() == before + 3)
    }
  }

  @Test("SCRIPT FLUSH again and again fails no call, and none counts twice")
  func flushedOften() async throws {
    let (server, address) = try server()
    try await withClient(address, scripts: [count], loops: 2) { client in
      try await withThrowingTaskGroup { tasks in
        for _ in 0..<8 {
          tasks.addTask {
            for _ in 0..<100 { _ = try await client.any().evaluate(count, keys: ["gh:{often}"], arguments: ["1"]) }
          }
        }
        for _ in 0..<20 { try await server.cli("SCRIPT", "FLUSH") }
        try await tasks.waitForAll()
      }
      #expect(try await server.cli("HGET", "gh:{often}", "n") == "800")
    }
  }

  @Test("A killed connection comes back by itself")
  func clientKill() async throws {
    let (server, address) = try server()
    try await withClient(address, scripts: [count], loops: 2) { client in
      try await server.cli("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
      try await eventually("both are back") { client.isUp && client.statistics.reconnects.load(ordering: .relaxed) >= 2 }
      #expect(await client.any().outcome(count, ["gh:{kill}"], ["1"]) == .success(.integer(1)))
    }
  }

  @Test("A server that was killed and started again is found again, on a new timeline, with its scripts")
  func restarted() async throws {
    let (server, address) = try server()
    try await withClient(address, scripts: [count]) { client in
      let connection = client.any()
      let before = try await connection.eventLoop.submit { connection.replicationID }.get()
      await server.kill()
      try await eventually("the loss is noticed") { !client.isUp }
      #expect(await connection.outcome(["PING"]) == .failure(.notConnected))
      try await server.start()
      try await eventually("it is found again") { client.isUp }
      #expect(await connection.outcome(count, ["gh:{restarted}"], ["1"]) == .success(.integer(1)))
      #expect(try await connection.eventLoop.submit { connection.replicationID }.get() != before)

      try await server.restart()
      try await eventually("it is found once more") { client.isUp }
      #expect(await connection.outcome(count, ["gh:{restarted}"], ["1"]) == .success(.integer(2)))
    }
  }

  @Test("A server that hangs costs one deadline, then nothing; when it goes on the same connection is used")
  func paused() async throws {
    let (server, address) = try server()
    try await withClient(address) {
      $0.commandDeadline = .seconds(2)
    } _: { client in
      try await server.pause()
      defer { server.resume() }
      #expect(await client.any().outcome(["PING"]) == .failure(.timeout))
      let start = ContinuousClock.now
      for _ in 0..<100 { #expect(await client.any().outcome(["PING"]) == .failure(.overdue)) }
      #expect(ContinuousClock.now - start < .seconds(2), "a hundred calls take less than the deadline of one")
      server.resume()
      try await eventually("it is usable again") { client.isUp }
      #expect(client.statistics.reconnects.load(ordering: .relaxed) == 0)
    }
  }

  @Test("The service's account may do what the scripts need on its keys, and nothing else")
  func account() async throws {
    let (_, address) = try server()
    let every = RedisScript(
      name: "every",
      source: """
        local k = KEYS[1]
        redis.call('TIME')
        redis.call('HSET', k, 'a', '1', 'b', '2')
        redis.call('PEXPIRE', k, 60000)
        redis.call('PTTL', k)
        redis.call('HGET', k, 'a')
        redis.call('HMGET', k, 'a', 'b')
        redis.call('HDEL', k, 'a')
        return redis.call('DEL', k)
        """)
    try await withClient(address, scripts: [every]) {
      $0.username = "gatehouse"
    } _: { client in
      let connection = client.any()
      #expect(await connection.outcome(every, ["gh:{account}"], []) == .success(.integer(1)))
      #expect(await connection.outcome(["DEL", "gh:{account}"]) == .success(.integer(0)))
      #expect(await connection.outcome(["PING"]) == .success(.status(Array("PONG".utf8))))
      for words in [
        ["SET", "gh:x", "1"], ["GET", "gh:x"], ["DEL", "other"], ["FLUSHALL"], ["KEYS", "*"], ["SCAN", "0"], ["CONFIG", "GET", "*"],
        ["SCRIPT", "FLUSH"], ["CLIENT", "LIST"], ["ACL", "LIST"], ["SHUTDOWN"],
        ["EVAL", "return 1", "1", "other"],
      ] {
        guard case .failure(.server(let error)) = await connection.outcome(words) else { return #expect(Bool(false), "\(words)") }
        #expect(error.kind == .noPermission, "\(words): \(error.message)")
      }
    }
  }

  @Test("A password is sent; a wrong one never makes a connection")
  func password() async throws {
    let (server, address) = try server()
    try await server.cli("ACL", "SETUSER", "guarded", "on", ">right word", "~*", "&*", "+@all")
    for (word, isRight) in [("right word", true), ("wrong", false)] {
      try await withClient(address, waits: isRight) {
        $0.username = "guarded"
        $0.password = word
      } _: { client in
        if isRight { return #expect(try await client.any().send(["ACL", "WHOAMI"]).text == "guarded") }
        try await eventually("several attempts") { client.statistics.reconnects.load(ordering: .relaxed) > 2 }
        #expect(!client.isUp)
      }
    }
  }

  @Test("The configuration holds what the design relies on")
  func configuration() async throws {
    let (server, _) = try server()
    for (name, value) in [
      "port": "0", "unixsocketperm": "700", "appendonly": "yes", "appendfsync": "everysec", "no-appendfsync-on-rewrite": "no", "save": "",
      "maxmemory-policy": "noeviction", "hash-max-listpack-value": "512", "hash-max-listpack-entries": "512",
    ] {
      let lines = try await server.cli("CONFIG", "GET", name).split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines.first.map(String.init) == name && (lines.dropFirst().first ?? "") == value)
    }
  }
}

extension String {
  /// How often a text occurs.
  fileprivate func components(of text: String) -> Int { ranges(of: text).count }
}
