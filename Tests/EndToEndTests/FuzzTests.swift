import StrictJSON
import TestSupport
import Testing

/// Random requests over every route: no answer is a 5xx, every refusal is a problem, and the process lives on.
@Suite("Fuzz", .service) struct FuzzTests {
  /// The same seed sends the same requests; every failure prints it.
  private static let seed = UInt64.random(in: 0...UInt64.max)
  private static let connections = 8
  private static let requestsEach = 400

  @Test(
    "Thousands of broken requests over all routes and methods get problems only, no 5xx, from the same process", .asvs("16.5.1", "16.5.4"))
  func everyRoute() async throws {
    let service = try RunningService.shared()
    let before = service.processID()
    let statuses = try await withThrowingTaskGroup(of: [Int: Int].self) { group in
      for connection in 0..<Self.connections {
        group.addTask { try await storm(service, seed: Self.seed &+ UInt64(connection)) }
      }
      return try await group.reduce(into: [:]) { $0.merge($1) { $0 + $1 } }
    }
    #expect(statuses.values.reduce(0, +) == Self.connections * Self.requestsEach, "seed \(Self.seed): \(statuses)")
    #expect(statuses.keys.allSatisfy { (200..<500).contains($0) }, "seed \(Self.seed): \(statuses)")
    // A fuzz that only ever meets one wall tests nothing behind it.
    for status in [200, 400, 401, 404, 405, 415, 422] {
      #expect((statuses[status] ?? 0) > 5, "seed \(Self.seed): \(statuses)")
    }
    #expect(service.isRunning() && service.processID() == before)
    #expect(try await service.ask("GET", "/readyz").status == 200)
  }

  private func storm(_ service: RunningService, seed: UInt64) async throws -> [Int: Int] {
    var random = SeededGenerator(seed: seed)
    let user = try await service.proUser()
    let credentials = [
      user.token, try service.serviceKey("gate"), try service.serviceKey("work"), try service.serviceKey("accounts"), "gh_1forged", nil,
    ]
    var statuses: [Int: Int] = [:]
    var client: RawHTTP?
    for _ in 0..<Self.requestsEach {
      let request = Request(&random, credentials: credentials, user: user.id)
      let connection: RawHTTP
      if let client { connection = client } else { connection = try await RawHTTP.connect(port: service.port()) }
      client = connection
      try await connection.send(request.bytes)
      let answer = try await connection.answer(head: request.isHead)
      statuses[answer.status, default: 0] += 1
      let isProblem = answer["Content-Type"] == "application/problem+json"
      #expect((answer.status >= 400) == isProblem, "seed \(seed): \(request.text) -> \(answer)")
      #expect(answer.status < 500, "seed \(seed): \(request.text) -> \(answer)")
      for secret in ["SQLITE", "sqlite", "redis", "Swift.", "/tmp/", "fatal"] where isProblem {
        #expect(!answer.body.contains(secret), "seed \(seed): \(answer.body)")
      }
      if answer["Connection"] == "close" {
        await connection.close()
        client = nil
      }
    }
    await client?.close()
    return statuses
  }
}

/// One request, broken here and there.
private struct Request {
  let bytes: [UInt8]
  let isHead: Bool

  var text: String { String(decoding: bytes.prefix(1_000), as: UTF8.self) }

  init(_ random: inout SeededGenerator, credentials: [String?], user: String) {
    let routes = CataloguedRoute.all.filter { $0.listener != .ops }
    let route = random.pick(routes)
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "LINK"]
    // The session's own end would leave the rest of the storm with nobody logged in.
    var method = random.chance(8) ? random.pick(methods) : route.method
    if method == "DELETE", ["/v1/session", "/v1/sessions", "/v1/user"].contains(route.path) { method = "GET" }
    isHead = method == "HEAD"
    var path = route.path.replacing("{id}", with: random.pick(Self.ids)).replacing(
      "{policy}", with: random.pick(["api", "upload", "x", "%00"]))
    if random.chance(10) { path += random.pick(["/", "//", "/..", "/%2e%2e", "/%FF", ";x", "/x"]) }
    var query = route.query
    if random.chance(5) { query += (query.isEmpty ? "?" : "&") + random.pick(Self.queries) }
    var body = Array((route.body ?? "{}").replacing("usr_00000000000000", with: user).utf8)
    if random.chance(2) { body = Self.mutated(body, &random) }
    var head = "\(method) \(path)\(query) HTTP/1.1\r\nHost: fuzz\r\n"
    if let credential = random.pick(credentials) {
      head += random.chance(8) ? "Cookie: __Host-gatehouse=\(credential)\r\n" : "Authorization: Bearer \(credential)\r\n"
    }
    head +=
      "Content-Type: \(random.chance(10) ? random.pick(["text/plain", "", "application/json;q", "multipart/form-data"]) : "application/json")\r\n"
    if !random.chance(6) { head += "Idempotency-Key: k\(random.next() % 1_000)\r\n" }
    if random.chance(4) { head += random.pick(Self.fields) + "\r\n" }
    let hasBody = method != "TRACE" && !(["GET", "HEAD", "OPTIONS"].contains(method) && random.chance(2))
    bytes = Array("\(head)Content-Length: \(hasBody ? body.count : 0)\r\n\r\n".utf8) + (hasBody ? body : [])
  }

  private static let ids = [
    "usr_00000000000000", "ses_00000000000000", "ana_00000000000000", "rsv_00000000000000", "x", "%F0%9F", "'--", "%00", "usr_", "..",
    String(repeating: "a", count: 300),
  ]
  private static let queries = [
    "limit=1", "limit=-1", "limit=1e9", "cursor=AAAA", "cursor=%FF", "from=2026-01-01", "to=9999-12-31T23:59:59.999Z", "from=0000-00-00",
    "status=failed", "include=result", "x=1", "limit=1&limit=1", "%", "=", "&&&", "email=%00", "metric=%27", "format=csv", "user_id=x",
  ]
  private static let fields = [
    "Accept: text/csv;q=9,*/*;q=x", "Accept: ,,;;", "X-Forwarded-For: ,,1.1.1.1,::1,[::1]:80", "X-Request-Id: é", "Origin: null",
    "Sec-Fetch-Site: none", "Gatehouse-Client-IP: ::ffff:1.2.3.4", "Gatehouse-Client-IP: 999.1.1.1", "User-Agent: \u{1F600}/1 (Android;;)",
    "Cookie: ;;=;__Host-gatehouse", "Idempotency-Key: \"", "Content-Encoding: br", "Accept-Encoding: gzip", "Authorization: Bearer",
    "X-Forwarded-Method: DELETE", "If-None-Match: *", "Range: bytes=0-1",
  ]
  private static let values = [
    "null", "true", "-1", "0", "1.5", "1e309", "9223372036854775808", "\"\"", "\"\\u0000\"", "\"\\ud83d\"", "[]", "{}", "[[[[]]]]",
    "\"usr_\"",
    "\"2026-13-01T00:00:00Z\"", "\"9999-12-31T23:59:59.999999999+23:59\"", "\"\(String(repeating: "é", count: 600))\"", "\"Europe/Berlin\"",
  ]
  private static let names = [
    "email", "password", "name", "time_zone", "external_id", "limits", "require", "reserve", "peek", "token", "client_ip", "cost", "amount",
    "lease_seconds", "user_id", "metric", "metadata", "result", "error", "status", "plan", "plan_ends_at", "events", "reservation_id", "x",
  ]

  /// `body` with a member more, bytes changed, or cut short.
  private static func mutated(_ body: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    var body = body
    switch random.next() % 5 {
    case 0, 1:
      let member = "\"\(random.pick(names))\":\(random.pick(values))"
      body.replaceSubrange(0..<1, with: Array("{\(member)\(body.count > 2 ? "," : "")".utf8))
    case 2:
      for _ in 0...random.next() % 3 { body[Int(random.next() % UInt64(body.count))] = UInt8(truncatingIfNeeded: random.next()) }
    case 3: body.removeLast(Int(random.next() % UInt64(body.count)))
    default:
      // A value for a value: the shape stays right.
      let text = String(decoding: body, as: UTF8.self)
      if let colon = text.indices.filter({ text[$0] == ":" }).randomElement(using: &random) {
        let end = text[colon...].firstIndex { ",}".contains($0) } ?? text.endIndex
        body = Array((text[...colon] + random.pick(values) + text[end...]).utf8)
      }
    }
    return body
  }
}

extension SeededGenerator {
  /// True once in `count` times.
  fileprivate mutating func chance(_ count: UInt64) -> Bool { next() % count == 0 }

  fileprivate mutating func pick<Element>(_ elements: [Element]) -> Element { elements[Int(next() % UInt64(elements.count))] }
}
