import StrictJSON
import TestSupport
import Testing

/// A backend that calls with its users' sessions, its own key beside them.
@Suite("On behalf of a session", .service) struct OnBehalfTests {
  private static let wrong = #"{"password":"not this one"}"#

  private func beside(_ service: RunningService, _ address: String? = nil, scopes: String = "accounts") throws -> [String: String] {
    var headers = ["Gatehouse-Key": try service.serviceKey(scopes)]
    headers["Gatehouse-Client-IP"] = address
    return headers
  }

  @Test("Attempts with a password count for the address that the backend names, not for the backend's own")
  func addresses() async throws {
    try await RunningService.with(environment: ["GATEHOUSE_POLICIES_LOGIN_NETWORK_LIMIT": "3"]) { service in
      let users = try await (0..<4).asyncMap { _ in try await service.newUser() }
      func reauthenticate(_ index: Int, _ headers: [String: String]) async throws -> Int {
        try await service.ask("POST", "/v1/session/reauthenticate", bearer: users[index].token, headers: headers, body: Self.wrong).status
      }
      func change(_ index: Int, _ headers: [String: String]) async throws -> Int {
        try await service.ask(
          "PUT", "/v1/user/password", bearer: users[index].token, headers: headers,
          body: #"{"current_password":"not this one","new_password":"a brand new passphrase"}"#
        ).status
      }
      // Many users of one backend, each at home.
      for round in 0..<2 {
        for index in 0..<4 {
          let home = try beside(service, "203.0.113.\(10 + index)")
          #expect(try await (round == 0 ? reauthenticate(index, home) : change(index, home)) == 401)
        }
      }
      // One address, whoever it tries to be.
      let attacker = try beside(service, "198.51.100.7")
      let statuses = try await [
        reauthenticate(0, attacker), change(1, attacker), reauthenticate(2, attacker), change(3, attacker), reauthenticate(3, attacker),
      ]
      #expect(statuses == [401, 401, 401, 429, 429])
    }
  }

  @Test("Without a key of scope accounts the address is refused and says why; a key that is wrong is refused by name")
  func refused() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    func ask(_ headers: [String: String]) async throws -> RunningService.Answer {
      try await service.ask(
        "POST", "/v1/session/reauthenticate", bearer: user.token, headers: headers, body: #"{"password":"\#(RunningService.password)"}"#)
    }
    try await ask(["Gatehouse-Client-IP": "203.0.113.7"]).expectProblem(403, "scope_missing", extras: #""scope": "accounts""#)
    try await ask(beside(service, "203.0.113.7", scopes: "gate,work")).expectProblem(
      403, "scope_missing", extras: #""scope": "accounts""#)
    try await ask(["Gatehouse-Key": "ghk_00000000000000_forged"]).expectProblem(401, "invalid_key")
    try await ask(["Gatehouse-Key": user.token]).expectProblem(401, "invalid_key")
    try await ask(beside(service, "nowhere")).expectProblem(400, "malformed_request")
    for (method, path) in [("GET", "/v1/analyses"), ("DELETE", "/v1/session"), ("POST", "/v1/analyses"), ("DELETE", "/v1/sessions")] {
      let answer = try await service.ask(
        method, path, bearer: user.token, headers: ["Gatehouse-Key": "ghk_00000000000000_forged", "Idempotency-Key": "k"],
        body: method == "POST" ? "{}" : nil)
      try answer.expectProblem(401, "invalid_key")
    }
    // No route of a session ignores what its caller believes to count.
    for (method, path) in [
      ("GET", "/v1/session"), ("GET", "/v1/sessions"), ("GET", "/v1/user"), ("GET", "/v1/usage"), ("GET", "/v1/usage/events"),
      ("GET", "/v1/analyses"), ("GET", "/v1/user/export"), ("POST", "/v1/session/rotate"), ("DELETE", "/v1/session"),
      ("DELETE", "/v1/sessions"),
    ] {
      for name in ["Gatehouse-Client-IP", "Gatehouse-Client-User-Agent"] {
        let answer = try await service.ask(method, path, bearer: user.token, headers: [name: "192.0.2.1"])
        try answer.expectProblem(403, "scope_missing", extras: #""scope": "accounts""#)
      }
    }
    let twice = "Gatehouse-Key: \(try service.serviceKey("accounts"))\r\n"
    let answer = try await service.raw(
      "GET /v1/user HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(user.token)\r\n\(twice)\(twice)\r\n")
    #expect(answer.status == 400 && answer.body.contains("ambiguous_credentials"))
    #expect(try await ask(beside(service, "203.0.113.7")).status == 200)
  }

  @Test("A read by a backend for its user costs the user nothing; a change does, and so does a key that may not vouch")
  func reads() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    func remaining() async throws -> Int64 {
      let answer = try await service.gate(user.token, #""peek":true"#)
      guard case .array(let list)? = answer.json["limits"], case .object(let api)? = list.first, case .number(let left)? = api["remaining"]
      else { return -1 }
      return left.asInt64 ?? -1
    }
    let vouched = try beside(service)
    let reads = [
      "/v1/session", "/v1/sessions", "/v1/user", "/v1/usage", "/v1/usage/events", "/v1/usage/history?from=2026-01-01&to=2026-01-02",
      "/v1/analyses",
    ]
    for path in reads {
      let answer = try await service.ask("GET", path, bearer: user.token, headers: vouched)
      #expect(answer.status == 200 && answer.headers["ratelimit"] == nil, "\(path)")
    }
    #expect(try await service.ask("GET", "/v1/user/export", bearer: user.token, headers: vouched).status == 200)
    #expect(try await remaining() == 60)
    #expect(try await service.ask("GET", "/v1/user", bearer: user.token, headers: beside(service, scopes: "gate,work")).status == 200)
    #expect(try await service.ask("PATCH", "/v1/user", bearer: user.token, headers: vouched, body: "{}").status == 200)
    #expect(try await remaining() == 58)
    // A full window does not keep the user from what the backend shows them.
    #expect(try await service.gate(user.token, #""limits":[{"policy":"api","cost":58}]"#).text("decision") == "allow")
    #expect(try await service.ask("GET", "/v1/usage", bearer: user.token).status == 429)
    #expect(try await service.ask("GET", "/v1/usage", bearer: user.token, headers: vouched).status == 200)
    // Vouching is no session: what has ended stays ended.
    #expect(try await service.ask("DELETE", "/v1/session", bearer: user.token).status == 204)
    try await service.ask("GET", "/v1/user", bearer: user.token, headers: vouched).expectProblem(401, "unauthenticated")
  }
}
