import GatehouseHTTP
import TestSupport
import Testing

@Suite("Around the routes")
struct EdgeTests {
  private func ask(_ server: DemoServer, _ line: String, _ headers: String = "", head: Bool = false) async throws -> RawHTTP.Answer {
    let client = try await RawHTTP.connect(port: server.port)
    try await client.send("\(line) HTTP/1.1\r\nHost: a\r\n\(headers)\r\n")
    let answer = try await client.answer(head: head)
    await client.close()
    return answer
  }

  @Test("An unknown path is 404, a trailing slash too; a known path with another method is 405 with Allow")
  func routing() async throws {
    try await DemoServer.with { server in
      for path in ["/nothing", "/items/7/", "/items//7", "/items", "/"] {
        let answer = try await ask(server, "GET \(path)")
        #expect(answer.isProblem(404, "not_found"), "\(path): \(answer)")
      }
      let put = try await ask(server, "PUT /items/7", "Content-Length: 0\r\n")
      #expect(put.isProblem(405, "method_not_allowed") && put["Allow"] == "DELETE, GET, HEAD, OPTIONS")
      let options = try await ask(server, "OPTIONS /echo")
      #expect(options.status == 204 && options["Allow"] == "OPTIONS, POST")
      #expect(try await ask(server, "OPTIONS /nothing").isProblem(404, "not_found"))
      #expect(try await ask(server, "OPTIONS *").status == 204)
    }
  }

  @Test("HEAD answers as GET without the body, problems as well")
  func head() async throws {
    try await DemoServer.with { server in
      let client = try await RawHTTP.connect(port: server.port)
      try await client.send("HEAD /items/77 HTTP/1.1\r\nHost: a\r\n\r\n")
      let found = try await client.answer(head: true)
      #expect(found.status == 200 && found["Content-Length"] == "2")
      try await client.send("HEAD /nothing HTTP/1.1\r\nHost: a\r\n\r\nGET /items/7 HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await client.answer(head: true).status == 404)
      #expect(try await client.answer().body == "7")
    }
  }

  @Test("An error that nobody foresaw is a 503 with Retry-After, a thrown problem is itself", .asvs("16.5.4"))
  func errors() async throws {
    try await DemoServer.with { server in
      let broken = try await ask(server, "GET /broken")
      #expect(broken.isProblem(503, "unavailable") && broken["Retry-After"] == "1")
      let refused = try await ask(server, "GET /refused")
      #expect(refused.isProblem(403, "suspended") && refused.body.hasSuffix(",\"until\":7}"))
    }
  }

  @Test("A request id is taken when it is well formed, else made")
  func requestID() async throws {
    try await DemoServer.with { server in
      #expect(try await ask(server, "GET /items/7", "X-Request-Id: a.B-9_\r\n")["X-Request-Id"] == "a.B-9_")
      for bad in ["a b", "", String(repeating: "x", count: 65), "é"] {
        let made = try await ask(server, "GET /nothing", "X-Request-Id: \(bad)\r\n")
        #expect(made["X-Request-Id"]?.hasPrefix("req_") == true && made.isProblem(404, "not_found"))
      }
      let guarded = try await ask(server, "GET /items/7", "X-Request-Id: mine\r\nExpect: x\r\n")
      #expect(guarded["X-Request-Id"] == "mine" && guarded.isProblem(417, "expectation_failed"))
    }
  }

  @Test("Every answer forbids caching, sniffing and framing", .asvs("3.4.1", "14.3.2"))
  func securityHeaders() async throws {
    try await DemoServer.with { server in
      for line in ["GET /items/7", "GET /nothing", "PUT /echo"] {
        let answer = try await ask(server, line)
        #expect(answer["Cache-Control"] == "no-store" && answer["X-Content-Type-Options"] == "nosniff", "\(line)")
        #expect(answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'", "\(line)")
        #expect(answer["Referrer-Policy"] == "no-referrer" && answer["X-Frame-Options"] == "DENY", "\(line)")
        #expect(answer["Access-Control-Allow-Origin"] == nil && answer["Vary"] == nil, "\(line)")
      }
    }
  }

  @Test("CORS names exactly the origins that were configured")
  func crossOrigin() async throws {
    try await DemoServer.with(crossOrigin: CrossOrigin(origins: ["https://app.example"])) { server in
      let good = try await ask(server, "GET /nothing", "Origin: https://app.example\r\n")
      #expect(good["Access-Control-Allow-Origin"] == "https://app.example" && good["Vary"] == "Origin")
      #expect(good["Access-Control-Expose-Headers"]?.contains("RateLimit-Policy") == true)
      for origin in ["https://app.example.evil", "null", "http://app.example"] {
        let other = try await ask(server, "GET /items/7", "Origin: \(origin)\r\n")
        #expect(other["Access-Control-Allow-Origin"] == nil && other["Vary"] == "Origin")
      }
      let preflight = try await ask(server, "OPTIONS /echo", "Origin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n")
      #expect(preflight.status == 204 && preflight["Access-Control-Allow-Methods"] == "OPTIONS, POST")
    }
  }
}
