import StrictJSON
import TestSupport
import Testing

/// Requests that can't be read, or are wrong, and the order in which a request is judged.
@Suite("Bad input", .service) struct BadInputTests {
  @Test(
    "A body that can't be read is 400, a wrong value 422, and the problem says what to fix", .asvs("1.5.2", "2.2.1"), arguments: BadBody.all
  )
  func body(_ sent: BadBody) async throws {
    let service = try RunningService.shared()
    let head = "POST /v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: \(sent.bytes.count)\r\n\r\n"
    let answer = try await service.raw(Array(head.utf8) + sent.bytes)
    let code = sent.status == 400 ? "malformed_request" : "invalid_fields"
    #expect(answer.status == sent.status && answer.body.contains(#""code":"\#(code)""#), "\(answer)")
    #expect(answer.body.contains(sent.status == 400 ? "The body is not valid JSON. " : #""message":""#))
  }

  @Test(
    "Whole numbers are whole numbers within their range", .asvs("1.4.2", "15.3.5"),
    arguments: [
      "-1", "0", "2147483648", "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1e309", "1.5",
      "1.0", "1e2", #""1""#, "true", "[]", "{}", "100000000000000000000000000000000000000",
    ])
  func numbers(_ number: String) async throws {
    let service = try RunningService.shared()
    let (gate, work) = (try service.serviceKey("gate"), try service.serviceKey("work"))
    let user = "usr_00000000000000"
    let calls: [(String, String, String, String)] = [
      ("POST", "/v1/limits/upload/check", gate, #"{"subject":"x","cost":\#(number)}"#),
      ("POST", "/v1/gate", gate, #"{"token":"gh_1x","limits":[{"policy":"api","cost":\#(number)}]}"#),
      ("POST", "/v1/gate", gate, #"{"token":"gh_1x","require":{"authenticated_within_seconds":\#(number)}}"#),
      ("POST", "/v1/gate", gate, #"{"token":"gh_1x","reserve":{"metric":"video_analysis","idempotency_key":"k","amount":\#(number)}}"#),
      ("POST", "/v1/reservations", work, #"{"user_id":"\#(user)","metric":"video_analysis","amount":\#(number)}"#),
      ("POST", "/v1/reservations", work, #"{"user_id":"\#(user)","metric":"video_analysis","lease_seconds":\#(number)}"#),
      ("POST", "/v1/reservations/rsv_00000000000000/commit", work, #"{"amount":\#(number)}"#),
      ("POST", "/v1/reservations/rsv_00000000000000/extend", work, #"{"lease_seconds":\#(number)}"#),
      ("PATCH", "/v1/analyses/ana_00000000000000", work, #"{"status":"running","lease_seconds":\#(number)}"#),
    ]
    for (method, path, key, body) in calls {
      let answer = try await service.ask(method, path, bearer: key, headers: ["Idempotency-Key": "n"], body: body)
      #expect(answer.status == 422 && answer.text("code") == "invalid_fields", "\(path) \(body): \(answer.status)")
    }
  }

  @Test("Query parameters are known, stand once, can be decoded and are within their range", .asvs("2.2.1", "15.3.7"))
  func queries() async throws {
    let service = try RunningService.shared()
    let token = try await service.newUser().token
    let bad: [(String, Int)] = [
      ("/v1/sessions?x=1", 400), ("/v1/sessions?limit=1&limit=2", 400), ("/v1/sessions?limit=%FF", 400), ("/v1/sessions?limit=%zz", 400),
      ("/v1/sessions?limit=%001", 400), ("/v1/sessions?LIMIT=1", 400), ("/v1/sessions?limit=0", 422), ("/v1/sessions?limit=101", 422),
      ("/v1/sessions?limit=-1", 422), ("/v1/sessions?limit=1.5", 422), ("/v1/sessions?limit=99999999999999999999", 422),
      ("/v1/sessions?limit=", 422), ("/v1/sessions?limit=+5", 422), ("/v1/analyses?status=done", 422), ("/v1/analyses?from=yesterday", 422),
      ("/v1/analyses?include=everything", 422), ("/v1/analyses?user_id=usr_00000000000000", 400), ("/v1/usage?x", 400),
      ("/v1/user?a=1", 400),
      ("/v1/usage/history?metric=nothing&from=2026-01-01&to=2026-01-02", 422),
    ]
    for (path, status) in bad {
      let answer = try await service.raw("GET \(path) HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n\r\n")
      #expect(answer.status == status, "\(path): \(answer)")
      #expect(answer["Content-Type"] == "application/problem+json", "\(path)")
    }
  }

  @Test(
    "Every route that takes a body refuses other media types, codings and query parameters", .asvs("2.2.1"),
    arguments: CataloguedRoute.all.filter { $0.body != nil })
  func bodies(_ route: CataloguedRoute) async throws {
    let service = try RunningService.shared()
    let port = route.listener == .ops ? service.opsPort() : service.port()
    let bearer: String? =
      switch route.opens {
      case .key(let scope): try service.serviceKey(scope)
      case .session, .sessionOr: try await service.newUser().token
      case .anybody, .anybodyOr: nil
      }
    func ask(_ path: String, _ headers: [String: String], _ body: String) async throws -> RunningService.Answer {
      try await service.ask(
        route.method, path, at: port, bearer: bearer, headers: headers.merging(["Idempotency-Key": "k"]) { $1 }, body: body)
    }
    let body = try #require(route.body)
    for type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
      try await ask(route.address, ["Content-Type": type], body).expectProblem(415, "unsupported_media_type")
    }
    try await ask(route.address, ["Content-Encoding": "gzip"], body).expectProblem(415, "unsupported_media_type")
    try await ask(route.address, [:], "{").expectProblem(400, "malformed_request")
    try await ask(route.address + "?x=1", [:], body).expectProblem(400, "malformed_request")
    let unknown = try await ask(route.address, ["Content-Type": "Application/JSON; charset=utf-8"], #"{"nothing_like_this":1}"#)
    #expect(unknown.status == 422 && String(decoding: unknown.body, as: UTF8.self).contains("/nothing_like_this"))
  }

  @Test("A request is judged in the contract's order: the first fault that applies is the one that is told")
  func order() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    let key = ["Idempotency-Key": "two words"]
    // Each step mends what the one before was refused for.
    let large = String(repeating: "x", count: 70_000)
    let steps: [(String, RunningService.Answer)] = [
      ("not_found", try await service.ask("PUT", "/v1/analyses/", headers: ["Content-Type": "text/plain"], body: "{")),
      ("method_not_allowed", try await service.ask("PUT", "/v1/analyses?x=1", headers: ["Content-Type": "text/plain"], body: "{")),
      ("unauthenticated", try await service.ask("POST", "/v1/analyses?x=1", headers: ["Content-Type": "text/plain"], body: "{")),
      (
        "unsupported_media_type",
        try await service.ask("POST", "/v1/analyses?x=1", bearer: user.token, headers: ["Content-Type": "text/plain"], body: "{")
      ),
      ("malformed_request", try await service.ask("POST", "/v1/analyses", bearer: user.token, headers: key, body: "{")),
      ("invalid_fields", try await service.ask("POST", "/v1/analyses", bearer: user.token, headers: key, body: #"{"x":1}"#)),
      ("idempotency_key_invalid", try await service.ask("POST", "/v1/analyses", bearer: user.token, headers: key, body: "{}")),
      ("not_found", try await service.startAnalysis(user.token, "k", body: #"{"reservation_id":"rsv_00000000000000"}"#)),
    ]
    for (index, (code, answer)) in steps.enumerated() {
      #expect(answer.text("code") == code, "step \(index): \(answer.text("code") ?? "")")
    }
    let framing = try await service.raw("PUT /v1/nothing/ HTTP/1.1\r\nHost: a\r\nContent-Length: \(large.utf8.count)\r\n\r\n")
    #expect(framing.status == 413)
  }

  @Test("Limits come last: what can't be read costs nothing and is told so even when nothing is left")
  func limitsLast() async throws {
    let service = try RunningService.shared()
    let token = try await service.newUser().token
    for _ in 0..<10 { #expect(try await service.ask("PATCH", "/v1/user", bearer: token, body: "{").status == 400) }
    // Whichever window counts, it is the first unit.
    var answer = try await service.ask("GET", "/v1/user", bearer: token)
    #expect(answer.headers["ratelimit"]?.hasPrefix(#""api";r=59;"#) == true)
    for _ in 0..<200 where answer.status == 200 { answer = try await service.ask("GET", "/v1/user", bearer: token) }
    #expect(answer.status == 429)
    for (body, status) in [("{", 400), (#"{"x":1}"#, 422)] {
      #expect(try await service.ask("PATCH", "/v1/user", bearer: token, body: body).status == status)
    }
    #expect(try await service.ask("DELETE", "/v1/session", bearer: token).status == 204, "nobody is kept from logging out")
  }

  @Test("A password is what was sent, to the last byte: NUL, letter case and all of its length count", .asvs("6.2.8"))
  func passwords() async throws {
    let service = try RunningService.shared()
    let key = try service.serviceKey("accounts")
    func call(_ path: String, _ email: String, _ password: String) async throws -> Int {
      try await service.ask(
        "POST", path, bearer: key, headers: ["Gatehouse-Client-IP": "10.9.0.\(Int.random(in: 1...254))"],
        body: #"{"email":"\#(email)","password":"\#(password)"}"#
      ).status
    }
    let long = (0..<1_023).map { String(UnicodeScalar(UInt8(97 + $0 * 7 % 26))) }.joined()
    let cases = [
      (#"quiet\u0000canary sings"#, [#"quiet"#, #"quiet\u0000"#, #"quiet\u0000canary singS"#, "quietcanary sings"]),
      (long + "y", [long + "z", long, String(long.prefix(72))]),
      ("Grüße an die Nachtigall", ["grüße an die nachtigall", "Gruesse an die Nachtigall"]),
    ]
    for (right, wrong) in cases {
      let email = "pw-\(UInt32.random(in: 0...UInt32.max))@example.com"
      #expect(try await call("/v1/users", email, right) == 201)
      for guess in wrong { #expect(try await call("/v1/sessions", email, guess) == 401) }
      #expect(try await call("/v1/sessions", email, right) == 201)
    }
    let tooLong = try await service.ask(
      "POST", "/v1/users", bearer: key, body: #"{"email":"long@example.com","password":"\#(long + "xy")"}"#)
    #expect(tooLong.status == 422)
  }

  @Test("Bodies have their caps: 64 KiB, 128 KiB for a report with a result of 64, 512 KiB for usage events; 1 MiB is refused early")
  func caps() async throws {
    let service = try RunningService.shared()
    let key = try service.serviceKey("work")
    let user = try await service.newUser()
    func send(_ method: String, _ path: String, _ size: Int) async throws -> Int {
      let padding = String(repeating: " ", count: size - 2)
      let head = "\(method) \(path) HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(key)\r\nContent-Type: application/json\r\n"
      return try await service.raw("\(head)Content-Length: \(size)\r\n\r\n{\(padding)}").status
    }
    for (method, path, cap) in [
      ("POST", "/v1/reservations", 65_536), ("PATCH", "/v1/analyses/ana_00000000000000", 131_072), ("POST", "/v1/usage/events", 524_288),
    ] {
      #expect(try await send(method, path, cap) == 422, "\(path) at its cap")
      #expect(try await send(method, path, cap + 1) == 413, "\(path) above it")
      #expect(try await send(method, path, 1_048_576) == 413, "\(path) at 1 MiB")
    }
    let id = try #require(try await service.startAnalysis(user.token, "cap").text("analysis.id"))
    func report(_ count: Int) async throws -> RunningService.Answer {
      let result = "\"\(String(repeating: "x", count: count - 2))\""
      return try await service.ask("PATCH", "/v1/analyses/\(id)", bearer: key, body: #"{"status":"completed","result":\#(result)}"#)
    }
    let large = try await report(65_537)
    #expect(large.status == 422 && String(decoding: large.body, as: UTF8.self).contains(#""code":"too_long""#))
    #expect(try await report(65_536).status == 200)
  }

  @Test("A value that a caller stores comes back as it was, whatever it looks like", .asvs("1.2.3", "1.2.4", "1.3.3"))
  func roundTrip() async throws {
    let service = try RunningService.shared()
    let token = try await service.newUser().token
    for name in [
      #"'; DROP TABLE users; --"#, #"%s%b%n \r\n"#, #"\u2028\u2029\"\\</script>"#, #"}*{gh:}"#, #"👩‍👩‍👧 ﷽ Ω"#, #"\u0001\u001f\u007f"#,
    ] {
      let answer = try await service.ask("PATCH", "/v1/user", bearer: token, body: #"{"name":"\#(name)"}"#)
      #expect(answer.status == 200)
      #expect(answer.json["name"] == (try JSONValue.parse("\"\(name)\"")), "\(name)")
    }
  }
}

/// A body and what it is answered.
struct BadBody: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let bytes: [UInt8]
  let status: Int

  init(_ name: String, _ body: String, _ status: Int) { self.init(name, Array(body.utf8), status) }

  init(_ name: String, _ body: [UInt8], _ status: Int) {
    testDescription = name
    bytes = body
    self.status = status
  }
}

extension BadBody {
  static let all: [BadBody] = [
    .init("nothing", "", 400), .init("no JSON", "email=x", 400), .init("cut short", #"{"email":"a"#, 400),
    .init("a byte order mark", [0xEF, 0xBB, 0xBF] + Array(#"{"email":"a@b.cd","password":"x"}"#.utf8), 400),
    .init("UTF-16", [0xFF, 0xFE] + Array("{}".utf16).flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }, 400),
    .init("invalid UTF-8", Array(#"{"email":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8), 400),
    .init("an overlong NUL", Array(#"{"email":""#.utf8) + [0xC0, 0x80] + Array(#""}"#.utf8), 400),
    .init("a lone surrogate", #"{"email":"\ud800","password":"x"}"#, 400),
    .init("a name twice", #"{"email":"a@b.cd","email":"b@b.cd"}"#, 400),
    .init("a name twice, spelled otherwise", #"{"email":"a@b.cd","\u0065mail":"b@b.cd"}"#, 400),
    .init("33 levels", #"{"x":"# + String(repeating: "[", count: 33) + String(repeating: "]", count: 33) + "}", 400),
    .init("100,000 characters of depth", String(repeating: "[", count: 50_000), 400), .init("NaN", #"{"email":NaN}"#, 400),
    .init("a control character", "{\"email\":\"a\u{1}b\"}", 400), .init("more behind it", "{} {}", 400),
    .init("a comment", "{/**/}", 400), .init("a comma too much", #"{"email":"a@b.cd",}"#, 400),
    .init("a number of 200 digits", #"{"x":\#(String(repeating: "9", count: 200))}"#, 400),
    .init("no object", "[]", 422), .init("null", "null", 422), .init("no field", "{}", 422),
    .init("an unknown field", #"{"email":"a@b.cd","password":"x","plan":"pro"}"#, 422),
    .init("other types", #"{"email":7,"password":["x"]}"#, 422), .init("null fields", #"{"email":null,"password":null}"#, 422),
    .init("another class", #"{"email":"a@b.cd","password":"x","class":"root"}"#, 422),
    .init("a NUL where none may be", #"{"email":"a\u0000@b.cd","password":"x"}"#, 422),
    .init("a device of 101 characters", #"{"email":"a@b.cd","password":"x","device":"\#(String(repeating: "d", count: 101))"}"#, 422),
  ]
}
