import Foundation
import TestSupport
import Testing

/// One function decides for a route and for the channel in front of it; here the whole answers of both are compared, byte by byte.
@Suite("The gate in the channel and by its route", .serialized) struct FastPathTests {
  private static let seed = UInt64.random(in: 0...UInt64.max)
  private static let requestsMax = 1_500

  @Test("Thousands of requests, valid and hostile, have the same answer both ways, with CORS and without", arguments: [false, true])
  func same(crossOrigin: Bool) async throws {
    let origins = crossOrigin ? ["GATEHOUSE_HTTP_ALLOWED_ORIGINS": "https://app.example.com"] : [:]
    let limits = ["GATEHOUSE_POLICIES_API_LIMIT_BY_PLAN_PRO": "1000000"]
    try await RunningService.with(environment: origins.merging(limits) { $1 }) { service in
      var random = SeededGenerator(seed: Self.seed)
      let cases = try await Cases(service)
      var ways = BothWays(service)
      var statuses: [Int: Int] = [:]
      for number in 0..<Self.requestsMax {
        // Chance alone asks about the user without units too seldom.
        let request = number == 0 ? cases.limited : cases.request(&random)
        let (first, second) = try await ways.answers(request)
        statuses[first.status, default: 0] += 1
        #expect(BothWays.bare(first) == BothWays.bare(second), "seed \(Self.seed): \(request)")
      }
      for status in [200, 401, 403, 415, 422, 429, 503] {
        #expect((statuses[status] ?? 0) > 0, "seed \(Self.seed): \(statuses)")
      }
      #expect(statuses[200, default: 0] > 200, "seed \(Self.seed): \(statuses)")
    }
  }

  @Test("After SIGTERM every question on an open connection is answered as ever, and the last answer says that the connection ends")
  func endOfService() async throws {
    try await RunningService.with { service in
      let token = try await service.proUser().token
      let last = try await withThrowingTaskGroup(of: String?.self) { group in
        for _ in 0..<16 {
          let connection = try await RawHTTP.connect(port: service.port())
          group.addTask {
            while true {
              try await connection.send("GET /v1/auth/api HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n\r\n")
              let answer = try await connection.answer()
              #expect(answer.status == 200 || answer.status == 429, "\(answer)")
              if answer["Connection"] != nil { return answer["Connection"] }
            }
          }
        }
        service.terminate()
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(last == Array(repeating: "close", count: 16))
      try await eventually("the process ends") { !service.isRunning() }
    }
  }

  @Test("A question whose client has gone is decided to its end before the process lets go of Redis and of the ledger")
  func orphaned() async throws {
    try await RunningService.with { service in
      let token = try await service.newUser().token
      let key = try service.serviceKey("gate")
      let body = #"{"token":"\#(token)","reserve":{"metric":"video_analysis","idempotency_key":"k"}}"#
      let lock = try LedgerLock(service.folder + "/gatehouse.sqlite")
      defer { lock.release() }
      let client = try await RawHTTP.connect(port: service.port())
      try await client.send(
        "POST /v1/gate HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(key)\r\nContent-Type: application/json\r\n"
          + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
      try await eventually("Redis holds the unit, and the ledger is asked") { try Self.holds(service) == 1 }
      try await client.reset()
      service.terminate()
      // In this time Redis is let go of, if nobody waits for the question.
      try? await eventually("the process has ended", within: .seconds(1)) { !service.isRunning() }
      lock.release()
      try await eventually("the process ends") { !service.isRunning() }
      #expect(try Self.holds(service) == 0, "the mark of a hold goes once the ledger has the units")
    }
  }

  /// The units that Redis holds for reservations, in the hashes of all users.
  private static func holds(_ service: RunningService) throws -> Int {
    try service.redis("keys", "*").split(separator: "\n").map(String.init).reduce(0) { count, name in
      guard try service.redis("type", name) == "hash\n" else { return count }
      return count + (try service.redis("hkeys", name).split(separator: "\n").count { $0.hasPrefix("h:") })
    }
  }

  @Test("A profile that counts addresses counts the client's, which the proxy names, in the channel as well")
  func addresses() async throws {
    let profile = [
      "GATEHOUSE_POLICIES_NAMES":
        "api,upload,login_pair,login_account,login_network,signup_network,mail_account,email_change,front",
      "GATEHOUSE_POLICIES_FRONT_BY": "ip", "GATEHOUSE_POLICIES_FRONT_LIMIT": "3",
      "GATEHOUSE_POLICIES_FRONT_WINDOW": "60s", "GATEHOUSE_PROFILES_API_POLICIES": "front",
    ]
    try await RunningService.with(environment: profile) { service in
      let token = try await service.proUser().token
      func status(_ address: String) async throws -> Int {
        try await service.ask("GET", "/v1/auth/api", bearer: token, headers: ["X-Forwarded-For": address]).status
      }
      for address in ["203.0.113.7", "203.0.113.8", "2001:db8::1"] {
        var statuses: [Int] = []
        for _ in 0..<4 { statuses.append(try await status(address)) }
        #expect(statuses == [200, 200, 200, 429], "\(address)")
      }
      #expect(try await status("2001:db8::2") == 429, "one client is a /64")
    }
  }

  /// The parts that requests are made of.
  private struct Cases {
    let tokens: [String]
    let keys: [String]
    /// A question about a user whose limit is used up.
    let limited: String

    init(_ service: RunningService) async throws {
      let pro = try await service.proUser().token
      let full = try await service.newUser()
      for _ in 0..<61 { _ = try await service.gate(full.token) }
      limited = "GET /v1/auth/api HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(full.token)\r\n\r\n"
      let suspended = try await service.newUser()
      let key = try service.serviceKey("accounts")
      let answer = try await service.ask("POST", "/v1/users/\(suspended.id)/suspension", bearer: key, body: #"{"reason":"test"}"#)
      guard (200..<300).contains(answer.status) else { throw RunningService.Failure(description: "suspend: \(answer.status)") }
      let ended = try await service.newUser()
      _ = try await service.ask("DELETE", "/v1/session", bearer: ended.token)
      tokens = [pro, pro, pro, pro, full.token, suspended.token, ended.token, "gh_1forged", "ghk_x", "", String(pro.dropLast()) + "x"]
      keys = [try service.serviceKey("gate"), try service.serviceKey("gate"), try service.serviceKey("gate"), key, "ghk_forged", pro]
    }

    func request(_ random: inout SeededGenerator) -> String {
      random.next() % 2 == 0 ? gate(&random) : forwardAuth(&random)
    }

    private func pick(_ texts: [String], _ random: inout SeededGenerator) -> String { texts[Int(random.next() % UInt64(texts.count))] }

    private func mostly(_ text: String, _ others: [String], _ random: inout SeededGenerator) -> String {
      random.next() % 4 > 0 ? text : pick(others, &random)
    }

    private func fields(_ random: inout SeededGenerator) -> String {
      let fields = [
        "Origin: https://app.example.com", "Origin: https://evil.example", "X-Request-Id: mine.1", "X-Request-Id: no good", "X-Request-Id:",
        "Connection: keep-alive", "Connection: close", "User-Agent: x/1", "Accept: */*", "Content-Encoding: gzip", "Cookie: a=b",
        "Cookie: __Host-gatehouse=\(tokens[0])", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site", "X-Forwarded-Method: GET",
        "X-Forwarded-Method: post", "Gatehouse-Method: own", "Gatehouse-Refuse: 403", "X-Forwarded-For: 203.0.113.7",
        "X-Forwarded-For: 203.0.113.7, 10.0.0.1", "X-Forwarded-For: unknown", "X-Forwarded-For: [::1]:80", "X-Forwarded-For: 1.2.3.04",
        "Gatehouse-Client-IP: 192.0.2.1", "Expect: 100-continue-not", "If-None-Match: *",
      ]
      return (0..<(random.next() % 4)).map { _ in pick(fields, &random) + "\r\n" }.joined()
    }

    private func forwardAuth(_ random: inout SeededGenerator) -> String {
      let method = pick(["GET", "GET", "GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD"], &random)
      let path = pick(
        ["/v1/auth/api", "/v1/auth/api", "/v1/auth/api/", "/v1/auth/api/x//y?a=%20", "/v1/auth/none", "/v1/auth/", "/v1/auth/%61pi"],
        &random)
      let token = mostly(tokens[0], tokens, &random)
      let credential = pick(
        [
          "Authorization: Bearer \(token)", "Authorization: Bearer \(token)", "authorization: bearer \(token) ", "Authorization: Basic x",
          "Cookie: __Host-gatehouse=\(token)", "Cookie: x=1; __Host-gatehouse=\(token) ;y=2", "Authorization: Bearer  \(token)",
          "X-None: 1",
          "Cookie: __Host-gatehouse=\(token); __Host-gatehouse=\(token)", "Authorization: Bearer",
        ], &random)
      return "\(method) \(path) HTTP/1.1\r\nHost: a\r\n\(credential)\r\n\(fields(&random))\r\n"
    }

    private func gate(_ random: inout SeededGenerator) -> String {
      let token = mostly(tokens[0], tokens, &random)
      let more = pick(
        [
          "", "", "", #","peek":true"#, #","limits":[{"policy":"api","cost":1}]"#, #","limits":[]"#, #","limits":[{"policy":"none"}]"#,
          #","limits":[{"policy":"login_pair"}]"#, #","limits":[{"policy":"api","cost":9999999}]"#, #","require":{"plan":"coach"}"#,
          #","require":{"email_verified":true}"#, #","require":{"authenticated_within_seconds":300}"#, #","client_ip":"203.0.113.7""#,
          #","x":1"#, #","token":"twice""#, #","reserve":{"metric":"none","idempotency_key":"k"}"#, #","user_agent":null"#, ",",
          #","peek":1"#,
        ], &random)
      let body = #"{"token":"\#(token)"\#(more)}"#
      let type = pick(
        ["application/json", "application/json", "application/json", "Application/JSON; charset=utf-8", "text/plain"], &random)
      let credential = mostly(
        "Authorization: Bearer \(keys[0])",
        ["Authorization: Bearer \(pick(keys, &random))", "authorization: BEARER \(keys[0])", "X-None: 1"], &random)
      return
        "POST \(pick(["/v1/gate", "/v1/gate", "/v1/gate", "/v1/gate?x=1", "/v1/gate/"], &random)) HTTP/1.1\r\nHost: a\r\n\(credential)\r\n"
        + "Content-Type: \(type)\r\n\(fields(&random))Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }
  }
}
