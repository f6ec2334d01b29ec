import Foundation
import StrictJSON
import TestSupport
import Testing

/// Verification, change of address and reset of passwords, as a backend and its users go through them.
@Suite("Account flows", .service) struct AccountFlowTests {
  private let new = "a brand new passphrase"

  private func email() -> String { "flow-\(UInt64.random(in: 0...UInt64.max))@example.com" }

  private func mail(_ service: RunningService, _ path: String, _ body: String) async throws -> RunningService.Answer {
    try await service.ask("POST", path, bearer: service.serviceKey("accounts"), body: body)
  }

  private func verification(_ service: RunningService, _ user: String) async throws -> RunningService.Answer {
    try await mail(service, "/v1/email-verifications", #"{"user_id":"\#(user)"}"#)
  }

  private func reset(_ service: RunningService, _ email: String) async throws -> RunningService.Answer {
    try await mail(service, "/v1/password-resets", #"{"email":"\#(email)"}"#)
  }

  private func complete(_ service: RunningService, _ what: String, _ token: String, password: String? = nil) async throws
    -> RunningService.Answer
  {
    let more = password.map { #","password":"\#($0)""# } ?? ""
    return try await mail(service, "/v1/\(what)/complete", #"{"token":"\#(token)"\#(more)}"#)
  }

  private func change(_ service: RunningService, _ token: String, _ body: String) async throws -> RunningService.Answer {
    try await service.ask("PATCH", "/v1/user", bearer: token, body: body)
  }

  @Test("An address is verified by what was mailed to it, once; then there is nothing to verify", .asvs("6.4.1"))
  func verify() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    let asked = try await verification(service, user.id)
    try asked.expect(
      202, Shape(#"{"mail": {"to": "\#(user.email)", "token": "<text>", "expires_at": "<instant>"}}"#))
    let token = try #require(asked.text("mail.token"))
    #expect(token.hasPrefix("ghm_"))
    let done = try await complete(service, "email-verifications", token)
    #expect(done.status == 200 && done.json["email_verified"] == .bool(true) && done.text("id") == user.id)
    try await complete(service, "email-verifications", token).expectProblem(410, "token_spent")
    try await verification(service, user.id).expect(202, Shape(#"{"mail": null}"#))
    #expect(try await service.gate(user.token, #""require":{"email_verified":true}"#).text("decision") == "allow")
    try await verification(service, "usr_00000000000000").expectProblem(404, "not_found")
  }

  @Test("Another address waits until it is verified, the present one works until then; null or the present one drops it")
  func changeOfAddress() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    let other = try await service.newUser()
    let next = email()
    let asked = try await change(service, user.token, #"{"email":"\#(next)"}"#)
    #expect(asked.status == 200 && asked.text("email") == user.email && asked.text("pending_email") == next)
    for drop in [#"{"pending_email":null}"#, #"{"email":"\#(user.email.uppercased())"}"#] {
      #expect(try await change(service, user.token, drop).json["pending_email"] == .null)
      #expect(try await change(service, user.token, #"{"email":"\#(next)"}"#).text("pending_email") == next)
    }
    for (wrong, field) in [
      (#"{"email":"no address"}"#, "email"), (#"{"email":null}"#, "email"), (#"{"pending_email":"\#(next)"}"#, "pending_email"),
    ] {
      let answer = try await change(service, user.token, wrong)
      #expect(answer.status == 422 && String(decoding: answer.body, as: UTF8.self).contains(#""field":"\#(field)""#), "\(wrong)")
    }
    // Another's address waits like any other, and never verifies.
    let taken = try await change(service, user.token, #"{"email":"\#(other.email)"}"#)
    #expect(taken.status == 200 && taken.text("pending_email") == other.email)
    let theirs = try await verification(service, user.id)
    #expect(theirs.text("mail.to") == other.email)
    try await complete(service, "email-verifications", #require(theirs.text("mail.token"))).expectProblem(409, "email_taken")
    #expect(try await change(service, user.token, #"{"email":"\#(next)"}"#).text("pending_email") == next)

    _ = try await service.logIn(user.email)
    let sent = try await verification(service, user.id)
    #expect(sent.text("mail.to") == next)
    let done = try await complete(service, "email-verifications", #require(sent.text("mail.token")))
    #expect(done.text("email") == next && done.json["pending_email"] == .null && done.json["email_verified"] == .bool(true))
    _ = try await service.logIn(next)
    try await service.ask(
      "POST", "/v1/sessions", bearer: service.serviceKey("accounts"),
      body: #"{"email":"\#(user.email)","password":"\#(RunningService.password)"}"#
    ).expectProblem(401, "invalid_login")
    #expect(try await service.ask("GET", "/v1/session", bearer: user.token).text("user.email") == next)
  }

  @Test("Of two who wait for one address the second to verify is told that it is taken")
  func race() async throws {
    let service = try RunningService.shared()
    let (user, other) = (try await service.newUser(), try await service.newUser())
    let next = email()
    for token in [user.token, other.token] { #expect(try await change(service, token, #"{"email":"\#(next)"}"#).status == 200) }
    let tokens = try await [user.id, other.id].asyncMap { try await verification(service, $0).text("mail.token") ?? "" }
    #expect(try await complete(service, "email-verifications", tokens[0]).status == 200)
    try await complete(service, "email-verifications", tokens[1]).expectProblem(409, "email_taken")
  }

  @Test("A reset sets the password, ends every session on every process, and undoes what somebody else began", .asvs("6.4.3"))
  func resetPassword() async throws {
    try await RunningService.with(processes: 2) { service in
      let user = try await service.newUser()
      let second = try await service.logIn(user.email)
      #expect(try await change(service, user.token, #"{"email":"thief@example.com"}"#).status == 200)
      let theirs = try #require(try await verification(service, user.id).text("mail.token"))
      let asked = try await reset(service, user.email.uppercased())
      try asked.expect(202, Shape(#"{"mail": {"to": "\#(user.email)", "token": "<text>", "expires_at": "<instant>"}}"#))
      let token = try #require(asked.text("mail.token"))

      let weak = try await complete(service, "password-resets", token, password: "short")
      #expect(weak.status == 422 && String(decoding: weak.body, as: UTF8.self).contains(#""field":"password""#))
      let done = try await complete(service, "password-resets", token, password: new)
      try done.expect(200, Shape(Shape.user(email: user.email).replacing(#""email_verified": false"#, with: #""email_verified": true"#)))
      for process in 0..<2 {
        for token in [user.token, second] {
          try await service.ask("GET", "/v1/session", process: process, bearer: token).expectProblem(401, "unauthenticated")
        }
      }
      try await complete(service, "password-resets", token, password: new).expectProblem(410, "token_spent")
      try await complete(service, "email-verifications", theirs).expectProblem(410, "token_spent")
      let login = try await service.ask(
        "POST", "/v1/sessions", bearer: service.serviceKey("accounts"), body: #"{"email":"\#(user.email)","password":"\#(new)"}"#)
      #expect(login.status == 201)
      service.killAPIs()
      try await service.startAPI()
      try await complete(service, "password-resets", token, password: new).expectProblem(410, "token_spent")
    }
  }

  @Test("Of a hundred parallel completions one is answered 200, the others 410", .asvs("6.4.1"))
  func once() async throws {
    try await RunningService.with(processes: 2) { service in
      let user = try await service.newUser()
      let token = try #require(try await reset(service, user.email).text("mail.token"))
      let key = try service.serviceKey("accounts")
      let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
        for number in 0..<100 {
          group.addTask {
            try await service.ask(
              "POST", "/v1/password-resets/complete", process: number % 2, bearer: key,
              body: #"{"token":"\#(token)","password":"a brand new passphrase \#(number)"}"#
            ).status
          }
        }
        return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
      }
      #expect(statuses == [200: 1, 410: 99])
    }
  }

  @Test("A token that is used, expired, unknown, of another kind or none at all has one answer", .asvs("6.4.1"))
  func spent() async throws {
    try await RunningService.with(environment: ["GATEHOUSE_MAIL_TOKEN_LIFETIME": "1s"]) { service in
      let user = try await service.newUser()
      let token = try #require(try await reset(service, user.email).text("mail.token"))
      try await eventually("a token of one second expires") {
        // A password that is refused spends nothing, so this can be asked again and again.
        try await complete(service, "password-resets", token, password: "short").status == 410
      }
      let verification = try #require(try await verification(service, user.id).text("mail.token"))
      var details: Set<String> = []
      for other in [token, verification, "ghm_" + String(repeating: "0", count: 49), "", "x", user.token] {
        let answer = try await complete(service, "password-resets", other, password: new)
        try answer.expectProblem(410, "token_spent")
        details.insert(answer.text("detail") ?? "")
      }
      #expect(details.count == 1)
    }
  }

  @Test(
    "An account gets three mails an hour, whether it exists or not, with Redis or without; an answer says nothing of the account",
    .asvs("6.3.8"))
  func limit() async throws {
    let floor = 300
    try await RunningService.with(environment: ["GATEHOUSE_LOGIN_FLOOR_MS": "\(floor)"]) { service in
      var spent: [String] = []
      for isUp in [true, false] {
        let (user, suspended) = (try await service.newUser(), try await service.newUser())
        _ = try service.operate("PATCH", "/v1/admin/users/\(suspended.id)", body: #"{"status":"suspended","reason":"test"}"#)
        if !isUp { try service.killRedis() }
        for address in spent { #expect(try await reset(service, address).status == 429, "an attempt that Redis counted stays counted") }
        spent = [user.email, suspended.email]
        for address in [user.email, suspended.email, email(), "no address \(isUp)"] {
          var answers: [RunningService.Answer] = []
          for _ in 0..<4 {
            let start = ContinuousClock.now
            answers.append(try await reset(service, address))
            if answers.last?.status == 202 { #expect(start.duration(to: .now) >= .milliseconds(floor), "\(address)") }
          }
          #expect(answers.map(\.status) == [202, 202, 202, 429], "\(address), Redis up: \(isUp)")
          try answers.last?.expectProblem(429, "rate_limited", extras: #""violated-policies": ["mail_account"]"#)
          #expect(answers.first?.json.members.map(\.name) == ["mail"])
          #expect((answers.first?.json["mail"] == .null) == (address != user.email), "\(address)")
        }
      }
      try service.startRedis()
    }
  }

  @Test("Without a key completions are counted by network, with one by the client that the backend names")
  func network() async throws {
    try await RunningService.with { service in
      let key = try service.serviceKey("accounts")
      func statuses(_ headers: [String: String], bearer: String?) async throws -> Set<Int> {
        try await withThrowingTaskGroup(of: Int.self) { group in
          for _ in 0..<130 {
            group.addTask {
              try await service.ask(
                "POST", "/v1/password-resets/complete", bearer: bearer, headers: headers, body: #"{"token":"x","password":"x"}"#
              ).status
            }
          }
          return try await group.reduce(into: []) { $0.insert($1) }
        }
      }
      #expect(try await statuses(["X-Forwarded-For": "203.0.113.1"], bearer: nil) == [410, 429])
      #expect(try await statuses(["Gatehouse-Client-IP": "203.0.113.2"], bearer: key) == [410, 429])
      #expect(try await statuses([:], bearer: key) == [410])
    }
  }

  @Test(
    "The feed tells a backend all of an account's life, the oldest first; its cursor says where to go on, also at the end")
  func feed() async throws {
    let service = try RunningService.shared()
    let key = try service.serviceKey("accounts")
    var cursor = ""
    func next(_ limit: Int = 100) async throws -> [JSONObject] {
      let answer = try await service.ask("GET", "/v1/events?limit=\(limit)\(cursor)", bearer: key)
      cursor = "&cursor=\(try #require(answer.text("next_cursor")))"
      guard case .array(let list)? = answer.json["data"] else { return [] }
      return list.compactMap { if case .object(let object) = $0 { object } else { nil } }
    }
    while try await !next().isEmpty {}
    #expect(try await next().isEmpty)

    let user = try await service.newUser()
    _ = try await service.ask("PATCH", "/v1/users/\(user.id)", bearer: key, body: #"{"external_id":"app-\#(user.id)"}"#)
    let analysis = try #require(try await service.startAnalysis(user.token, "k").text("analysis.id"))
    _ = try await service.ask(
      "PATCH", "/v1/analyses/\(analysis)", bearer: service.serviceKey("work"), body: #"{"status":"completed","result":{}}"#)
    _ = try await service.ask("DELETE", "/v1/session", bearer: user.token)
    for status in ["suspended", "active"] {
      _ = try service.operate("PATCH", "/v1/admin/users/\(user.id)", body: #"{"status":"\#(status)","reason":"test"}"#)
    }
    _ = try await service.ask("PUT", "/v1/users/\(user.id)/plan", bearer: key, body: #"{"plan":"pro"}"#)
    _ = try service.operate("DELETE", "/v1/admin/users/\(user.id)", body: #"{"reason":"test"}"#)
    var seen: [JSONObject] = []
    while case let page = try await next(2), !page.isEmpty { seen += page }
    #expect(
      seen.compactMap { if case .string(let type)? = $0["type"] { type } else { nil } } == [
        "user.created", "session.created", "allowance.exhausted", "session.ended", "user.suspended", "user.reactivated", "plan.changed",
        "user.deleted",
      ])
    let last = try #require(seen.last)
    #expect(last.members.map(\.name) == ["id", "type", "occurred_at", "user_id", "external_id", "data"])
    #expect(last["user_id"] == .string(user.id) && last["external_id"] == .string("app-\(user.id)"))
    try await service.ask("GET", "/v1/events?cursor=x", bearer: key).expectProblem(400, "invalid_cursor")
  }

  @Test("Deleting the account and signing up again on one day gives no unit: the same refusal, until the same instant")
  func again() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    #expect(try await service.startAnalysis(user.token, "1").status == 201)
    let before = try await service.startAnalysis(user.token, "2")
    try before.expectProblem(429, "allowance_exhausted", extras: Self.exhausted(used: 0, held: 1))
    #expect(try await service.ask("DELETE", "/v1/user", bearer: user.token).status == 204)
    let made = try await service.ask(
      "POST", "/v1/users", bearer: service.serviceKey("accounts"),
      body: #"{"email":"\#(user.email)","password":"\#(RunningService.password)"}"#)
    #expect(made.status == 201 && made.text("id") != user.id)
    let after = try await service.startAnalysis(service.logIn(user.email), "3")
    try after.expectProblem(429, "allowance_exhausted", extras: Self.exhausted(used: 1, held: 0))
    #expect(after.text("resets_at") == before.text("resets_at"))
  }

  private static func exhausted(used: Int, held: Int) -> String {
    #""violated-policies": ["video_analysis"], "metric": "video_analysis", "limit": 1, "used": \#(used), "held": \#(held), "#
      + #""resets_at": "<instant>""#
  }
}

/// The needs of a change of address.
@Suite("Account flows, with a password that is not recent")
struct OldPasswordTests {
  @Test("Another address needs the password again, dropping one does not")
  func old() async throws {
    try await RunningService.with { service in
      let user = try await service.newUser()
      try service.agePasswords(of: user.id, milliseconds: 301_000)
      try await service.makeCold(user.id)
      let refused = try await service.ask("PATCH", "/v1/user", bearer: user.token, body: #"{"email":"next@example.com"}"#)
      try refused.expectProblem(403, "reauthentication_required", extras: #""max_age_seconds": 300"#)
      for body in [#"{"pending_email":null}"#, #"{"name":"Mia"}"#] {
        #expect(try await service.ask("PATCH", "/v1/user", bearer: user.token, body: body).status == 200)
      }
    }
  }
}
