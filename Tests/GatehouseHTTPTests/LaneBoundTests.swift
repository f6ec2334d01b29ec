import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import GatehouseHTTP

/// What one connection may take of an event loop. Time stands still here, and each turn of the loop is taken by hand.
@Suite("The bounds of a connection")
struct LaneBoundTests {
  private struct Connection {
    let echo = Echo()
    let guarding: ConnectionGuard
    let lane: RequestLane
    let channel: EmbeddedChannel

    init() throws {
      let echo = echo
      guarding = ConnectionGuard(
        rules: RequestRules([.gate]), limits: HTTPLimits(), admission: .open, crossOrigin: { CrossOrigin(origins: []) }, refusals: nil)
      lane = RequestLane(guarding, fast: { echo })
      guarding.lane = lane
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
    connection.channel.embeddedEventLoop.run()
    #expect(try connection.answers() == (0...count).map { "/fast/\($0)" })
  }

  @Test("A connection that ends between two turns is forgotten, with the requests that waited")
  func goneBetweenTurns() throws {
    let connection = try Connection()
    try connection.send((0..<100).map { Self.get("/fast/\($0)") }.joined())
    connection.end()
    #expect(connection.echo.answered == RequestLane.turnAnswersMax)
  }
}
