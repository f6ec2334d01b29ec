import StrictJSON
import TestSupport
import Testing

@Suite("Idempotency-Key", .service) struct IdempotencyTests {
  @Test(
    "An Idempotency-Key is required where the contract says so, and is 1 to 255 visible ASCII characters",
    arguments: CataloguedRoute.all.filter(\.takesIdempotencyKey))
  func required(_ route: CataloguedRoute) async throws {
    let service = try RunningService.shared()
    let key = try service.serviceKey("work")
    let body = route.path == "/v1/analyses" ? #"{"user_id":"usr_00000000000000"}"# : try #require(route.body)
    try await service.ask(route.method, route.path, bearer: key, body: body).expectProblem(400, "idempotency_key_missing")
    for bad in ["two words", #""""#, String(repeating: "x", count: 256), #"a"b"#, "\u{e9}"] {
      let answer = try await service.ask(route.method, route.path, bearer: key, headers: ["Idempotency-Key": bad], body: body)
      #expect(answer.text("code") == "idempotency_key_invalid", "\(bad)")
    }
    for good in [String(repeating: "x", count: 255), "!~", #""quoted""#] {
      let answer = try await service.ask(route.method, route.path, bearer: key, headers: ["Idempotency-Key": good], body: body)
      #expect(answer.text("code") == "not_found", "\(good): only the user is missing")
    }
  }

  @Test("A repeat gives the first answer, quoted or bare, and says so; another body or route under the key is 422")
  func replay() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    let first = try await service.startAnalysis(user.token, "upload-1")
    let again = try await service.startAnalysis(user.token, #""upload-1""#)
    #expect(first.status == 201 && again.status == 201 && again.body == first.body)
    #expect(again.headers["location"] == first.headers["location"] && again.headers["idempotency-replayed"] == "true")
    #expect(first.headers["idempotency-replayed"] == nil && again.headers["ratelimit"] != nil)
    try await service.startAnalysis(user.token, "upload-1", body: #"{"filename":"other.mp4"}"#).expectProblem(422, "idempotency_key_reused")
    // The first answer stays, whatever became of the thing.
    let id = try #require(first.text("analysis.id"))
    #expect(try await service.ask("DELETE", "/v1/analyses/\(id)", bearer: user.token).status == 204)
    #expect(try await service.startAnalysis(user.token, "upload-1").body == first.body)
  }

  @Test("A key of a backend means one thing on every route, and is scoped to that backend; a user's to the user")
  func scope() async throws {
    let service = try RunningService.shared()
    let (user, other) = (try await service.newUser(), try await service.newUser())
    for token in [user.token, other.token] { #expect(try await service.startAnalysis(token, "same").status == 201) }
    let pro = try await service.proUser()
    let keys = [try service.serviceKey("work"), try service.serviceKey("work,gate")]
    let body = #"{"user_id":"\#(pro.id)","metric":"video_analysis"}"#
    var made: Set<String> = []
    for key in keys {
      let answer = try await service.ask(
        "POST", "/v1/reservations", bearer: key, headers: ["Idempotency-Key": "scope-\(pro.id)"], body: body)
      #expect(answer.status == 201)
      made.insert(answer.text("reservation.id") ?? "")
    }
    #expect(made.count == 2)
    let events = try await service.ask(
      "POST", "/v1/usage/events", bearer: keys[0], headers: ["Idempotency-Key": "scope-\(pro.id)"],
      body: #"{"events":[{"user_id":"\#(pro.id)","action":"a"}]}"#)
    try events.expectProblem(422, "idempotency_key_reused")
  }

  @Test("A refusal leaves the key free")
  func refusal() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    let id = try #require(try await service.startAnalysis(user.token, "first").text("analysis.id"))
    for _ in 0..<2 { #expect(try await service.startAnalysis(user.token, "second").status == 429) }
    #expect(try await service.ask("DELETE", "/v1/analyses/\(id)", bearer: user.token).status == 204)
    let granted = try await service.startAnalysis(user.token, "second")
    #expect(granted.status == 201 && granted.headers["idempotency-replayed"] == nil)
  }

  @Test("Parallel repeats wait and get the one answer, on every route that takes a key")
  func parallel() async throws {
    let service = try RunningService.shared()
    let (user, key) = (try await service.proUser(), try service.serviceKey("work"))
    let calls = [
      ("/v1/analyses", #"{"user_id":"\#(user.id)"}"#), ("/v1/reservations", #"{"user_id":"\#(user.id)","metric":"video_analysis"}"#),
      ("/v1/usage/events", #"{"events":[{"user_id":"\#(user.id)","action":"once"}]}"#),
    ]
    for (path, body) in calls {
      let answers = try await withThrowingTaskGroup(of: RunningService.Answer.self) { group in
        for _ in 0..<16 {
          group.addTask {
            try await service.ask("POST", path, bearer: key, headers: ["Idempotency-Key": "\(path)-\(user.id)"], body: body)
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(answers.allSatisfy { $0.status == 201 } && Set(answers.map(\.body)).count == 1, "\(path)")
      #expect(answers.count { $0.headers["idempotency-replayed"] == nil } == 1, "\(path)")
    }
    let events = try await service.ask("GET", "/v1/usage/events", bearer: user.token)
    #expect(events.column("action") == ["once"])
  }

  @Test("The gate's key gives the reservation again with fresh limits; another metric or amount is 422, a bad key 400")
  func gate() async throws {
    let service = try RunningService.shared()
    let user = try await service.proUser()
    func reserve(_ key: String, amount: Int = 1) async throws -> RunningService.Answer {
      try await service.gate(user.token, #""reserve":{"metric":"video_analysis","amount":\#(amount),"idempotency_key":"\#(key)"}"#)
    }
    let first = try await reserve("upload-8f31")
    let again = try await reserve("upload-8f31")
    #expect(first.text("reservation.id") != nil && first.json["reservation"] == again.json["reservation"])
    #expect(again.headers["idempotency-replayed"] == "true" && first.headers["idempotency-replayed"] == nil)
    try await reserve("upload-8f31", amount: 2).expectProblem(422, "idempotency_key_reused")
    for bad in ["two words", "", String(repeating: "x", count: 256)] {
      try await reserve(bad).expectProblem(400, "idempotency_key_invalid")
    }
    // A caller without a session hears nothing of what the key was used for.
    #expect(try await service.ask("DELETE", "/v1/session", bearer: user.token).status == 204)
    #expect(try await reserve("upload-8f31", amount: 2).text("decision") == "unauthenticated")
  }

  @Test("Calls that return a secret, and sign-up, know no key: each is done anew")
  func secrets() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    let body = #"{"email":"\#(user.email)","password":"\#(RunningService.password)"}"#
    var tokens: Set<String> = []
    for _ in 0..<2 {
      let answer = try await service.ask("POST", "/v1/sessions", headers: ["Idempotency-Key": "k"], body: body)
      #expect(answer.status == 201 && answer.headers["idempotency-replayed"] == nil)
      tokens.insert(answer.text("token") ?? "")
    }
    #expect(tokens.count == 2)
    let key = try service.serviceKey("accounts")
    let signUp = #"{"email":"twice-\#(user.id)@example.com","password":"\#(RunningService.password)"}"#
    let statuses = try await [1, 2].asyncMap { _ in
      try await service.ask("POST", "/v1/users", bearer: key, headers: ["Idempotency-Key": "k"], body: signUp).status
    }
    #expect(statuses == [201, 409])
  }
}
