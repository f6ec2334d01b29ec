import NIOCore
import NIOEmbedded
import NIOHTTP1
import TestSupport
import Testing

@testable import GatehouseHTTP

/// The share that one connection may take of an event loop. Time stands still here, and each turn of the loop is taken by hand.
@Suite("The bounds of a connection")
struct LaneBoundTests {
  private struct Connection {
    let echo = Echo()
    let guarding: ConnectionGuard
    let lane: RequestLane
    let channel: EmbeddedChannel

    init() throws {
      let echo = echo
      let rules = ListenerRules(
        RequestRules([.gate]), limits: HTTPLimits(), admission: .open, crossOrigin: { CrossOrigin(origins: []) }, refusals: nil,
        fast: { echo }, orphans: OrphanedRequests())
      guarding = ConnectionGuard(rules)
      lane = RequestLane(guarding, rules)
      channel = EmbeddedChannel(
        handlers: [
          lane, HTTPResponseEncoder(), ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)), guarding,
        ])
      try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    func send(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }

    /// The bodies of all that was answered in the channel since the last call.
    func answers() throws -> [String] {
      var bodies: [String] = []
      while let bytes = try channel.readOutbound(as: ByteBuffer.self) {
        let text = String(buffer: bytes)
        if let end = text.firstRange(of: "\r\n\r\n") { bodies.append(String(text[end.upperBound...])) }
      }
      return bodies
    }

    /// Takes all turns of the loop that are wanted.
    func takeTurns() { channel.embeddedEventLoop.advanceTime(by: .seconds(10)) }

    func end() { _ = try? channel.finish(acceptAlreadyClosed: true) }
  }

  private static func get(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n" }

  @Test("Of requests that are answered at once a bounded number is answered in one turn of the loop, and the rest in later ones, in order")
  func turns() throws {
    let connection = try Connection()
    defer { connection.end() }
    let count = 3 * RequestLane.turnAnswersMax + 5
    try connection.send((0..<count).map { Self.get("/fast/\($0)") }.joined())
    #expect(connection.echo.answered == RequestLane.turnAnswersMax)
    // More that arrives in the same turn waits as well.
    try connection.send(Self.get("/fast/\(count)"))
    #expect(connection.echo.answered == RequestLane.turnAnswersMax)
    connection.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    // All that sockets bring comes before the next requests, and so does every task.
    connection.channel.embeddedEventLoop.run()
    #expect(connection.echo.answered == RequestLane.turnAnswersMax)
    connection.takeTurns()
    #expect(try connection.answers() == (0...count).map { "/fast/\($0)" })
  }

  @Test("A connection that ends between two turns is forgotten, with the requests that waited")
  func goneBetweenTurns() throws {
    let connection = try Connection()
    defer { connection.end() }
    try connection.send((0..<100).map { Self.get("/fast/\($0)") }.joined())
    try connection.channel.close().wait()
    connection.takeTurns()
    #expect(connection.echo.answered == RequestLane.turnAnswersMax)
  }

  /// Bytes as a socket gives them once the client has ended its side: on and on, whether they are asked for or not.
  private static func flood(_ requests: Range<Int>) -> [ByteBuffer] {
    let bytes = Array(requests.map { get("/fast/\($0)") }.joined().utf8)
    return stride(from: 0, to: bytes.count, by: 65_536).map { ByteBuffer(bytes: bytes[$0..<min(bytes.count, $0 + 65_536)]) }
  }

  @Test(
    "The bytes that wait in the lane are bounded though the client has ended its side: what was kept is answered, then the connection ends")
  func heldInTheLane() throws {
    let connection = try Connection()
    defer { connection.end() }
    let count = 40_000
    try connection.send(Self.get("/late/0"))
    for bytes in Self.flood(1..<count) {
      try connection.channel.writeInbound(bytes)
      #expect(connection.lane.heldBytes <= connection.guarding.limits.heldBytesMax)
    }
    #expect(connection.lane.heldBytes > HTTPLimits().heldBytesMax - 65_536)
    connection.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    connection.echo.letGo()
    connection.takeTurns()
    let answers = try connection.answers()
    #expect(answers.first == "/late/0" && (1_000..<count).contains(answers.count))
    #expect(Array(answers.dropFirst()) == (1..<answers.count).map { "/fast/\($0)" })
    #expect(!connection.channel.isActive)
  }

  @Test("The bytes that wait in the guard are bounded in the same way")
  func heldInTheGuard() throws {
    let connection = try Connection()
    defer { connection.end() }
    let count = 40_000
    // The lane leaves a request that begins with an empty line to the parser, and all that follow.
    try connection.send("\r\n" + Self.get("/items/0"))
    for bytes in Self.flood(1..<count) {
      try connection.channel.writeInbound(bytes)
      #expect(connection.guarding.heldBytes <= connection.guarding.limits.heldBytesMax)
    }
    #expect(connection.guarding.heldBytes > HTTPLimits().heldBytesMax - 65_536)
    connection.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    var asked = 0
    while connection.channel.isActive, let part = try connection.channel.readInbound(as: HTTPServerRequestPart.self) {
      guard case .end = part else { continue }
      asked += 1
      let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: ["Content-Length": "0"])
      try connection.channel.writeOutbound(HTTPServerResponsePart.head(head))
      try connection.channel.writeOutbound(HTTPServerResponsePart.end(nil))
      connection.channel.embeddedEventLoop.run()
    }
    #expect((1_000..<count).contains(asked))
    #expect(!connection.channel.isActive)
  }

  @Test("A client that does not end its side loses nothing, however much it sends before it reads")
  func nothingLost() async throws {
    let echo = Echo()
    try await DemoServer.with(fast: echo) { server in
      let client = try await RawHTTP.connect(port: server.port)
      let body = String(repeating: "x", count: 900)
      let count = 1_000
      let more = (1..<count).map { "POST /fast/\($0) HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n\(body)" }.joined()
      #expect(more.utf8.count > HTTPLimits().heldBytesMax)
      let requests = Self.get("/late/0") + more
      let sending = Task { try await client.send(requests) }
      try await eventually("the first request is asked") { echo.late == 1 }
      echo.letGo()
      try await sending.value
      #expect(try await client.answer().body == "/late/0")
      for number in 1..<count { #expect(try await client.answer().body == "/fast/\(number)\(body)") }
      await client.close()
    }
  }
}
