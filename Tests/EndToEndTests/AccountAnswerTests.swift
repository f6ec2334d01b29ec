import TestSupport
import Foundation
import StrictJSON
import Testing

/// The answers of the account and session routes, member by member.
@Suite("Answers about accounts and sessions", .service) struct AccountAnswerTests {
  private static let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

  @Test("A sign-up is 201 with the account and its place")
  func signUp() async throws {
    let service = try RunningService.shared()
    let email = "mia-\(UInt32.random(in: 0...UInt32.max))@example.com"
    let answer = try await service.ask(
      "POST", "/v1/users",
      body: #"{"email":"\#(email)","password":"\#(RunningService.password)","name":"Mia Ø","time_zone":"Europe/Berlin"}"#)
    try answer.expect(201, Shape(Shape.user(email: email, name: "\"Mia Ø\"", zone: "Europe/Berlin")))
    #expect(answer.headers["location"] == answer.text("id").map { "/v1/users/\($0)" })
    #expect(answer.headers["content-type"] == "application/json")
    let taken = try await service.ask(
      "POST", "/v1/users", body: #"{"email":"\#(email.uppercased())","password":"\#(RunningService.password)"}"#)
    try taken.expectProblem(409, "email_taken")
  }

  @Test("A login is 201 with token, session and account; the whole list of devices shows the current one first")
  func logIn() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    let answer = try await service.ask(
      "POST", "/v1/sessions", headers: ["User-Agent": Self.firefox, "X-Forwarded-For": "198.51.100.1, 203.0.113.7"],
      body:
        #"{"email":"\#(user.email)","password":"\#(RunningService.password)","class":"web","transport":"bearer","device":"Mia's laptop"}"#)
    let session = Shape.session(device: "\"Mia's laptop\"", agent: "\"Firefox 140 on Linux\"", ip: "203.0.113.7")
    try answer.expect(
      201, Shape(#"{"token": "<token>", "session": \#(session), "user": \#(Shape.user(email: user.email)), "sessions_ended": 0}"#))
    let token = try #require(answer.text("token"))
    #expect(try lifetime(answer, "session.idle_expires_at") == 86_400)
    #expect(try lifetime(answer, "session.expires_at") == 7 * 86_400)

    let current = try await service.ask("GET", "/v1/session", bearer: token)
    try current.expect(200, Shape(#"{"session": \#(session), "user": \#(Shape.user(email: user.email))}"#))
    #expect(current.headers["ratelimit-policy"] == #""api";q=60;w=60"#)
    #expect(current.headers["ratelimit"]?.hasPrefix(#""api";r=5"#) == true)

    let devices = try await service.ask("GET", "/v1/sessions?limit=20", bearer: token)
    try devices.expect(200, Shape(#"{"data": [\#(session), \#(Shape.session(current: false))], "next_cursor": null}"#))
    let page = try await service.ask("GET", "/v1/sessions?limit=1", bearer: token)
    try page.expect(200, Shape(#"{"data": [\#(session)], "next_cursor": "<text>"}"#))
    let rest = try await service.ask("GET", "/v1/sessions?limit=1&cursor=\(page.text("next_cursor") ?? "")", bearer: token)
    try rest.expect(200, Shape(#"{"data": [\#(Shape.session(current: false))], "next_cursor": null}"#))
  }

  private func lifetime(_ answer: RunningService.Answer, _ path: String) throws -> Int {
    func instant(_ path: String) throws -> Date {
      let text = try #require(answer.text(path))
      return try Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
    return Int(try instant(path).timeIntervalSince(instant("session.created_at")).rounded())
  }

  @Test(
    "A login by cookie has no token in its body, and a cookie that lasts only for class remember", arguments: ["web", "remember", "mobile"])
  func cookie(_ kind: String) async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    let answer = try await service.ask(
      "POST", "/v1/sessions", headers: ["Sec-Fetch-Site": "same-origin"],
      body: #"{"email":"\#(user.email)","password":"\#(RunningService.password)","class":"\#(kind)","transport":"cookie"}"#)
    let session = Shape.session(class: kind, transport: "cookie")
    try answer.expect(
      201, Shape(#"{"token": null, "session": \#(session), "user": \#(Shape.user(email: user.email)), "sessions_ended": 0}"#))
    let parts = try #require(answer.headers["set-cookie"]).components(separatedBy: "; ")
    #expect(parts.first?.hasPrefix("__Host-gatehouse=gh_1") == true)
    #expect(Array(parts.dropFirst().prefix(4)) == ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"])
    let age = parts.dropFirst(5).first.flatMap { $0.hasPrefix("Max-Age=") ? Int($0.dropFirst(8)) : nil }
    #expect(kind == "remember" ? (2_591_990...2_592_000).contains(age ?? 0) : parts.count == 5)

    let cookie = try #require(parts.first)
    let rotated = try await service.ask("POST", "/v1/session/rotate", headers: ["Cookie": cookie, "Sec-Fetch-Site": "none"])
    try rotated.expect(200, Shape(#"{"token": null, "session": \#(session)}"#))
    let successor = try #require(rotated.headers["set-cookie"]?.components(separatedBy: "; ").first)
    #expect(successor != cookie)
    let out = try await service.ask("DELETE", "/v1/session", headers: ["Cookie": successor, "Sec-Fetch-Site": "same-origin"])
    #expect(out.status == 204)
    #expect(out.headers["set-cookie"] == "__Host-gatehouse=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
    #expect(out.headers["clear-site-data"] == nil, "it would clear the app's own cookies too")
    #expect(try await service.ask("GET", "/v1/session", headers: ["Cookie": successor]).status == 401)
  }

  @Test("A rotation gives a successor, the same one to a repeat; reauthenticate gives one whose password is fresh")
  func rotate() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    let shape = Shape(#"{"token": "<token>", "session": \#(Shape.session())}"#)
    let first = try await service.ask("POST", "/v1/session/rotate", bearer: user.token)
    try first.expect(200, shape)
    let again = try await service.ask("POST", "/v1/session/rotate", bearer: user.token)
    #expect(again.text("token") == first.text("token"))
    let token = try #require(first.text("token"))
    let password = #"{"password":"\#(RunningService.password)"}"#
    let fresh = try await service.ask("POST", "/v1/session/reauthenticate", bearer: token, body: password)
    try fresh.expect(200, shape)
    #expect(try #require(fresh.text("session.authenticated_at")) > #require(first.text("session.authenticated_at")))
    #expect(fresh.text("session.id") == first.text("session.id"))
    let wrong = try await service.ask("POST", "/v1/session/reauthenticate", bearer: token, body: #"{"password":"not this one"}"#)
    try wrong.expectProblem(401, "invalid_login")
  }

  @Test(
    "A password that is given again raises the new token and not the old one, through Redis and the ledger, used or not",
    .asvs("7.2.4"), arguments: [true, false])
  func stepUp(withRedis: Bool) async throws {
    try await RunningService.with { service in
      let user = try await service.newUser()
      try service.agePasswords(of: user.id, milliseconds: 3_600_000)
      try await service.makeCold(user.id)
      if !withRedis { try service.killRedis() }
      func within(_ token: String) async throws -> String? {
        try await service.gate(token, #""limits": [], "require": {"authenticated_within_seconds": 300}"#).text("decision")
      }
      #expect(try await within(user.token) == "reauthentication_required")
      // The thief of the token has rotated it too.
      let rotated = try #require(try await service.ask("POST", "/v1/session/rotate", bearer: user.token).text("token"))
      let fresh = try await service.ask(
        "POST", "/v1/session/reauthenticate", bearer: user.token, body: #"{"password":"\#(RunningService.password)"}"#)
      let proven = try #require(fresh.text("token"))
      #expect(try await service.ask("POST", "/v1/session/rotate", bearer: user.token).text("token") == rotated, "not the proven one")
      for _ in 0..<2 {
        for token in [user.token, rotated] {
          #expect(try await within(token) == "reauthentication_required")
          for (method, path) in [("GET", "/v1/user/export"), ("DELETE", "/v1/user"), ("DELETE", "/v1/sessions")] {
            let refused = try await service.ask(method, path, bearer: token)
            #expect(refused.status == 403 && refused.text("code") == "reauthentication_required", "\(method) \(path)")
          }
        }
        #expect(try await within(proven) == "allow")
      }
      let next = try #require(try await service.ask("POST", "/v1/session/rotate", bearer: proven).text("token"))
      #expect(try await within(next) == "allow", "a rotated token has the age of the one before")
      for (token, isFresh) in [(next, true), (user.token, false)] {
        let own = try await service.ask("GET", "/v1/session", bearer: token)
        let listed = try await service.ask("GET", "/v1/sessions", bearer: token)
        let said = try #require(own.text("session.authenticated_at"))
        #expect((said == fresh.text("session.authenticated_at")) == isFresh)
        #expect(listed.column("authenticated_at") == [.string(said)] && listed.data.count == 1, "one device, as its caller may use it")
      }
      #expect(try await service.ask("GET", "/v1/user/export", bearer: next).status == 200)
      if !withRedis { try service.startRedis() }
    }
  }

  @Test("Each of two rotations within a moment can be repeated: the first token gives the first successor, the second the second")
  func twoRotations() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    var tokens = [user.token]
    for _ in 0..<3 {
      let next = try #require(try await service.ask("POST", "/v1/session/rotate", bearer: tokens[tokens.count - 1]).text("token"))
      // Its first use.
      #expect(try await service.ask("GET", "/v1/session", bearer: next).status == 200)
      tokens.append(next)
    }
    for (token, next) in zip(tokens, tokens.dropFirst()) {
      let again = try await service.ask("POST", "/v1/session/rotate", bearer: token)
      #expect(again.status == 200 && again.text("token") == next)
    }
  }

  @Test("A changed password ends every other session, gives this one a new token, and is the only one that logs in")
  func password() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    let other = try await service.logIn(user.email)
    let new = "a brand new passphrase, quite long"
    let wrong = try await service.ask(
      "PUT", "/v1/user/password", bearer: user.token, body: #"{"current_password":"wrong","new_password":"\#(new)"}"#)
    try wrong.expectProblem(401, "invalid_login")
    let changed = try await service.ask(
      "PUT", "/v1/user/password", bearer: user.token, body: #"{"current_password":"\#(RunningService.password)","new_password":"\#(new)"}"#)
    try changed.expect(200, Shape(#"{"token": "<token>", "session": \#(Shape.session())}"#))
    let token = try #require(changed.text("token"))
    for dead in [user.token, other] { #expect(try await service.ask("GET", "/v1/session", bearer: dead).status == 401) }
    #expect(try await service.ask("GET", "/v1/session", bearer: token).status == 200)
    let statuses = try await [RunningService.password, new].asyncMap {
      try await service.ask("POST", "/v1/sessions", body: #"{"email":"\#(user.email)","password":"\#($0)"}"#).status
    }
    #expect(statuses == [401, 201])
  }

  @Test("One's own account can be read, renamed, moved to another zone, and deleted")
  func account() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    try await service.ask("GET", "/v1/user", bearer: user.token).expect(200, Shape(Shape.user(email: user.email)))
    let changed = try await service.ask(
      "PATCH", "/v1/user", bearer: user.token, body: #"{"name":"Mia","time_zone":"Asia/Tokyo"}"#)
    try changed.expect(200, Shape(Shape.user(email: user.email, name: "\"Mia\"", zone: "Asia/Tokyo")))
    let cleared = try await service.ask("PATCH", "/v1/user", bearer: user.token, body: #"{"name":null}"#)
    try cleared.expect(200, Shape(Shape.user(email: user.email, zone: "Asia/Tokyo")))
    #expect(try await service.ask("DELETE", "/v1/user", bearer: user.token).status == 204)
    #expect(try await service.ask("GET", "/v1/user", bearer: user.token).status == 401)
  }

  @Test("Ending devices: one is 204, the others are counted, all of them includes the caller")
  func endDevices() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    let second = try await service.logIn(user.email)
    let id = try #require(try await service.ask("GET", "/v1/session", bearer: second).text("session.id"))
    #expect(try await service.ask("DELETE", "/v1/sessions/\(id)", bearer: user.token).status == 204)
    #expect(try await service.ask("GET", "/v1/session", bearer: second).status == 401)
    try await service.ask("DELETE", "/v1/sessions/\(id)", bearer: user.token).expectProblem(404, "not_found")
    for _ in 0..<3 { _ = try await service.logIn(user.email) }
    try await service.ask("DELETE", "/v1/sessions", bearer: user.token).expect(200, #"{"ended": 3}"#)
    #expect(try await service.ask("GET", "/v1/session", bearer: user.token).status == 200)
    try await service.ask("DELETE", "/v1/sessions?include_current=true", bearer: user.token).expect(200, #"{"ended": 1}"#)
    #expect(try await service.ask("GET", "/v1/session", bearer: user.token).status == 401)
  }

  @Test("Pages of devices go on where they were though the last one shown has ended")
  func devicePages() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    for _ in 0..<4 { _ = try await service.logIn(user.email) }
    let all = try await service.ask("GET", "/v1/sessions", bearer: user.token).column("id")
    let first = try await service.ask("GET", "/v1/sessions?limit=3", bearer: user.token)
    #expect(first.column("id") == Array(all.prefix(3)))
    guard case .string(let last)? = all.dropFirst(2).first else { throw RunningService.Failure(description: "Too few sessions: \(all)") }
    #expect(try await service.ask("DELETE", "/v1/sessions/\(last)", bearer: user.token).status == 204)
    let rest = try await service.ask("GET", "/v1/sessions?limit=3&cursor=\(first.text("next_cursor") ?? "")", bearer: user.token)
    #expect(rest.column("id") == Array(all.suffix(2)))
  }

  @Test("The eleventh device of a free plan ends the one that was seen least recently, and the login says so")
  func deviceCap() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    for _ in 0..<9 { _ = try await service.logIn(user.email) }
    let eleventh = try await service.ask(
      "POST", "/v1/sessions", bearer: service.serviceKey("accounts"), headers: ["Gatehouse-Client-IP": "203.0.113.99"],
      body: #"{"email":"\#(user.email)","password":"\#(RunningService.password)"}"#)
    #expect(eleventh.number("sessions_ended") == 1)
    #expect(try await service.ask("GET", "/v1/session", bearer: user.token).status == 401)
  }

  @Test("A backend finds a user by email or by its own id, and sets that id and the plan")
  func backend() async throws {
    let service = try RunningService.shared()
    let key = try service.serviceKey("accounts")
    let user = try await service.newUser()
    let external = "app-\(UInt32.random(in: 0...UInt32.max))"
    let named = try await service.ask("PATCH", "/v1/users/\(user.id)", bearer: key, body: #"{"external_id":"\#(external)"}"#)
    let shape = Shape.user(email: user.email, externalID: "\"\(external)\"")
    try named.expect(200, Shape(shape))
    try await service.ask("GET", "/v1/users/\(user.id)", bearer: key).expect(200, Shape(shape))
    for query in ["email=\(user.email)", "external_id=\(external)"] {
      try await service.ask("GET", "/v1/users?\(query)", bearer: key).expect(200, Shape(#"{"data": [\#(shape)], "next_cursor": null}"#))
    }
    try await service.ask("GET", "/v1/users?email=nobody@example.com", bearer: key).expect(200, #"{"data": [], "next_cursor": null}"#)
    let pro = try await service.ask(
      "PUT", "/v1/users/\(user.id)/plan", bearer: key,
      body: #"{"plan":"pro","plan_ends_at":"2099-01-01T00:00:00Z","reason":"invoice 7"}"#)
    #expect(pro.text("plan") == "pro" && pro.text("plan_ends_at") == "2099-01-01T00:00:00.000Z")
    for past in ["2020-01-01T00:00:00Z", try #require(pro.text("created_at"))] {
      for (path, port, bearer, method) in [
        ("/v1/users/\(user.id)/plan", service.port(), key, "PUT"),
        ("/v1/admin/users/\(user.id)", service.opsPort(), try service.serviceKey("admin"), "PATCH"),
      ] {
        let refused = try await service.ask(
          method, path, at: port, bearer: bearer, body: #"{"plan":"coach","plan_ends_at":"\#(past)","reason":"late"}"#)
        try refused.expectProblem(
          422, "invalid_fields",
          extras: """
            "errors": [{"field": "plan_ends_at", "pointer": "/plan_ends_at", "code": "in_the_past", "message": "<text>"}]
            """)
      }
    }
    #expect(try await service.ask("GET", "/v1/users/\(user.id)", bearer: key).text("plan") == "pro", "a refusal changes nothing")
    let other = try await service.newUser()
    let taken = try await service.ask("PATCH", "/v1/users/\(other.id)", bearer: key, body: #"{"external_id":"\#(external)"}"#)
    try taken.expectProblem(409, "external_id_taken")
  }

  @Test("Wrong fields are listed together, each with its place, code and what to do")
  func fields() async throws {
    let service = try RunningService.shared()
    let answer = try await service.ask(
      "POST", "/v1/users", body: #"{"email":"mia@example.com","password":"password123","time_zone":"Europe/Atlantis"}"#)
    try answer.expectProblem(
      422, "invalid_fields", title: "Some fields are not valid", detail: "2 fields need attention: password, time_zone.",
      extras: """
        "errors": [{"field": "password", "pointer": "/password", "code": "password_common", "message": "<text>"},
          {"field": "time_zone", "pointer": "/time_zone", "code": "unknown_time_zone", "message": "Use an IANA name such as Europe/Berlin."}]
        """)
  }
}

extension Sequence {
  /// `map`, one after the other.
  func asyncMap<Result>(_ body: (Element) async throws -> Result) async rethrows -> [Result] {
    var results: [Result] = []
    for element in self { results.append(try await body(element)) }
    return results
  }
}
