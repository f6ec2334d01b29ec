import GatehouseHTTP
import TestSupport
import Testing

@Suite("A request that could be read in two ways")
struct SmugglingTests {
  static let post = "POST /echo HTTP/1.1\r\nHost: a\r\n"

  static let bad: [(name: String, bytes: String)] = [
    ("length and chunks", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("chunks and length", post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
    ("two lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde"),
    ("the same length twice", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde"),
    ("a list of lengths", post + "Content-Length: 5, 6\r\n\r\nabcde"),
    ("a list of the same length", post + "Content-Length: 5, 5\r\n\r\nabcde"),
    ("+5", post + "Content-Length: +5\r\n\r\nabcde"),
    ("-1", post + "Content-Length: -1\r\n\r\nabcde"),
    ("0x5", post + "Content-Length: 0x5\r\n\r\nabcde"),
    ("5 6", post + "Content-Length: 5 6\r\n\r\nabcde"),
    ("2^64", post + "Content-Length: 18446744073709551616\r\n\r\nabcde"),
    ("an empty length", post + "Content-Length: \r\n\r\nabcde"),
    ("chunked is not last", post + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
    ("gzip, chunked", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    ("chunked twice", post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    ("chunked in two lines", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("identity", post + "Transfer-Encoding: identity\r\n\r\nabcde"),
    ("xchunked", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    ("chunks in 1.0", "POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("space before the colon", post + "Content-Length : 5\r\n\r\nabcde"),
    ("a folded line", post + "X-A: b\r\n c\r\n\r\n"),
    ("a folded encoding", post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    ("NUL in a field", post + "X-A: b\0c\r\n\r\n"),
    ("CR in a field", post + "X-A: b\rc\r\n\r\n"),
    ("a control byte in a field", post + "X-A: b\u{1}c\r\n\r\n"),
    ("DEL in a field", post + "X-A: b\u{7F}c\r\n\r\n"),
    ("a line without colon", post + "nonsense\r\n\r\n"),
    ("an empty field name", post + ": x\r\n\r\n"),
    ("bare LF after a field", post + "X-A: b\nX-B: c\r\n\r\n"),
    ("bare LF in a chunk line", post + "Transfer-Encoding: chunked\r\n\r\n5\nabcde\r\n0\r\n\r\n"),
    ("bare LF after a chunk", post + "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\n0\r\n\r\n"),
    ("no end of a chunk", post + "Transfer-Encoding: chunked\r\n\r\n5\r\nabcdefg\r\n0\r\n\r\n"),
    ("a bad chunk size", post + "Transfer-Encoding: chunked\r\n\r\nz\r\nabcde\r\n0\r\n\r\n"),
    ("a negative chunk size", post + "Transfer-Encoding: chunked\r\n\r\n-5\r\nabcde\r\n0\r\n\r\n"),
    ("a chunk size of 2^64", post + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\nabcde\r\n0\r\n\r\n"),
    ("two hosts", "GET /canary HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    ("the same host twice", "GET /canary HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    ("two hosts in 1.0", "GET /canary HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
    ("no host", "GET /canary HTTP/1.1\r\n\r\n"),
    ("a host that is none", "GET /canary HTTP/1.1\r\nHost: a/b@c\r\n\r\n"),
    ("another host in the target", "GET http://b/canary HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a target without slash", "GET canary HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("another scheme", "GET ftp://a/canary HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"),
    ("a space in the target", "GET /canary x HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a fragment", "GET /canary#x HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bytes beyond ASCII in the target", "GET /canaryé HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a bad method", "GE T /canary HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a method of a later day", "G\u{1}T /canary HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("version 2.0", "GET /canary HTTP/2.0\r\nHost: a\r\n\r\n"),
    ("version 1.2", "GET /canary HTTP/1.2\r\nHost: a\r\n\r\n"),
    ("version 0.9", "GET /canary HTTP/0.9\r\nHost: a\r\n\r\n"),
    ("a version that is none", "GET /canary HTTP/x\r\nHost: a\r\n\r\n"),
    ("random bytes", "\u{16}\u{3}\u{1}\u{2}random\r\n\r\n"),
  ]

  @Test("A request that could be read in two ways is 400 once, the connection ends, and what follows never runs", .asvs("4.2.1", "4.2.2"))
  func canary() async throws {
    try await DemoServer.with { server in
      for (name, bytes) in Self.bad {
        let answers = try await server.talk(bytes + "GET /canary HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(answers.count == 1, "\(name)")
        #expect(answers.first?.isProblem(400, "malformed_request") == true, "\(name): \(answers)")
        #expect(answers.first?["Connection"] == "close", "\(name)")
        #expect(server.canaries == 0, "\(name)")
      }
    }
  }

  @Test("A request that could be read in two ways does not spoil the one before it, whose answer comes first")
  func order() async throws {
    try await DemoServer.with { server in
      let good = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok"
      for (name, bytes) in Self.bad {
        let answers = try await server.talk(good + bytes + "GET /canary HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(answers.map(\.status) == [200, 400], "\(name)")
        #expect(answers.first?.body == "ok", "\(name)")
        #expect(server.canaries == 0, "\(name)")
      }
    }
  }

  @Test("A body that lacks its end is never handed to a route")
  func cutBody() async throws {
    try await DemoServer.with { server in
      let client = try await RawHTTP.connect(port: server.port)
      try await client.send(Self.post + "Content-Length: 50\r\n\r\nabc")
      try await client.finishSending()
      let answers = try await client.answersUntilClosed()
      #expect(answers.count == 1)
      #expect(answers.first?.isProblem(400, "malformed_request") == true)
    }
  }
}
