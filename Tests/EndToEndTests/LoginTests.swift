import StrictJSON
import TestSupport
import Testing

@Suite("Logging in") struct LoginTests {
  private static let floorMilliseconds = 400

  private func attempt(
    _ service: RunningService, _ email: String, _ password: String = "not this one", from address: String
  ) async throws -> (answer: RunningService.Answer, took: Duration) {
    let start = ContinuousClock.now
    let answer = try await service.ask(
      "POST", "/v1/sessions", bearer: service.serviceKey("accounts"), headers: ["Gatehouse-Client-IP": address],
      body: #"{"email":"\#(email)","password":"\#(password)"}"#)
    return (answer, start.duration(to: .now))
  }

  @Test("unknown, wrong and suspended are one answer, and none leaves before the floor; a good one neither")
  func floor() async throws {
    try await RunningService.with(environment: ["GATEHOUSE_LOGIN_FLOOR_MS": "\(Self.floorMilliseconds)"]) { service in
      let (user, suspended) = (try await service.newUser(), try await service.newUser())
      _ = try service.operate("PATCH", "/v1/admin/users/\(suspended.id)", body: #"{"status":"suspended","reason":"test"}"#)
      var refusals: Set<String> = []
      for (email, password) in [
        ("nobody@example.com", "x"), (user.email, "not this one"), (suspended.email, RunningService.password), (suspended.email, "x"),
        ("no address", "x"),
      ] {
        let (answer, took) = try await attempt(service, email, password, from: "198.51.100.\(refusals.count + 1)")
        try answer.expectProblem(401, "invalid_login")
        refusals.insert("\(answer.text("title") ?? "") \(answer.text("detail") ?? "")")
        #expect(took >= .milliseconds(Self.floorMilliseconds), "\(email)")
      }
      #expect(refusals.count == 1)
      let (good, took) = try await attempt(service, user.email, RunningService.password, from: "198.51.100.9")
      #expect(good.status == 201 && took >= .milliseconds(Self.floorMilliseconds))
    }
  }

  @Test("the eleventh attempt on an account from one network is 429 with Retry-After, good attempts counted; from elsewhere it may go on")
  func pair() async throws {
    try await RunningService.with { service in
      let user = try await service.newUser()
      for number in 0..<10 {
        let password = number % 2 == 0 ? RunningService.password : "not this one"
        let answer = try await attempt(service, user.email, password, from: "198.51.100.7").answer
        #expect(answer.status == (number % 2 == 0 ? 201 : 401), "attempt \(number)")
      }
      let refused = try await attempt(service, user.email.uppercased(), RunningService.password, from: "198.51.100.7").answer
      try refused.expectProblem(429, "rate_limited", extras: #""violated-policies": ["login_pair"]"#)
      let wait = try #require(refused.headers["retry-after"].flatMap(Int.init))
      #expect((1...904).contains(wait) && refused.text("detail")?.contains("\(wait) seconds") == true)
      #expect(refused.headers["ratelimit"]?.contains(#""login_pair";r=0;"#) == true)
      #expect(try await attempt(service, user.email, RunningService.password, from: "198.51.100.8").answer.status == 201)
    }
  }

  @Test("a network has 60 attempts whatever the accounts, an IPv6 network is a /64, and a sign-up limit of its own")
  func network() async throws {
    try await RunningService.with { service in
      let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
        for number in 0..<61 {
          group.addTask { try await attempt(service, "n\(number)@example.com", from: "2001:db8:1:2::\(number + 1)").answer.status }
        }
        return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
      }
      // The pool may be full for a moment; such an attempt is spent all the same.
      #expect(statuses[429] == 1 && statuses.keys.allSatisfy { [401, 429, 503].contains($0) }, "\(statuses)")
      #expect(try await attempt(service, "n@example.com", from: "2001:db8:1:3::1").answer.status == 401)
      var made: [Int] = []
      for number in 0..<11 {
        made.append(
          try await service.ask("POST", "/v1/users", body: #"{"email":"s\#(number)@example.com","password":"\#(RunningService.password)"}"#)
            .status)
      }
      #expect(made == Array(repeating: 201, count: 10) + [429])
    }
  }

  @Test("a stolen session can't guess the password without end: reauthenticate and password changes count as attempts")
  func stolen() async throws {
    try await RunningService.with { service in
      let user = try await service.newUser()
      var statuses: [Int] = []
      for number in 0..<11 {
        let (method, path, body) =
          number % 2 == 0
          ? ("POST", "/v1/session/reauthenticate", #"{"password":"guess"}"#)
          : ("PUT", "/v1/user/password", #"{"current_password":"guess","new_password":"a brand new passphrase"}"#)
        statuses.append(try await service.ask(method, path, bearer: user.token, body: body).status)
      }
      #expect(statuses == Array(repeating: 401, count: 10) + [429])
    }
  }
}
