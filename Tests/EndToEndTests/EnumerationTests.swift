import StrictJSON
import TestSupport
import Testing

/// An attacker who wants to find out which addresses have accounts.
@Suite(.serialized) struct EnumerationTests {
  private func email(_ name: String = "hidden") -> String { "\(name)-\(UInt64.random(in: 0...UInt64.max))@example.com" }

  private func signUp(_ service: RunningService, _ email: String, password: String = RunningService.password) async throws
    -> RunningService.Answer
  {
    try await service.ask("POST", "/v1/users", body: #"{"email":"\#(email)","password":"\#(password)"}"#)
  }

  private func logIn(_ service: RunningService, _ email: String, _ password: String = RunningService.password) async throws
    -> RunningService.Answer
  {
    try await service.ask(
      "POST", "/v1/sessions", bearer: service.serviceKey("accounts"), body: #"{"email":"\#(email)","password":"\#(password)"}"#)
  }

  /// The feed's events of one type about a user, without what the login of `newUser` wrote.
  private func told(_ service: RunningService, _ type: String) async throws -> [JSONObject] {
    let page = try await service.ask("GET", "/v1/events?limit=100", bearer: service.serviceKey("accounts"))
    return page.data.compactMap { if case .object(let object) = $0, object["type"] == .string(type) { object } else { nil } }
  }

  /// The words of an answer, but for its request's name and the address that the request held.
  private func words(_ answer: RunningService.Answer, _ email: String) -> String {
    let body = String(decoding: answer.body, as: UTF8.self).replacing(email, with: "…")
    let headers = answer.headers.filter { !["date", "x-request-id", "content-length", "ratelimit"].contains($0.key) }
    return "\(answer.status) \(headers.sorted { $0.key < $1.key }) \(body.replacing(answer.text("request_id") ?? "-", with: "…"))"
  }

  @Test("A session that asks for other addresses learns nothing of them, and may not ask for many", .asvs("6.3.8"))
  func probes() async throws {
    try await RunningService.with { service in
      let (prober, victim) = (try await service.newUser(), try await service.newUser())
      func ask(_ email: String) async throws -> RunningService.Answer {
        try await service.ask("PATCH", "/v1/user", bearer: prober.token, body: #"{"email":"\#(email)"}"#)
      }
      let free = email(String(victim.email.prefix(6)))
      #expect(try await words(ask(victim.email), victim.email) == words(ask(free), free))
      var statuses: [Int] = []
      for _ in 0..<10 { statuses.append(try await ask(email()).status) }
      #expect(statuses == Array(repeating: 200, count: 8) + [429, 429])
      try await ask(victim.email).expectProblem(429, "rate_limited", extras: #""violated-policies": ["email_change"]"#)
      #expect(
        try await service.ask("PATCH", "/v1/user", bearer: prober.token, body: #"{"name":"Mia"}"#).status == 200,
        "only another address is counted")
    }
  }

  @Test("An address that is the user's own, or waits already, is no request for another one: it spends nothing of the limit")
  func ownAddress() async throws {
    try await RunningService.with { service in
      let user = try await service.newUser()
      let next = email("next")
      func ask(_ email: String, _ name: String = "Mia") async throws -> RunningService.Answer {
        try await service.ask("PATCH", "/v1/user", bearer: user.token, body: #"{"email":"\#(email)","name":"\#(name)"}"#)
      }
      for number in 0..<12 {
        let answer = try await ask(number.isMultiple(of: 2) ? user.email : user.email.uppercased(), "Mia \(number)")
        #expect(answer.status == 200 && answer.text("name") == "Mia \(number)")
      }
      for _ in 0..<12 { #expect(try await ask(next).text("pending_email") == next) }
      var statuses: [Int] = []
      for _ in 0..<10 { statuses.append(try await ask(email()).status) }
      #expect(statuses == Array(repeating: 200, count: 9) + [429])
    }
  }

  @Test("Where sign-up hides, a free and a taken address get one answer, and nothing else tells them apart", .asvs("6.3.8"))
  func hidden() async throws {
    try await RunningService.with(environment: ["GATEHOUSE_SIGNUP_ENUMERATION": "hide", "GATEHOUSE_POLICIES_SIGNUP_NETWORK_LIMIT": "1000"])
    { service in
      let victim = try await service.newUser()
      let free = email()
      let (new, taken) = (try await signUp(service, free), try await signUp(service, victim.email))
      try new.expect(202, Shape(#"{"email": "\#(free)"}"#))
      #expect(words(new, free) == words(taken, victim.email))
      // Neither can be logged into with what the sign-up named: the victim's password is another, and the new account waits.
      #expect(try await words(logIn(service, free), free) == words(logIn(service, victim.email, "some other words"), victim.email))
      // A second sign-up says the same of an account that waits.
      #expect(try await words(signUp(service, free), free) == words(new, free))
      // Each address may be named three times an hour, whether it has an account or not.
      for address in [free, victim.email, email()] {
        var last = 202
        for _ in 0..<4 { last = try await signUp(service, address).status }
        #expect(last == 429, "\(address)")
      }
      let wrong = email()
      for address in [wrong, victim.email] {
        let weak = try await signUp(service, address, password: "password")
        #expect(weak.status == 422)
      }
      try await service.ask(
        "POST", "/v1/users", bearer: service.serviceKey("accounts"),
        body: #"{"email":"\#(victim.email)","password":"\#(RunningService.password)"}"#
      ).expectProblem(409, "email_taken")
    }
  }

  @Test("The outcome of a hidden sign-up is told to the backend: whom to mail, a verification or a word to the owner")
  func mails() async throws {
    try await RunningService.with(environment: ["GATEHOUSE_SIGNUP_ENUMERATION": "hide"]) { service in
      let key = try service.serviceKey("accounts")
      let victim = try await service.newUser()
      let free = email()
      _ = try await signUp(service, victim.email)
      _ = try await signUp(service, free)
      let repeated = try #require(try await told(service, "signup.repeated").last)
      #expect(repeated["user_id"] == .string(victim.id))
      #expect(try await told(service, "signup.repeated").count == 1)
      let created = try #require(try await told(service, "user.created").last)
      guard case .string(let id)? = created["user_id"], case .object(let data)? = created["data"] else {
        Issue.record("\(created)")
        return
      }
      #expect(data["awaits_verification"] == .bool(true) && data["email"] == .string(free))
      let mail = try await service.ask("POST", "/v1/email-verifications", bearer: key, body: #"{"user_id":"\#(id)"}"#)
      let token = try #require(mail.text("mail.token"))
      #expect(try await logIn(service, free).status == 401)
      let done = try await service.ask("POST", "/v1/email-verifications/complete", bearer: key, body: #"{"token":"\#(token)"}"#)
      #expect(done.status == 200)
      #expect(try await logIn(service, free).status == 201)

      // Somebody signed up with an address whose owner never did: the owner's reset takes the account over.
      let squatted = email()
      _ = try await signUp(service, squatted, password: "a squatter's own words")
      let reset = try await service.ask("POST", "/v1/password-resets", bearer: key, body: #"{"email":"\#(squatted)"}"#)
      let taken = try await service.ask(
        "POST", "/v1/password-resets/complete", bearer: key,
        body: #"{"token":"\#(reset.text("mail.token") ?? "")","password":"\#(RunningService.password)"}"#)
      #expect(taken.status == 200)
      #expect(try await logIn(service, squatted, "a squatter's own words").status == 401)
      #expect(try await logIn(service, squatted).status == 201)
    }
  }

  @Test("A free and a taken address are answered after one time where sign-up hides", .asvs("6.3.8"))
  func time() async throws {
    let floor = 400
    try await RunningService.with(environment: ["GATEHOUSE_SIGNUP_ENUMERATION": "hide", "GATEHOUSE_LOGIN_FLOOR_MS": "\(floor)"]) {
      service in
      let victim = try await service.newUser()
      for address in [victim.email, email()] {
        let start = ContinuousClock.now
        #expect(try await signUp(service, address).status == 202)
        #expect(start.duration(to: .now) >= .milliseconds(floor))
      }
    }
  }
}
