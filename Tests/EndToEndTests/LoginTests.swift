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

  @Test("An unknown, a wrong and a suspended login are one answer, and none leaves before the floor; a good one neither", .asvs("6.3.8"))
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

  @Test(
    "The eleventh attempt on an account from one network is 429 with Retry-After, good attempts counted; from elsewhere it may go on",
    .asvs("6.1.1", "6.3.1"))
  func pair() async throws {
    try await RunningService.with { service in
      var user = (id: "", email: "", token: "")
      var refused: RunningService.Answer?
      let right = (0..<10).map { $0 % 2 == 0 ? 201 : 401 } + [429]
      let seen = try await counted(right) {
        user = try await service.newUser()
        return try await (0..<11).asyncMap { number in
          let password = number % 2 == 0 ? RunningService.password : "not this one"
          let email = number == 10 ? user.email.uppercased() : user.email
          let answer = try await attempt(service, email, password, from: "198.51.100.7").answer
          refused = answer
          return answer.status
        }
      }
      #expect(seen == right)
      let last = try #require(refused)
      try last.expectProblem(429, "rate_limited", extras: #""violated-policies": ["login_pair"]"#)
      let wait = try #require(last.headers["retry-after"].flatMap(Int.init))
      #expect((1...904).contains(wait) && last.text("detail")?.contains("\(wait) seconds") == true)
      #expect(last.headers["ratelimit"]?.contains(#""login_pair";r=0;"#) == true)
      #expect(try await attempt(service, user.email, RunningService.password, from: "198.51.100.8").answer.status == 201)
    }
  }

  @Test("One network that guesses without end locks nobody out: the owner logs in from elsewhere", .asvs("6.3.1"))
  func lockout() async throws {
    try await RunningService.with { service in
      let user = try await service.newUser()
      for round in 0..<2 {
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
          for number in 0..<150 {
            if number >= 10 { _ = try await group.next() }
            group.addTask { try await attempt(service, user.email, from: "198.51.100.66").answer.status }
          }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(round == 0 || statuses.allSatisfy { $0 == 429 }, "the network itself is refused: \(statuses)")
        #expect(try await attempt(service, user.email, RunningService.password, from: "203.0.113.\(round + 1)").answer.status == 201)
      }
    }
  }

  @Test(
    "A network has 60 attempts whatever the accounts, an IPv6 network is a /64, and a sign-up limit of its own",
    .asvs("6.1.1", "6.3.1", "2.4.1"))
  func network() async throws {
    try await RunningService.with { service in
      var round = 0
      let expected = [401: 60, 429: 1]
      let statuses = try await counted(expected) {
        round += 1
        let network = "2001:db8:1:\(round)"
        return try await withThrowingTaskGroup(of: Int.self) { group in
          var statuses: [Int: Int] = [:]
          for number in 0..<61 {
            // Fewer at once than may wait for hashing: who finds no room there is refused otherwise, and spends nothing.
            if number >= 10, let status = try await group.next() { statuses[status, default: 0] += 1 }
            group.addTask { try await attempt(service, "n\(number)@example.com", from: "\(network)::\(number + 1)").answer.status }
          }
          return try await group.reduce(into: statuses) { $0[$1, default: 0] += 1 }
        }
      }
      #expect(statuses == expected)
      #expect(try await attempt(service, "n@example.com", from: "2001:db8:1:ffff::1").answer.status == 401)
    }
  }

  @Test("A login that finds no room among those that wait for hashing has spent no attempt", .asvs("6.3.1"))
  func noRoom() async throws {
    let attempts = 32
    let slow = [
      "GATEHOUSE_PASSWORD_ARGON_MEMORY_KIB": "16384", "GATEHOUSE_PASSWORD_ARGON_PASSES": "1",
      "GATEHOUSE_POLICIES_LOGIN_NETWORK_LIMIT": "\(attempts)",
    ]
    try await RunningService.with(environment: slow) { service in
      let key = try service.serviceKey("accounts")
      var round = 0
      let counts = try await counted([attempts, 1]) {
        round += 1
        let address = "10.4.\(round).1"
        let bodies = (0..<60).map { #"{"email":"room-\#($0)@example.com","password":"not this one"}"# }
        let told = try service.statuses("POST", "/v1/sessions", bearer: key, headers: ["Gatehouse-Client-IP": address], bodies: bodies)
        var statuses = told.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        #expect(statuses[503, default: 0] > 0, "\(statuses)")
        for number in 0..<attempts where statuses[429] == nil {
          statuses[try await attempt(service, "room-\(number)@example.com", from: address).answer.status, default: 0] += 1
        }
        return [statuses[401, default: 0], statuses[429, default: 0]]
      }
      #expect(counts == [attempts, 1])
    }
  }

  @Test("A network signs up ten times an hour, with the next refused; a backend as often as it likes", .asvs("2.4.1"))
  func signUps() async throws {
    try await RunningService.with { service in
      var round = 0
      let expected = Array(repeating: 201, count: 10) + [429]
      let made = try await counted(expected) {
        round += 1
        return try await (0..<11).asyncMap { number in
          let body = #"{"email":"s\#(round)-\#(number)@example.com","password":"\#(RunningService.password)"}"#
          return try await service.ask("POST", "/v1/users", headers: ["X-Forwarded-For": "203.0.113.\(round)"], body: body).status
        }
      }
      #expect(made == expected)
      for _ in 0..<12 { _ = try await service.newUser() }
    }
  }

  @Test("Stolen sessions can't guess the password without end: reauthenticate and password changes count as attempts", .asvs("6.3.1"))
  func stolen() async throws {
    try await RunningService.with { service in
      let expected = Array(repeating: 401, count: 10) + [429]
      let statuses = try await counted(expected) {
        let user = try await service.newUser()
        var tokens = [user.token]
        for _ in 0..<2 { tokens.append(try await service.logIn(user.email)) }
        // Each session is good for five.
        return try await (0..<11).asyncMap { try await guess(service, tokens[$0 / 5], $0).status }
      }
      #expect(statuses == expected)
    }
  }

  private func guess(_ service: RunningService, _ token: String, _ number: Int, process: Int = 0) async throws -> RunningService.Answer {
    let (method, path, body) =
      number % 2 == 0
      ? ("POST", "/v1/session/reauthenticate", #"{"password":"guess"}"#)
      : ("PUT", "/v1/user/password", #"{"current_password":"guess","new_password":"a brand new passphrase"}"#)
    return try await service.ask(method, path, process: process, bearer: token, body: body)
  }

  @Test(
    "The fifth wrong password in a row ends the session, through any process, after a crash and without Redis; a right one starts anew",
    .asvs("6.3.1"))
  func guessed() async throws {
    try await RunningService.with(processes: 2) { service in
      let user = try await service.newUser()
      let other = try await service.logIn(user.email)
      for number in 0..<4 { try await guess(service, user.token, number, process: number % 2).expectProblem(401, "invalid_login") }
      let right = try await service.ask(
        "POST", "/v1/session/reauthenticate", bearer: user.token, body: #"{"password":"\#(RunningService.password)"}"#)
      let token = try #require(right.text("token"))
      for number in 0..<2 { try await guess(service, token, number).expectProblem(401, "invalid_login") }
      service.killAPIs()
      for _ in 0..<2 { try await service.startAPI() }
      for number in 0..<2 { try await guess(service, token, number, process: 1).expectProblem(401, "invalid_login") }
      try service.killRedis()
      #expect(try await service.ask("GET", "/v1/session", bearer: token).status == 200)
      // Without Redis each process counts attempts by itself: the last guess is not one too many.
      try await guess(service, token, 0, process: 1).expectProblem(401, "invalid_login")
      for process in 0..<2 {
        try await service.ask("GET", "/v1/session", process: process, bearer: token).expectProblem(401, "unauthenticated")
      }
      try await guess(service, token, 0).expectProblem(401, "unauthenticated")
      #expect(try await service.ask("GET", "/v1/session", bearer: other).status == 200)
      try service.startRedis()
    }
  }
}
