import HummingbirdCore
import Logging
import NIOCore
import NIOEmbedded
import Synchronization
import TestSupport
import Testing

@testable import GatehouseHTTP

@Suite("Connections in groups")
struct ConnectionGroupsTests {
  private struct Idle: ServerChildChannelValue {
    let channel: any Channel
  }

  /// Sets nothing up, and serves nobody.
  private struct Nothing: ServerChildChannel {
    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Idle> {
      channel.eventLoop.makeSucceededFuture(Idle(channel: channel))
    }

    func handle(value: Idle, logger: Logger) async {}
  }

  private static func listener(unserved: @escaping @Sendable (Idle) async -> Void = { _ in }) -> ConnectionGroups<Nothing> {
    let rules = ListenerRules(
      RequestRules([]), limits: HTTPLimits(), admission: .open, crossOrigin: { CrossOrigin(origins: []) }, refusals: nil, fast: { nil },
      orphans: OrphanedRequests())
    return ConnectionGroups(Nothing(), rules, unserved: unserved)
  }

  private static func connection() -> IdleConnection<Nothing> {
    IdleConnection(EmbeddedChannel(), of: listener(), Logger(label: "idle"))
  }

  private static func open() async throws -> NIOAsyncTestingChannel {
    let channel = NIOAsyncTestingChannel()
    try await channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1))
    return channel
  }

  /// Counts the connections that were ended though nobody had served them.
  private final class Ended: Sendable {
    let count = Mutex(0)
  }

  @Test("The first connection runs its group, the others are known to it, those that need it are served, and the last ends it")
  func life() async {
    let group = ConnectionGroup<Int>()
    for round in 0..<3 {
      let channels = (0..<10).map { _ in EmbeddedChannel() }
      guard case .first(let needing) = group.join(channels[0]) else {
        Issue.record("the first of round \(round) was handed to a group that has ended")
        return
      }
      for number in 1..<10 {
        guard case .joined = group.join(channels[number]) else {
          Issue.record("\(number) of round \(round) was not taken in")
          return
        }
      }
      for number in [3, 0, 7] { #expect(group.serve(number, channels[number])) }
      for channel in channels { group.leave(channel) }
      var served: [Int] = []
      for await number in needing { served.append(number) }
      #expect(served == [3, 0, 7])
    }
  }

  @Test("A group that is cancelled closes those that nobody serves, takes nothing more, and begins anew once all have ended")
  func cancelled() async throws {
    let group = ConnectionGroup<Int>()
    let (served, idle, late) = (try await Self.open(), try await Self.open(), try await Self.open())
    guard case .first(let needing) = group.join(served), case .joined = group.join(idle) else {
      Issue.record("the first two were not taken in")
      return
    }
    #expect(group.serve(0, served))
    let runner = Task { for await _ in needing {} }
    runner.cancel()
    await runner.value
    await group.cancel()
    #expect(served.isActive && !idle.isActive)
    guard case .refused = group.join(late) else {
      Issue.record("a connection was taken in by a group that takes none")
      return
    }
    #expect(!group.serve(1, idle))
    for channel in [served, idle] { group.leave(channel) }
    guard case .first = group.join(late) else {
      Issue.record("the group did not begin anew")
      return
    }
  }

  /// How often a connection is served in a group of its own, which ends with it.
  private static func served(_ life: (IdleConnection<Nothing>, ConnectionGroup<Idle>) -> Void) async -> Int {
    let group = ConnectionGroup<Idle>()
    let connection = connection()
    guard case .first(let needing) = group.join(connection.channel) else { return -1 }
    life(connection, group)
    var count = 0
    for await value in needing {
      count += 1
      group.leave(value.channel)
    }
    return count
  }

  @Test("A connection is served once if it needs it, whether its group or the need comes first, and leaves its group if it ends without")
  func needs() async {
    let needsLate = await Self.served { connection, group in
      connection.stays(in: group)
      connection.isNeeded()
      connection.isOver()
    }
    let needsEarly = await Self.served { connection, group in
      connection.isNeeded()
      connection.isOver()
      connection.stays(in: group)
    }
    let endsLate = await Self.served { connection, group in
      connection.stays(in: group)
      connection.isOver()
    }
    let endsEarly = await Self.served { connection, group in
      connection.isOver()
      connection.stays(in: group)
    }
    #expect([needsLate, needsEarly, endsLate, endsEarly] == [1, 1, 0, 0])
  }

  @Test("A connection that a listener drops is ended, whether anything was set up for it or not")
  func dropped() async throws {
    let ended = Ended()
    let listener = Self.listener { _ in ended.count.withLock { $0 += 1 } }
    let idle = try await Self.open()
    func drop() {
      _ = Accepted(IdleConnection(idle, of: listener, Logger(label: "idle")))
      let needing = IdleConnection(EmbeddedChannel(), of: listener, Logger(label: "needing"))
      needing.isNeeded()
      _ = Accepted(needing)
    }
    drop()
    try await eventually("the idle one is closed") { !idle.isActive }
    try await eventually("the other one is ended") { ended.count.withLock { $0 } == 1 }
  }

  @Test("For connections that ask nothing, or only what is answered in the channel, nothing of a route is set up until they need one")
  func unserved() async throws {
    let echo = Echo()
    let connections = Connections()
    try await DemoServer.with(fast: echo, accepted: connections.add) { server in
      var clients: [RawHTTP] = []
      for _ in 0..<20 { clients.append(try await RawHTTP.connect(port: server.port)) }
      for (number, client) in clients.enumerated() where number % 2 == 0 {
        try await client.send("GET /fast/\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try await client.answer().body == "/fast/\(number)")
      }
      for channel in connections.all { #expect(await !channel.has(ConnectionGuard.self)) }
      for (number, client) in clients.enumerated() {
        switch number % 4 {
        case 0:
          try await client.send("GET /items/\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
          #expect(try await client.answer().body == "\(number)")
          #expect(await connections.all[number].has(ConnectionGuard.self))
          try await client.send("GET /fast/\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
          #expect(try await client.answer().body == "/fast/\(number)")
        case 1: try await client.reset()
        // A client that ends its side is heard, whoever serves it.
        default:
          try await client.finishSending()
          #expect(try await client.untilClosed() == "")
        }
      }
    }
  }

  @Test("A connection is read into a small buffer while its requests are small, and larger ones are answered like them")
  func readBuffers() async throws {
    let connections = Connections()
    try await DemoServer.with(fast: Echo(), accepted: connections.add) { server in
      let smallest = HTTPLimits.readBufferBytes.lowerBound
      let client = try await RawHTTP.connect(port: server.port)
      for number in 0..<3 {
        try await client.send("GET /fast/\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try await client.answer().body == "/fast/\(number)")
      }
      let buffers = try await connections.all[0].getOption(.recvAllocator).get()
      #expect(buffers.nextBufferSize() == smallest)
      await client.close()
      // Each is the first of its connection; around the buffer's end it fills the buffer, or cuts the request in two.
      for path in ["/fast/", "/echo"] {
        for bodyBytes in Array(smallest - 100..<smallest + 3) + [900, 1_000] {
          let body = String(repeating: "x", count: bodyBytes)
          let client = try await RawHTTP.connect(port: server.port)
          try await client.send("POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(bodyBytes)\r\n\r\n\(body)")
          #expect(try await client.answer().body.hasSuffix(body))
          await client.close()
        }
      }
    }
  }

  @Test("A process that ends closes connections for which nothing was set up, after the answer that is on its way")
  func quiescing() async throws {
    var limits = HTTPLimits()
    limits.leaveTimeout = .milliseconds(100)
    let echo = Echo()
    let connections = Connections()
    try await DemoServer.with(limits, fast: echo, accepted: connections.add) { server in
      let late = try await RawHTTP.connect(port: server.port)
      let idle = try await RawHTTP.connect(port: server.port)
      try await late.send("GET /late/1 HTTP/1.1\r\nHost: a\r\n\r\n")
      try await eventually("it is asked") { echo.late == 1 }
      try await idle.send("GET /fast/2 HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await idle.answer().body == "/fast/2")
      for channel in connections.all {
        #expect(await !channel.has(ConnectionGuard.self))
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
      }
      #expect(try await idle.untilClosed().isEmpty)
      echo.letGo()
      let answer = try await late.answer()
      #expect(answer.body == "/late/1" && answer["Connection"] == "close")
      #expect(try await late.untilClosed().isEmpty)
    }
  }

  @Test("More connections than groups are served at the same time, and the listener ends with them")
  func served() async throws {
    try await DemoServer.with { server in
      var clients: [RawHTTP] = []
      for _ in 0..<300 { clients.append(try await RawHTTP.connect(port: server.port)) }
      for _ in 0..<2 {
        for (number, client) in clients.enumerated() {
          try await client.send("GET /items/\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
          #expect(try await client.answer().body == "\(number)")
        }
      }
      // Every other one ends first, so that groups lose connections while they serve others.
      for client in clients.indices.filter({ $0 % 2 == 0 }).map({ clients[$0] }) { await client.close() }
      for number in clients.indices where number % 2 == 1 {
        try await clients[number].send("GET /items/\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try await clients[number].answer().body == "\(number)")
      }
    }
  }
}
