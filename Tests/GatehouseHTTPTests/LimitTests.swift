import GatehouseHTTP
import NIOCore
import TestSupport
import Testing

@Suite("Limits")
struct LimitTests {
  private static let post = "POST /echo HTTP/1.1\r\nHost: a\r\n"

  private static func filled(_ count: Int) -> String { String(repeating: "x", count: count) }

  @Test("A request beyond a limit of size gets its status, a problem, and the end of the connection")
  func sizes() async throws {
    let cases: [(String, Int, String)] = [
      ("GET /\(Self.filled(9_000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414, "uri_too_long"),
      ("GET /\(Self.filled(100_000))", 414, "uri_too_long"),
      ("GET / HTTP/1.1\r\nHost: a\r\nX: \(Self.filled(9_000))\r\n\r\n", 431, "headers_too_large"),
      ("GET / HTTP/1.1\r\nHost: a\r\n" + (0..<4).map { "X\($0): \(Self.filled(5_000))\r\n" }.joined() + "\r\n", 431, "headers_too_large"),
      ("GET / HTTP/1.1\r\nHost: a\r\n" + (0..<101).map { "X\($0): y\r\n" }.joined() + "\r\n", 431, "headers_too_large"),
      (Self.post + "Content-Length: 65537\r\n\r\n", 413, "body_too_large"),
      (Self.post + "Content-Length: 65537\r\n\r\n" + Self.filled(65_537), 413, "body_too_large"),
      (Self.post + "Transfer-Encoding: chunked\r\n\r\n10001\r\n" + Self.filled(65_537) + "\r\n0\r\n\r\n", 413, "body_too_large"),
    ]
    try await DemoServer.with { server in
      for (request, status, code) in cases {
        let answers = try await server.talk(request)
        #expect(answers.count == 1 && answers.first?.isProblem(status, code) == true, "\(status) \(request.prefix(60)): \(answers)")
        #expect(answers.first?["Connection"] == "close")
      }
    }
  }

  @Test("The limit of a body is as large as the contract says, by path")
  func bodyCaps() async throws {
    try await DemoServer.with { server in
      let client = try await RawHTTP.connect(port: server.port)
      try await client.send(Self.post + "Content-Length: 65536\r\n\r\n" + Self.filled(65_536))
      #expect(try await client.answer().body.utf8.count == 65_536)
      try await client.send("POST /v1/gate/batch HTTP/1.1\r\nHost: a\r\nContent-Length: 524288\r\n\r\n" + Self.filled(524_288))
      #expect(try await client.answer().body == "524288")
      try await client.send("POST /v1/gate/batch HTTP/1.1\r\nHost: a\r\nContent-Length: 524289\r\n\r\n")
      #expect(try await client.answer().isProblem(413, "body_too_large"))
    }
  }

  @Test("An endless body stops being read")
  func endless() async throws {
    var limits = HTTPLimits()
    limits.discardedBytesMax = 100_000
    limits.lingerTimeout = .seconds(15)
    try await DemoServer.with(limits) { server in
      let client = try await RawHTTP.connect(port: server.port)
      try await client.send(Self.post + "Transfer-Encoding: chunked\r\n\r\n")
      let chunk = "4000\r\n" + Self.filled(16_384) + "\r\n"
      // The kernel's buffers take some megabytes; a server that read on would take all of this.
      await #expect(throws: (any Error).self) {
        for _ in 0..<20_000 { try await client.send(chunk) }
      }
    }
  }

  @Test("A header that takes too long is 408 once some of it came, and silence before")
  func slowHeader() async throws {
    var limits = HTTPLimits()
    limits.headerTimeout = .milliseconds(150)
    try await DemoServer.with(limits) { server in
      #expect(try await server.talk("GET /items/7 HTTP/1.1\r\nHo").first?.isProblem(408, "request_timeout") == true)
      #expect(try await server.talk("").isEmpty)
      let client = try await RawHTTP.connect(port: server.port)
      try await client.send("GET /items/7 HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await client.answer().status == 200)
      try await client.send("GET /it")
      #expect(try await client.answer().isProblem(408, "request_timeout"))
    }
  }

  @Test("A body that takes too long is 408, and the route never runs")
  func slowBody() async throws {
    var limits = HTTPLimits()
    limits.bodyTimeout = .milliseconds(150)
    try await DemoServer.with(limits) { server in
      let answers = try await server.talk(Self.post + "Content-Length: 5\r\n\r\nab")
      #expect(answers.count == 1 && answers.first?.isProblem(408, "request_timeout") == true)
    }
  }

  @Test("A connection that stays idle too long is closed without a word")
  func idle() async throws {
    var limits = HTTPLimits()
    limits.idleTimeout = .milliseconds(150)
    try await DemoServer.with(limits) { server in
      let answers = try await server.talk("GET /items/7 HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(answers.map(\.status) == [200])
    }
  }

  @Test("A client that stops reading its answer is dropped", .timeLimit(.minutes(1)))
  func slowReader() async throws {
    var limits = HTTPLimits()
    limits.writeTimeout = .milliseconds(300)
    try await DemoServer.with(limits) { server in
      let client = try await RawHTTP.connect(port: server.port, receives: false)
      try await client.send("GET /flood HTTP/1.1\r\nHost: a\r\n\r\n")
      await server.streamIsCut()
      await client.close()
    }
  }
}
