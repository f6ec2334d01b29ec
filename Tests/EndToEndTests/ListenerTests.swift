import Foundation
import StrictJSON
import TestSupport
import Testing

@Suite("Listeners", .service) struct ListenerTests {
  @Test("Health needs nothing on either listener; readiness says how Redis and the ledger are")
  func health() async throws {
    let service = try RunningService.shared()
    for port in [service.port(), service.opsPort()] {
      try await service.ask("GET", "/livez", at: port).expect(200, #"{"status": "alive"}"#)
      var ready = try await service.ask("GET", "/readyz", at: port)
      try await eventually("the lease is held") {
        if ready.text("status") != "ready" { ready = try await service.ask("GET", "/readyz", at: port) }
        return ready.text("status") == "ready"
      }
      try ready.expect(200, #"{"status": "ready", "redis": "up", "ledger": "up", "clock": "believed"}"#)
    }
  }

  @Test("Without Redis readiness is 200 degraded, and ready again once Redis is back")
  func degraded() async throws {
    try await RunningService.with { service in
      try service.killRedis()
      var answer = try await service.ask("GET", "/readyz")
      try await eventually("the loss is noticed") {
        answer = try await service.ask("GET", "/readyz")
        return answer.text("status") == "degraded"
      }
      try answer.expect(200, #"{"status": "degraded", "redis": "down", "ledger": "up", "clock": "believed"}"#)
      try service.startRedis()
      try await eventually("Redis is used again", within: .seconds(30)) {
        try await service.ask("GET", "/readyz").text("status") == "ready"
      }
    }
  }

  @Test("One client has so many connections and no more, unless it is a trusted proxy; what is open goes on, and room comes back")
  func connectionsOfOneClient() async throws {
    let bounded = ["GATEHOUSE_HTTP_CONNECTIONS_PER_ADDRESS": "70", "GATEHOUSE_TRUSTED_PROXIES": "192.0.2.1"]
    for (environment, isBounded) in [(bounded, true), (["GATEHOUSE_HTTP_CONNECTIONS_PER_ADDRESS": "70"], false)] {
      try await RunningService.with(environment: environment) { service in
        var clients: [RawHTTP] = []
        for _ in 0..<140 { clients.append(try await RawHTTP.connect(port: service.port())) }
        let answered = await clients.asyncMap { client in
          try? await client.send("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
          return (try? await client.answer().status) == 200
        }.count { $0 }
        // The test's own calls hold some of the places.
        #expect(isBounded ? (60...70).contains(answered) : answered == 140, "\(answered)")
        for client in clients { await client.close() }
        try await eventually("there is room again") { try await service.ask("GET", "/livez").status == 200 }
      }
    }
  }

  @Test("A route is on its own listener and nowhere else", .asvs("13.4.5"), arguments: CataloguedRoute.all.filter { $0.listener != .both })
  func apart(_ route: CataloguedRoute) async throws {
    let service = try RunningService.shared()
    let (here, there) = route.listener == .ops ? (service.opsPort(), service.port()) : (service.port(), service.opsPort())
    try await service.ask(route.method, route.address, at: there).expectProblem(404, "not_found")
    #expect(try await service.ask(route.method, route.address, at: here).text("code") != "not_found")
  }

  @Test(
    "Each address knows its methods: another is 405 with Allow, HEAD goes with GET, OPTIONS lists them", .asvs("4.1.4", "13.4.4"),
    arguments: CataloguedRoute.all)
  func methods(_ route: CataloguedRoute) async throws {
    let service = try RunningService.shared()
    let port = route.listener == .ops ? service.opsPort() : service.port()
    var known = Set(CataloguedRoute.all.filter { $0.path == route.path && $0.listener == route.listener }.map(\.method))
    if known.contains("GET") { known.insert("HEAD") }
    let allow = (known.union(["OPTIONS"])).sorted().joined(separator: ", ")
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"] where !known.contains(method) {
      let answer = try await service.raw(
        "\(method) \(route.address) HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", head: method == "HEAD", at: port)
      #expect(answer.status == 405 && answer["Allow"] == allow, "\(method) \(route.path): \(answer)")
    }
    let options = try await service.raw("OPTIONS \(route.address) HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\n\r\n", at: port)
    #expect(options.status == 204 && options["Allow"] == allow)
    #expect(options["Access-Control-Allow-Origin"] == nil && options["Vary"] == nil, "CORS is off")
    let slash = try await service.raw(
      "\(route.method) \(route.address)/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", head: route.method == "HEAD", at: port)
    #expect(slash.status == 404, "a trailing slash is another address")
  }

  @Test("HEAD is GET without the body, refusals as well")
  func head() async throws {
    let service = try RunningService.shared()
    let token = try await service.newUser().token
    for (credential, status) in [("Authorization: Bearer \(token)\r\n", 200), ("", 401)] {
      let client = try await RawHTTP.connect(port: service.port())
      try await client.send("HEAD /v1/user HTTP/1.1\r\nHost: a\r\n\(credential)\r\nGET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
      let answer = try await client.answer(head: true)
      #expect(answer.status == status && (answer["Content-Length"].flatMap { Int($0) } ?? 0) > 100)
      #expect(try await client.answer().body == #"{"status":"alive"}"#)
      await client.close()
    }
  }

  @Test("A Host is required once and must be one; 100 Continue comes before the body")
  func host() async throws {
    let service = try RunningService.shared()
    for (headers, status) in [("", 400), ("Host: a\r\nHost: a\r\n", 400), ("Host: a b\r\n", 400), ("Host: anything.example:80\r\n", 200)] {
      #expect(try await service.raw("GET /livez HTTP/1.1\r\n\(headers)\r\n").status == status, "\(headers)")
    }
    let body = #"{"email":"nobody@example.com","password":"x"}"#
    let client = try await RawHTTP.connect(port: service.port())
    try await client.send(
      "POST /v1/sessions HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
    )
    #expect(try await client.answer().status == 100)
    try await client.send(body)
    #expect(try await client.answer().status == 401)
    await client.close()
  }

  @Test("The ops listener opens to a key with scope admin, the socket to its owner, whatever credential is sent there", .asvs("8.2.1"))
  func admin() async throws {
    let service = try RunningService.shared()
    let port = service.opsPort()
    func keys(_ bearer: String?) async throws -> RunningService.Answer {
      try await service.ask("GET", "/v1/admin/keys", at: port, bearer: bearer)
    }
    try await keys(nil).expectProblem(401, "invalid_key")
    try await keys("ghk_wrong").expectProblem(401, "invalid_key")
    try await keys(service.newUser().token).expectProblem(401, "invalid_key")
    try await keys(service.serviceKey("gate,work,accounts")).expectProblem(403, "scope_missing", extras: #""scope": "admin""#)
    let listed = try await keys(service.serviceKey("admin"))
    #expect(listed.status == 200 && listed.data.count >= 2)
    #expect(!String(decoding: listed.body, as: UTF8.self).contains("ghk_"), "a key is shown once, when it is made")
    #expect(try service.operate("GET", "/v1/admin/keys").status == 200)
    let attributes = try FileManager.default.contentsOfDirectory(atPath: service.folder).filter { $0.hasPrefix("ops-") }.map {
      try FileManager.default.attributesOfItem(atPath: "\(service.folder)/\($0)")[.posixPermissions] as? Int
    }
    #expect(!attributes.isEmpty && attributes.allSatisfy { $0.map { $0 & 0o077 } == 0 })
  }

  @Test("An operator sees a user whole, changes plan and status with a reason, finds and deletes")
  func operate() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    func shape(plan: String, ends: String = "null", limit: String, remaining: String, status: String = "active", reason: String = "null")
      -> Shape
    {
      Shape(
        """
        {"id": "\(user.id)", "external_id": null, "email": "\(user.email)", "email_verified": false, "pending_email": null, "name": null,
         "time_zone": "UTC", "plan": "\(plan)", "plan_ends_at": \(ends), "status": "\(status)", "suspended_reason": \(reason),
         "created_at": "<instant>", "last_login_at": "<instant>", "password_scheme": "argon2id", "sessions_live": 1,
         "allowances": [\(Shape.standing(limit: limit, used: 0, held: 0, remaining: remaining))], "overrides": []}
        """)
    }
    let key = try service.serviceKey("admin")
    func change(_ body: String) async throws -> RunningService.Answer {
      try await service.ask("PATCH", "/v1/admin/users/\(user.id)", at: service.opsPort(), bearer: key, body: body)
    }
    try await service.ask("GET", "/v1/admin/users/\(user.id)", at: service.opsPort(), bearer: key)
      .expect(200, shape(plan: "free", limit: "1", remaining: "1"))
    try await change(#"{"plan": "pro", "plan_ends_at": "2099-11-23T00:00:00.000Z", "reason": "invoice 2041"}"#)
      .expect(200, shape(plan: "pro", ends: "\"2099-11-23T00:00:00.000Z\"", limit: "null", remaining: "null"))
    #expect(try await change(#"{"plan": "free"}"#).text("code") == "invalid_fields", "every change takes a reason")
    try await change(#"{"status": "suspended", "reason": "chargeback"}"#).expect(
      200,
      shape(
        plan: "pro", ends: "\"2099-11-23T00:00:00.000Z\"", limit: "null", remaining: "null", status: "suspended", reason: "\"chargeback\""))
    #expect(try await service.ask("GET", "/v1/user", bearer: user.token).text("code") == "suspended")
    #expect(try await change(#"{"status": "active", "reason": "paid"}"#).number("sessions_live") == 0, "lifting it ends every session")
    let found = try await service.ask("GET", "/v1/admin/users?query=\(user.email.prefix(12))", at: service.opsPort(), bearer: key)
    #expect(found.status == 200 && found.column("id").contains(.string(user.id)))
    #expect(try service.operate("DELETE", "/v1/admin/users/\(user.id)", body: #"{"reason":"asked for"}"#).status == 204)
    #expect(try service.operate("GET", "/v1/admin/users/\(user.id)").status == 404)
  }

  @Test("Ending everyone's sessions needs the word, and leaves nobody logged in", .asvs("7.4.5"))
  func revokeAll() async throws {
    try await RunningService.with { service in
      let tokens = try await [1, 2, 3].asyncMap { _ in try await service.newUser().token }
      let path = "/v1/admin/sessions/revoke-all"
      #expect(try service.operate("POST", path, body: #"{"confirm":"yes","reason":"leak"}"#).status == 422)
      #expect(try service.operate("POST", path, body: #"{"confirm":"everyone"}"#).status == 422)
      #expect(try await service.ask("GET", "/v1/session", bearer: tokens[0]).status == 200)
      let answer = try service.operate("POST", path, body: #"{"confirm":"everyone","reason":"leak"}"#)
      #expect(answer.status == 200 && answer.number("ended") == 3)
      for token in tokens { #expect(try await service.ask("GET", "/v1/session", bearer: token).status == 401) }
    }
  }
}
