import NIOCore
import TestSupport
import Testing

@testable import GatehouseHTTP

/// Answers `/fast/large` with a body that no kernel keeps whole.
private final class Large: FastAnswers {
  func bodyMax(_ request: PlainRequest, _ bytes: UnsafeRawBufferPointer) -> Int? {
    bytes[request.target].elementsEqual("/fast/large".utf8) ? 0 : nil
  }

  func answer(
    _ request: PlainRequest, _ bytes: UnsafeRawBufferPointer, peer: SocketAddress?, done: @escaping @Sendable (FastAnswer) -> Void
  ) -> Bool {
    let body = Array(repeating: UInt8(ascii: "x"), count: DemoServer.largeBytes)
    done(AnswerBytes(status: 200).ended(body: body, requestID: "r", origin: nil, CrossOrigin(origins: [])))
    return true
  }
}

@Suite("A client that reads late", .timeLimit(.minutes(2)))
struct LateReaderTests {
  /// Answers that are large, whole at once or piece by piece, in the channel and by a route.
  private static let large = [
    "GET /fast/large HTTP/1.1\r\nHost: a\r\n\r\n", "GET /large HTTP/1.1\r\nHost: a\r\n\r\n", "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "GET /items/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /fast/large HTTP/1.1\r\nHost: a\r\n\r\n",
  ]

  @Test("It gets the whole of a large answer though it has ended its own side, and the connection ends after it", arguments: large)
  func halfClosed(_ requests: String) async throws {
    try await DemoServer.with(fast: Large()) { server in
      let client = try await RawHTTP.connect(port: server.port, receives: false)
      try await client.send(requests)
      try await client.finishSending()
      // Time for the server to hear of the end, and to close if it would.
      let other = try await RawHTTP.connect(port: server.port)
      for _ in 0..<50 {
        try await other.send("GET /items/7 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try await other.answer().body == "7")
      }
      await other.close()
      try await client.receive()
      #expect(try await client.answersUntilClosed().last?.body.utf8.count == DemoServer.largeBytes)
    }
  }

  @Test("It gets the whole of a large answer though the process ends meanwhile", arguments: large.prefix(2))
  func processEnds(_ request: String) async throws {
    var limits = HTTPLimits()
    limits.leaveTimeout = .milliseconds(100)
    let connections = Connections()
    try await DemoServer.with(limits, fast: Large(), accepted: connections.add) { server in
      let client = try await RawHTTP.connect(port: server.port, receives: false)
      let idle = try await RawHTTP.connect(port: server.port)
      try await client.send(request)
      try await idle.send("GET /items/7 HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await idle.answer().body == "7")
      for _ in 0..<50 { #expect(try await server.talk("GET /closing HTTP/1.1\r\nHost: a\r\n\r\n").first?.body == "bye") }
      // That of the client was accepted first.
      for channel in connections.all.prefix(2) { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
      #expect(try await idle.untilClosed().isEmpty)
      try await client.receive()
      #expect(try await client.answersUntilClosed().map(\.body.utf8.count) == [DemoServer.largeBytes])
    }
  }

  @Test("A route that is set up for it while it takes nothing writes no further ahead of it than any other")
  func setUpLate() async throws {
    let connections = Connections()
    try await DemoServer.with(fast: Large(), accepted: connections.add) { server in
      let client = try await RawHTTP.connect(port: server.port, receives: false)
      try await client.send("GET /fast/large HTTP/1.1\r\nHost: a\r\n\r\nGET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
      // Time for the route to write all, if it would.
      let other = try await RawHTTP.connect(port: server.port)
      for _ in 0..<200 {
        try await other.send("GET /items/7 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try await other.answer().body == "7")
      }
      let written = try await connections.all[0].getOption(.bufferedWritableBytes).get()
      #expect(written < DemoServer.largeBytes + 1_048_576)
      for each in [client, other] { await each.close() }
    }
  }

  @Test("It is dropped when it takes nothing, though it has ended its own side")
  func takesNothing() async throws {
    var limits = HTTPLimits()
    limits.writeTimeout = .milliseconds(300)
    let connections = Connections()
    try await DemoServer.with(limits, fast: Large(), accepted: connections.add) { server in
      let client = try await RawHTTP.connect(port: server.port, receives: false)
      try await client.send(Self.large[0])
      try await client.finishSending()
      try await eventually("the server has closed") { connections.all.first?.isActive == false }
      await client.close()
    }
  }

  @Test("It gets the whole when it takes the answer slowly, and never stands still for long")
  func takesSlowly() async throws {
    var limits = HTTPLimits()
    limits.writeTimeout = .milliseconds(900)
    try await DemoServer.with(limits, fast: Large()) { server in
      let client = try await RawHTTP.connect(port: server.port, receives: false)
      let begun = ContinuousClock.now
      try await client.send(Self.large[0])
      try await client.finishSending()
      let reader = Task {
        while !Task.isCancelled {
          client.readOnce()
          try? await Task.sleep(for: .milliseconds(60))
        }
      }
      #expect(try await client.answersUntilClosed().map(\.body.utf8.count) == [DemoServer.largeBytes])
      reader.cancel()
      #expect(begun.duration(to: .now) > .milliseconds(900), "longer than a client may take nothing")
    }
  }
}
