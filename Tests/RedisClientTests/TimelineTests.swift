import Synchronization
import NIOCore
import RedisClient
import TestSupport
import Testing

/// A server that is made a replica and a master again without its clients being closed, as Sentinel and operators do.
@Suite("A Redis that changes its timeline in place")
struct TimelineTests {
  private static let read = RedisScript(name: "read", source: "return redis.call('HGET', KEYS[1], 'n')")

  private func identity(_ client: RedisClient) async throws -> String? {
    let connection = client.any()
    return try await connection.eventLoop.submit { connection.replicationID }.get()
  }

  private func become(_ server: RedisServer, replicaOf port: Int) async throws {
    try await server.cli("REPLICAOF", "127.0.0.1", String(port))
    try await eventually("the copy is whole") {
      try await server.cli("INFO", "replication").contains("master_link_status:up")
    }
  }

  @Test("A Redis that is demoted is not used; promoted again, it is used under its new timeline; no command is needed to notice")
  func demotedAndPromoted() async throws {
    // The other listens on a port, as replication needs; the kernel names a free one.
    let port = try FreePort.number()
    try await RedisServer.with(["--port", String(port), "--repl-diskless-sync-delay", "0"]) { _ in
      try await RedisServer.with(["--repl-diskless-sync-delay", "0"]) { server in
        try await withClient(.unix(path: server.socketPath), scripts: [Self.read], loops: 2) {
          $0.timelineInterval = .milliseconds(20)
        } _: { client in
          let first = try await identity(client)
          try await become(server, replicaOf: port)
          // Not one command of a caller: the connections find out by themselves.
          try await eventually("the copy is not used") { !client.isUp }
          #expect(await client.any().outcome(Self.read, ["gh:{a}"], []) == .failure(.notConnected))
          try await server.cli("REPLICAOF", "NO", "ONE")
          try await eventually("it is used again") { client.isUp }
          let second = try await identity(client)
          #expect(first != nil && second != nil && first != second)
        }
      }
    }
  }

  @Test("A promotion that falls between two looks is noticed by the next one: the timeline of a living connection is the server's")
  func promotedBetweenLooks() async throws {
    try await RedisServer.with { server in
      try await withClient(.unix(path: server.socketPath)) {
        $0.timelineInterval = .milliseconds(20)
      } _: { client in
        let first = try await identity(client)
        // A replica of a port where nothing listens, for as long as two commands take.
        try await server.cli("REPLICAOF", "127.0.0.1", "1")
        try await server.cli("REPLICAOF", "NO", "ONE")
        try await eventually("the new timeline is known") {
          let now = try await identity(client)
          return now != nil && now != first
        }
      }
    }
  }

  @Test("A connection is not made to a replica, whatever it would answer")
  func replica() async throws {
    let port = try FreePort.number()
    try await RedisServer.with(["--port", String(port), "--repl-diskless-sync-delay", "0"]) { _ in
      try await RedisServer.with(["--repl-diskless-sync-delay", "0"]) { server in
        try await become(server, replicaOf: port)
        try await withClient(.unix(path: server.socketPath), waits: false) { client in
          try await eventually("the handshake was made several times") {
            client.statistics.reconnects.load(ordering: .relaxed) >= 3
          }
          #expect(!client.isUp)
          try await server.cli("REPLICAOF", "NO", "ONE")
          try await eventually("the master is used") { client.isUp }
        }
      }
    }
  }
}
