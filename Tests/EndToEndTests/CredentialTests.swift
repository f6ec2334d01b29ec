import GatehouseLedger
import StrictJSON
import TestSupport
import Testing

@testable import GatehouseHTTP

@Suite("Credentials", .service) struct CredentialTests {
  @Test("The catalogue of these tests names exactly the routes that are served", .asvs("6.1.3", "15.2.3"))
  func catalogue() {
    func names(_ table: RouteTable) -> Set<String> {
      Set(table.endpoints.compactMap { endpoint in endpoint.method.map { "\($0) \(endpoint.path)" } })
    }
    func named(_ listener: CataloguedRoute.Listener) -> Set<String> {
      Set(CataloguedRoute.all.filter { $0.listener == listener || $0.listener == .both }.map { "\($0.method) \($0.path)" })
    }
    #expect(names(.public) == named(.public))
    #expect(names(.operations(.key)) == named(.ops))
  }

  /// The refusal that a credential gets; nil where it opens the route.
  private func refusal(_ route: CataloguedRoute, session: Bool = false, scope: String? = nil, bad: String? = nil) -> (Int, String)? {
    let noSession = (401, "unauthenticated"), noKey = (401, "invalid_key"), noScope = (403, "scope_missing")
    switch route.opens {
    case .anybody: return nil
    case .anybodyOr(let wanted):
      if bad == "key" { return noKey }
      return scope == nil || scope == wanted ? nil : noScope
    case .session: return session ? nil : noSession
    case .key(let wanted): return scope == nil ? noKey : scope == wanted ? nil : noScope
    case .sessionOr(let wanted):
      if bad == "key" { return noKey }
      if let scope { return scope == wanted ? nil : noScope }
      return session ? nil : noSession
    }
  }

  @Test(
    "Each route opens for its own kind of credential and refuses every other by name", .asvs("8.2.1", "8.3.1"),
    arguments: CataloguedRoute.all)
  func matrix(_ route: CataloguedRoute) async throws {
    let service = try RunningService.shared()
    let ports = route.listener == .ops ? [service.opsPort()] : [service.port()]
    func ask(_ bearer: String?, _ headers: [String: String] = [:]) async throws -> RunningService.Answer {
      try await service.ask(
        route.method, route.address + route.query, at: ports[0], bearer: bearer, headers: headers.merging(["Idempotency-Key": "k"]) { $1 },
        body: route.body)
    }
    func expect(_ answer: RunningService.Answer, _ refusal: (Int, String)?, _ who: String) throws {
      guard let (status, code) = refusal else {
        #expect(
          ![401, 403].contains(answer.status) || answer.text("code") == "invalid_login",
          "\(route.testDescription) as \(who): \(answer.text("code") ?? "")")
        return
      }
      #expect(
        answer.status == status && answer.text("code") == code,
        "\(route.testDescription) as \(who): \(answer.status) \(answer.text("code") ?? "")")
      #expect((answer.headers["www-authenticate"] != nil) == (status == 401), "\(route.testDescription) as \(who)")
    }
    try expect(await ask(nil), refusal(route), "nobody")
    for scheme in ["Basic Z2hfMTpn", "Bearer eyJhbGciOiJub25lIn0.e30.", "Digest x"] {
      try expect(await ask(nil, ["Authorization": scheme]), refusal(route), scheme)
    }
    try expect(await ask("gh_1forged"), refusal(route), "a forged token")
    try expect(await ask("ghk_00000000000000_forged"), refusal(route, bad: "key"), "a forged key")
    for scope in ["gate", "work", "accounts", "admin"] {
      try expect(await ask(service.serviceKey(scope)), refusal(route, scope: scope), "key \(scope)")
    }
    try expect(await ask(service.newUser().token), refusal(route, session: true), "a session")
  }

  @Test("More than one credential is ambiguous: two headers, two cookies, a token and a cookie", .asvs("15.3.7"))
  func ambiguous() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    let cookie = "Cookie: __Host-gatehouse=\(user.token)\r\n", bearer = "Authorization: Bearer \(user.token)\r\n"
    let twice = "Cookie: __Host-gatehouse=a; x=y; __Host-gatehouse=\(user.token)\r\n"
    for headers in [bearer + cookie, bearer + bearer, cookie + cookie, twice, "Authorization: Basic eA==\r\n" + bearer] {
      let answer = try await service.raw("GET /v1/session HTTP/1.1\r\nHost: a\r\n\(headers)\r\n")
      #expect(answer.status == 400 && answer.body.contains(#""code":"ambiguous_credentials""#), "\(headers)")
    }
    let basic = try await service.raw("GET /v1/session HTTP/1.1\r\nHost: a\r\nAuthorization: Basic eA==\r\n\(cookie)\r\n")
    #expect(basic.status == 200, "another scheme is the proxy's business")
    let foreign = try await service.raw("GET /v1/session HTTP/1.1\r\nHost: a\r\nCookie: a=b; __Host-gatehouse2=x\r\n\(bearer)\r\n")
    #expect(foreign.status == 200)
  }

  @Test("A cookie changes something only from the same site; a bearer from anywhere; reading is free", .asvs("3.5.1", "3.5.3"))
  func crossSite() async throws {
    let service = try RunningService.shared()
    let token = try await service.newUser().token
    let cookie = ["Cookie": "__Host-gatehouse=\(token)"]
    func change(_ headers: [String: String]) async throws -> RunningService.Answer {
      try await service.ask("PATCH", "/v1/user", headers: cookie.merging(headers) { $1 }, body: "{}")
    }
    for site in ["same-origin", "none"] { #expect(try await change(["Sec-Fetch-Site": site]).status == 200) }
    let hostile: [[String: String]] = [
      [:], ["Sec-Fetch-Site": "cross-site"], ["Sec-Fetch-Site": "same-site"], ["Origin": "https://evil.example"], ["Origin": "null"],
      ["Sec-Fetch-Site": ""], ["Sec-Fetch-Site": "same-origin, none"],
    ]
    for headers in hostile { try await change(headers).expectProblem(403, "csrf_rejected") }
    #expect(try await service.ask("GET", "/v1/session", headers: cookie.merging(["Sec-Fetch-Site": "cross-site"]) { $1 }).status == 200)
    #expect(try await service.ask("PATCH", "/v1/user", bearer: token, headers: ["Sec-Fetch-Site": "cross-site"], body: "{}").status == 200)
    let form = try await service.ask("PATCH", "/v1/user", headers: cookie.merging(["Content-Type": "text/plain"]) { $1 }, body: "{}")
    try form.expectProblem(403, "csrf_rejected")
  }

  @Test("Another site can't log its visitor in: a login by cookie needs the same site, by bearer or by a backend not", .asvs("3.5.1"))
  func loginCrossSite() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    func logIn(_ transport: String, _ headers: [String: String] = [:], bearer: String? = nil) async throws -> RunningService.Answer {
      try await service.ask(
        "POST", "/v1/sessions", bearer: bearer, headers: headers,
        body: #"{"email":"\#(user.email)","password":"\#(RunningService.password)","transport":"\#(transport)"}"#)
    }
    try await logIn("cookie").expectProblem(403, "csrf_rejected")
    try await logIn("cookie", ["Sec-Fetch-Site": "cross-site"]).expectProblem(403, "csrf_rejected")
    #expect(try await logIn("cookie", ["Sec-Fetch-Site": "same-origin"]).status == 201)
    #expect(try await logIn("bearer", ["Sec-Fetch-Site": "cross-site"]).status == 201)
    #expect(try await logIn("cookie", bearer: service.serviceKey("accounts")).status == 201)
  }

  @Test("A token in the address is never taken, and no route overlooks it", .asvs("14.2.1"))
  func tokenInAddress() async throws {
    let service = try RunningService.shared()
    let token = try await service.newUser().token
    for name in ["token", "access_token"] {
      try await service.ask("GET", "/v1/session?\(name)=\(token)").expectProblem(401, "unauthenticated")
      try await service.ask("GET", "/v1/session?\(name)=\(token)", bearer: token).expectProblem(400, "malformed_request")
    }
  }

  @Test("The user that a backend names counts only with a key: without one the call is refused, and told why")
  func onBehalf() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    let body = #"{"email":"\#(user.email)","password":"\#(RunningService.password)"}"#
    let headers = [
      "Gatehouse-Client-IP": "198.51.100.77", "Gatehouse-Client-User-Agent": "App/3.2 (Android 14)", "User-Agent": "curl/8.5.0",
    ]
    let told = try await service.ask("POST", "/v1/sessions", bearer: service.serviceKey("accounts"), headers: headers, body: body)
    #expect(told.text("session.ip") == "198.51.100.77" && told.text("session.user_agent") == "App 3.2 on Android")
    for name in ["Gatehouse-Client-IP", "Gatehouse-Client-User-Agent"] {
      let alone = try await service.ask("POST", "/v1/sessions", headers: [name: headers[name] ?? ""], body: body)
      try alone.expectProblem(403, "scope_missing", extras: #""scope": "accounts""#)
      #expect(alone.text("detail")?.hasPrefix("\(name) is for an app's backend") == true)
    }
    let broken = try await service.ask(
      "POST", "/v1/sessions", bearer: service.serviceKey("accounts"), headers: ["Gatehouse-Client-IP": "localhost"], body: body)
    try broken.expectProblem(400, "malformed_request")
  }

  @Test(
    "The client is the right-most hop of X-Forwarded-For that no trusted proxy made, header lines joined; nobody where it can't be read",
    .asvs("15.3.4"))
  func forwarded() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    let body = #"{"email":"\#(user.email)","password":"\#(RunningService.password)"}"#
    let cases: [(String, String?)] = [
      ("X-Forwarded-For: 1.2.3.4, 203.0.113.7\r\n", "203.0.113.7"),
      ("X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 203.0.113.8, 127.0.0.1\r\n", "203.0.113.8"),
      ("X-Forwarded-For: 2001:db8::17\r\n", "2001:db8::17"), ("X-Forwarded-For: 9.9.9.9, unknown\r\n", nil),
      ("X-Real-IP: 9.9.9.9\r\nForwarded: for=9.9.9.9\r\n", "127.0.0.1"),
    ]
    for (headers, ip) in cases {
      let answer = try await service.raw(
        "POST /v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)"
      )
      #expect(answer.status == 201 && answer.body.contains(#""ip":\#(ip.map { "\"\($0)\"" } ?? "null")"#), "\(headers): \(answer.body)")
    }
  }

  @Test("A revoked key is refused at once, an expired one after its time", .asvs("13.3.4"))
  func keys() async throws {
    let service = try RunningService.shared()
    func key(_ more: String = "") throws -> (id: String, key: String) {
      let made = try service.operate("POST", "/v1/admin/keys", body: #"{"name":"short","scopes":["gate"]\#(more)}"#)
      return (try #require(made.text("id")), try #require(made.text("key")))
    }
    func status(_ key: String) async throws -> Int {
      try await service.ask("POST", "/v1/gate", bearer: key, body: #"{"token":"gh_1forged"}"#).status
    }
    let revoked = try key()
    #expect(try await status(revoked.key) == 200)
    #expect(try service.operate("DELETE", "/v1/admin/keys/\(revoked.id)").status == 204)
    #expect(try await status(revoked.key) == 401)
    #expect(try service.operate("DELETE", "/v1/admin/keys/\(revoked.id)").status == 404)
    let expiring = try key(#","expires_in_seconds":1"#)
    try await eventually("a key of one second expires") { try await status(expiring.key) == 401 }
    #expect(try await service.ask("POST", "/v1/gate", bearer: expiring.key, body: "{}").text("code") == "invalid_key")
  }
}

/// Settings that decide about callers.
@Suite(
  "Credentials by configuration",
  .service([
    "GATEHOUSE_ALLOWED_ORIGINS": "https://app.example.com", "GATEHOUSE_TRUSTED_PROXIES": "10.0.0.0/8", "GATEHOUSE_SIGNUP_MODE": "backend",
  ]))
struct ConfiguredCredentialTests {
  private let app = "https://app.example.com"

  @Test("An allowed origin may use the cookie, another may not")
  func origin() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    func change(_ headers: [String: String]) async throws -> RunningService.Answer {
      try await service.ask("PATCH", "/v1/user", headers: headers.merging(["Cookie": "__Host-gatehouse=\(user.token)"]) { $1 }, body: "{}")
    }
    #expect(try await change(["Origin": app, "Sec-Fetch-Site": "cross-site"]).status == 200)
    for other in ["\(app):8443", "http://app.example.com", "\(app).evil.example", "null"] {
      try await change(["Origin": other]).expectProblem(403, "csrf_rejected")
    }
    let login = #"{"email":"\#(user.email)","password":"\#(RunningService.password)","transport":"cookie"}"#
    #expect(try await service.ask("POST", "/v1/sessions", headers: ["Origin": app], body: login).status == 201)
  }

  @Test(
    "An allowed origin may read answers and refusals, and preflights; another gets no word of it; every answer varies by Origin",
    .asvs("3.4.2"))
  func crossOrigin() async throws {
    let service = try RunningService.shared()
    let token = try await service.newUser().token
    for (path, bearer) in [("/v1/user", token), ("/v1/user", nil), ("/v1/nothing", nil)] as [(String, String?)] {
      let answer = try await service.ask("GET", path, bearer: bearer, headers: ["Origin": app])
      #expect(answer.headers["access-control-allow-origin"] == app && answer.headers["access-control-allow-credentials"] == "true")
      let exposed = "RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, Idempotency-Replayed"
      #expect(answer.headers["access-control-expose-headers"] == exposed && answer.headers["vary"] == "Origin")
      let other = try await service.ask("GET", path, bearer: bearer, headers: ["Origin": "https://evil.example"])
      #expect(other.headers["access-control-allow-origin"] == nil && other.headers["vary"] == "Origin")
    }
    func preflight(_ origin: String) async throws -> RawHTTP.Answer {
      try await service.raw(
        "OPTIONS /v1/analyses HTTP/1.1\r\nHost: a\r\nOrigin: \(origin)\r\nAccess-Control-Request-Method: POST\r\n\r\n")
    }
    let allowed = try await preflight(app)
    #expect(allowed.status == 204 && allowed["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS, POST")
    #expect(allowed["Access-Control-Allow-Headers"]?.contains("Idempotency-Key") == true)
    let refused = try await preflight("https://evil.example")
    #expect(refused["Access-Control-Allow-Methods"] == nil && refused["Access-Control-Allow-Origin"] == nil)
    let ops = try await service.ask("GET", "/readyz", at: service.opsPort(), headers: ["Origin": app])
    #expect(ops.headers["access-control-allow-origin"] == nil, "the ops listener is for no page")
  }

  @Test("X-Forwarded-For of a peer that is no trusted proxy is ignored", .asvs("4.1.3", "15.3.4"))
  func untrusted() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    let login = #"{"email":"\#(user.email)","password":"\#(RunningService.password)"}"#
    let answer = try await service.ask("POST", "/v1/sessions", headers: ["X-Forwarded-For": "10.1.1.1, 203.0.113.7"], body: login)
    #expect(answer.text("session.ip") == "127.0.0.1")
  }

  @Test("Where sign-up is the backend's, nobody signs up without its key")
  func signUp() async throws {
    let service = try RunningService.shared()
    let body = #"{"email":"alone@example.com","password":"\#(RunningService.password)"}"#
    try await service.ask("POST", "/v1/users", body: body).expectProblem(401, "invalid_key")
    #expect(try await service.ask("POST", "/v1/users", bearer: service.serviceKey("accounts"), body: body).status == 201)
  }
}

extension RunningService {
  /// Sends `text` as it is on a connection of its own; the first answer.
  func raw(_ text: String, head: Bool = false, at port: Int? = nil) async throws -> RawHTTP.Answer {
    try await raw(Array(text.utf8), head: head, at: port)
  }

  func raw(_ bytes: [UInt8], head: Bool = false, at port: Int? = nil) async throws -> RawHTTP.Answer {
    let client = try await RawHTTP.connect(port: port ?? self.port())
    try await client.send(bytes)
    let answer = try await client.answer(head: head)
    await client.close()
    return answer
  }
}
