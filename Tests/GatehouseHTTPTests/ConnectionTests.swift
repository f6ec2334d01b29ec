import GatehouseHTTP
import NIOCore
import TestSupport
import Testing

@Suite("A connection")
struct ConnectionTests {
  private static let get = "GET /items/7 HTTP/1.1\r\nHost: a\r\n\r\n"

  @Test("A valid request is taken cut in two at any byte, and in single bytes")
  func fragments() async throws {
    let requests = [
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nT: v\r\n\r\n",
    ]
    try await DemoServer.with { server in
      for request in requests {
        let bytes = Array(request.utf8)
        let client = try await RawHTTP.connect(port: server.port)
        for cut in 1..<bytes.count {
          try await client.send(Array(bytes[..<cut]))
          try await client.send(Array(bytes[cut...]))
          let answer = try await client.answer()
          #expect(answer.status == 200 && answer.body == "hello", "cut at \(cut)")
        }
        for byte in bytes { try await client.send([byte]) }
        #expect(try await client.answer().body == "hello")
        await client.close()
      }
    }
  }

  @Test("Pipelined requests are answered in order, also after a half close")
  func pipelined() async throws {
    try await DemoServer.with { server in
      let client = try await RawHTTP.connect(port: server.port)
      try await client.send((0..<50).map { "GET /items/\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
      try await client.finishSending()
      let answers = try await client.answersUntilClosed()
      #expect(answers.map(\.body) == (0..<50).map(String.init))
    }
  }

  @Test(
    "A connection ends after its answer when either side says so, and the request behind does not run",
    arguments: [
      "GET /items/7 HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n", "GET /closing HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /items/7 HTTP/1.0\r\nHost: a\r\n\r\n", "GET /items/7 HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\n\r\n",
      "GET /items/7 HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    ])
  func ends(_ request: String) async throws {
    try await DemoServer.with { server in
      let answers = try await server.talk(request + "GET /canary HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(answers.map(\.status) == [200])
      #expect(answers.first?["Connection"] == "close")
      #expect(server.canaries == 0)
    }
  }

  @Test("A connection stays open for 1.0 that asks for it, and for 1.1; a 1.0 stream has no chunks and ends with the connection")
  func stays() async throws {
    try await DemoServer.with { server in
      let client = try await RawHTTP.connect(port: server.port)
      for _ in 0..<3 {
        try await client.send("GET /items/7 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        let answer = try await client.answer()
        #expect(answer.body == "7" && answer["Connection"] == "keep-alive")
        try await client.send(Self.get)
        #expect(try await client.answer()["Connection"] == nil)
      }
      try await client.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      let stream = try await client.answersUntilClosed()
      #expect(stream.first?["Transfer-Encoding"] == nil && stream.first?["Connection"] == "close")
      #expect(stream.first?.body.utf8.count == 256 * 65_536)
    }
  }

  @Test("An absolute target that names its host is taken, and so is an empty line before a request")
  func absolute() async throws {
    try await DemoServer.with { server in
      let client = try await RawHTTP.connect(port: server.port)
      try await client.send("\r\nGET http://A/items/7?x=1 HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await client.answer().body == "7")
    }
  }

  @Test("A client that waits for 100 Continue gets it, and other expectations are 417")
  func expectations() async throws {
    try await DemoServer.with { server in
      let client = try await RawHTTP.connect(port: server.port)
      try await client.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n")
      #expect(try await client.answer().status == 100)
      try await client.send("ok")
      #expect(try await client.answer().body == "ok")
      try await client.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 200-maybe\r\nContent-Length: 2\r\n\r\n")
      let answers = try await client.answersUntilClosed()
      #expect(answers.count == 1 && answers.first?.isProblem(417, "expectation_failed") == true)
      // A body that is too large is refused before it is sent.
      let large = try await server.talk("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n")
      #expect(large.count == 1 && large.first?.isProblem(413, "body_too_large") == true)
    }
  }
}
