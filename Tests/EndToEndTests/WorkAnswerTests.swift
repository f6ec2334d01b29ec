import StrictJSON
import TestSupport
import Testing

/// The answers of the routes of metered work, member by member.
@Suite(
  "Answers about analyses and reservations",
  .service([
    "GATEHOUSE_METRICS_NAMES": "video_analysis,render_minute", "GATEHOUSE_METRICS_RENDER_MINUTE_PERIOD": "day",
    "GATEHOUSE_PLANS_FREE_ALLOWANCES_RENDER_MINUTE": "60",
  ]))
struct WorkAnswerTests {
  @Test("An analysis is 201 with its place and the allowance; the next is 429 with all that is to know of it")
  func start() async throws {
    let service = try RunningService.shared()
    let user = try await service.berlinUser()
    let first = try await service.startAnalysis(user.token, "upload-8f31")
    let allowance = Shape.allowance(used: 0, held: 1, remaining: "0")
    try first.expect(201, Shape(#"{"analysis": \#(Shape.analysis(status: "pending")), "allowance": \#(allowance)}"#))
    let id = try #require(first.text("analysis.id"))
    #expect(first.headers["location"] == "/v1/analyses/\(id)")
    #expect(first.headers["ratelimit-policy"]?.hasPrefix(#""api";q=60;w=60, "video_analysis";q=1;w="#) == true)
    #expect(first.headers["ratelimit"]?.contains(#""video_analysis";r=0;t="#) == true)
    #expect(first.headers["idempotency-replayed"] == nil)

    let report = #"{"status": "completed", "result": {"score": 36.1}}"#
    #expect(try await service.ask("PATCH", "/v1/analyses/\(id)", bearer: service.serviceKey("work"), body: report).status == 200)
    let second = try await service.startAnalysis(user.token, "upload-8f32")
    try second.expectProblem(
      429, "allowance_exhausted", title: "Daily allowance used up",
      detail: "Plan free has 1 video_analysis a day; 1 is used. The next day begins at 00:00 in Europe/Berlin.",
      extras: """
        "violated-policies": ["video_analysis"], "metric": "video_analysis", "limit": 1, "used": 1, "held": 0, "resets_at": "<instant>"
        """)
    let wait = try #require(second.headers["retry-after"].flatMap(Int.init))
    #expect((1...90_000).contains(wait))
    #expect(second.headers["ratelimit"]?.hasSuffix(#""video_analysis";r=0;t=\#(wait)"#) == true)
  }

  @Test("A worker's reports: heartbeat, success and failure, each with the allowance after it")
  func reports() async throws {
    let service = try RunningService.shared()
    let key = try service.serviceKey("work")
    let user = try await service.newUser()
    func report(_ id: String, _ body: String) async throws -> RunningService.Answer {
      try await service.ask("PATCH", "/v1/analyses/\(id)", bearer: key, body: body)
    }
    let failing = try #require(try await service.startAnalysis(user.token, "1").text("analysis.id"))
    let running = Shape(
      #"{"analysis": \#(Shape.analysis(status: "running")), "allowance": \#(Shape.allowance(used: 0, held: 1, remaining: "0"))}"#)
    try await report(failing, #"{"status": "running", "lease_seconds": 1800}"#).expect(200, running)
    let error = #"{"code": "unsupported_codec", "message": "AV1 is not supported"}"#
    let failed = Shape.analysis(status: "failed", lease: "null", error: error, finished: "\"<instant>\"")
    let free = Shape.allowance(used: 0, held: 0, remaining: "1")
    for _ in 0..<2 {
      try await report(failing, #"{"status": "failed", "error": \#(error)}"#)
        .expect(200, Shape(#"{"analysis": \#(failed), "allowance": \#(free)}"#))
    }
    let id = try #require(try await service.startAnalysis(user.token, "2").text("analysis.id"))
    let result = #"{"score": 36.1, "findings": [{"label": "knee valgus", "t": 50.081}]}"#
    let completed = Shape.analysis(status: "completed", lease: "null", result: result, finished: "\"<instant>\"")
    let used = Shape.allowance(used: 1, held: 0, remaining: "0")
    for _ in 0..<2 {
      try await report(id, #"{"status": "completed", "result": \#(result)}"#)
        .expect(200, Shape(#"{"analysis": \#(completed), "allowance": \#(used)}"#))
    }
    for other in [#"{"status": "failed"}"#, #"{"status": "running"}"#, #"{"status": "completed", "result": 1}"#] {
      try await report(id, other).expectProblem(409, "invalid_transition")
    }
    try await service.ask("GET", "/v1/analyses/\(id)", bearer: user.token).expect(200, Shape(completed))
    try await service.ask("GET", "/v1/analyses/\(id)", bearer: key).expect(200, Shape(completed))
    let bare = Shape.analysis(status: "completed", lease: "null", finished: "\"<instant>\"")
    try await service.ask("GET", "/v1/analyses?status=completed", bearer: user.token)
      .expect(200, Shape(#"{"data": [\#(bare)], "next_cursor": null}"#))
    try await service.ask("GET", "/v1/analyses?status=completed&include=result&user_id=\(user.id)", bearer: key)
      .expect(200, Shape(#"{"data": [\#(completed)], "next_cursor": null}"#))
  }

  @Test("A lease that ran out is reaped: reports are 409 reservation_expired, unless rereserve can take a unit")
  func lease() async throws {
    let service = try RunningService.shared()
    let key = try service.serviceKey("work")
    let user = try await service.newUser()
    let start = try await service.startAnalysis(user.token, "short", body: #"{"lease_seconds": 1}"#)
    let id = try #require(start.text("analysis.id"))
    // A call that asks for a unit reaps what is overdue.
    var next = try await service.startAnalysis(user.token, "next-0")
    var tries = 0
    try await eventually("the lease of a second runs out") {
      tries += 1
      try await service.makeCold(user.id)
      if next.status == 429 { next = try await service.startAnalysis(user.token, "next-\(tries)") }
      return next.status == 201
    }
    #expect(try await service.ask("GET", "/v1/analyses/\(id)", bearer: key).text("status") == "expired")
    let late = #"{"status": "completed", "result": {"score": 1}}"#
    try await service.ask("PATCH", "/v1/analyses/\(id)", bearer: key, body: late).expectProblem(409, "reservation_expired")
    let again = #"{"status": "completed", "result": {"score": 1}, "rereserve": true}"#
    try await service.ask("PATCH", "/v1/analyses/\(id)", bearer: key, body: again).expectProblem(409, "reservation_expired")
    // The next one gives its unit back, and the late result finds it free.
    let other = try #require(next.text("analysis.id"))
    #expect(try await service.ask("DELETE", "/v1/analyses/\(other)", bearer: user.token).status == 204)
    let done = try await service.ask("PATCH", "/v1/analyses/\(id)", bearer: key, body: again)
    #expect(done.status == 200 && done.text("analysis.status") == "completed" && done.number("allowance.used") == 1)
    #expect(try await service.startAnalysis(user.token, "last").status == 429)
  }

  @Test("DELETE of an open analysis cancels it and gives the unit back; of a finished one, removes it; of another user's, 404")
  func cancel() async throws {
    let service = try RunningService.shared()
    let (user, other) = (try await service.newUser(), try await service.newUser())
    let id = try #require(try await service.startAnalysis(user.token, "a").text("analysis.id"))
    for method in ["GET", "DELETE"] {
      try await service.ask(method, "/v1/analyses/\(id)", bearer: other.token).expectProblem(404, "not_found")
    }
    #expect(try await service.ask("DELETE", "/v1/analyses/\(id)", bearer: user.token).status == 204)
    let cancelled = Shape.analysis(status: "cancelled", lease: "null", finished: "\"<instant>\"")
    try await service.ask("GET", "/v1/analyses/\(id)", bearer: user.token).expect(200, Shape(cancelled))
    #expect(try await service.startAnalysis(user.token, "b").status == 201)
    #expect(try await service.ask("DELETE", "/v1/analyses/\(id)", bearer: user.token).status == 204)
    try await service.ask("GET", "/v1/analyses/\(id)", bearer: user.token).expectProblem(404, "not_found")
  }

  @Test("A reservation is held, extended, committed in part or released; the end that it had stays")
  func reservations() async throws {
    let service = try RunningService.shared()
    let key = try service.serviceKey("work")
    let user = try await service.proUser()
    func shape(_ status: String, committed: Int, used: Int, held: Int) -> Shape {
      let open = status == "held"
      return Shape(
        """
        {"reservation": {"id": "<rsv>", "user_id": "\(user.id)", "metric": "video_analysis", "amount": 10, "committed": \(committed),
          "status": "\(status)", "period_starts_at": "<instant>", "lease_expires_at": \(open ? "\"<instant>\"" : "null"),
          "created_at": "<instant>", "finished_at": \(open ? "null" : "\"<instant>\"")},
         "allowance": \(Shape.allowance(limit: "null", used: used, held: held, remaining: "null"))}
        """)
    }
    func reserve(_ name: String, _ more: String = "") async throws -> RunningService.Answer {
      try await service.ask(
        "POST", "/v1/reservations", bearer: key, headers: ["Idempotency-Key": name],
        body: #"{"user_id": "\#(user.id)", "metric": "video_analysis", "amount": 10, "lease_seconds": 600\#(more)}"#)
    }
    func act(_ id: String, _ verb: String, _ body: String? = nil) async throws -> RunningService.Answer {
      try await service.ask("POST", "/v1/reservations/\(id)/\(verb)", bearer: key, body: body)
    }
    let first = try await reserve("render-771", #", "commit": false"#)
    try first.expect(201, shape("held", committed: 0, used: 0, held: 10))
    let id = try #require(first.text("reservation.id"))
    let extended = try await act(id, "extend", #"{"lease_seconds": 1200}"#)
    try extended.expect(200, shape("held", committed: 0, used: 0, held: 10))
    #expect(try #require(extended.text("reservation.lease_expires_at")) > #require(first.text("reservation.lease_expires_at")))
    #expect(try await act(id, "commit", #"{"amount": 11}"#).text("code") == "invalid_fields")
    for _ in 0..<2 { try await act(id, "commit", #"{"amount": 7}"#).expect(200, shape("committed", committed: 7, used: 7, held: 0)) }
    for (verb, body) in [("commit", #"{"amount": 6}"#), ("release", nil), ("extend", #"{"lease_seconds": 5}"#)] {
      try await act(id, verb, body).expectProblem(409, "invalid_transition")
    }
    let second = try #require(try await reserve("render-772").text("reservation.id"))
    for _ in 0..<2 { try await act(second, "release").expect(200, shape("released", committed: 0, used: 7, held: 0)) }
    try await act(second, "commit").expectProblem(409, "invalid_transition")
    try await reserve("render-773", #", "commit": true"#).expect(201, shape("committed", committed: 10, used: 17, held: 0))
    let third = try #require(try await reserve("render-774").text("reservation.id"))
    try await act(third, "commit").expect(200, shape("committed", committed: 10, used: 27, held: 0))
    try await act("rsv_00000000000000", "commit").expectProblem(404, "not_found")
  }

  @Test("A reservation of a limited metric counts what is held, and what is committed of it")
  func limited() async throws {
    let service = try RunningService.shared()
    let key = try service.serviceKey("work")
    let user = try await service.newUser()
    func reserve(_ amount: Int, _ more: String = "") async throws -> RunningService.Answer {
      try await service.ask(
        "POST", "/v1/reservations", bearer: key, headers: ["Idempotency-Key": "\(user.id)-\(amount)"],
        body: #"{"user_id": "\#(user.id)", "metric": "render_minute", "amount": \#(amount)\#(more)}"#)
    }
    func shape(_ status: String, committed: Int, used: Int, held: Int, remaining: Int) -> Shape {
      let open = status == "held"
      return Shape(
        """
        {"reservation": {"id": "<rsv>", "user_id": "\(user.id)", "metric": "render_minute", "amount": 10, "committed": \(committed),
          "status": "\(status)", "period_starts_at": "<instant>", "lease_expires_at": \(open ? "\"<instant>\"" : "null"),
          "created_at": "<instant>", "finished_at": \(open ? "null" : "\"<instant>\"")},
         "allowance": {"metric": "render_minute", "limit": 60, "used": \(used), "held": \(held), "remaining": \(remaining), "resets_at": "<instant>"}}
        """)
    }
    #expect(try await reserve(12, #", "commit": true"#).number("allowance.used") == 12)
    let held = try await reserve(10)
    try held.expect(201, shape("held", committed: 0, used: 12, held: 10, remaining: 38))
    let id = try #require(held.text("reservation.id"))
    let refused = try await reserve(39)
    #expect(refused.status == 429 && refused.text("code") == "allowance_exhausted")
    #expect(refused.number("limit") == 60 && refused.number("used") == 12 && refused.number("held") == 10)
    try await service.ask("POST", "/v1/reservations/\(id)/commit", bearer: key, body: #"{"amount": 7}"#)
      .expect(200, shape("committed", committed: 7, used: 19, held: 0, remaining: 41))
    #expect(try await reserve(41).status == 201)
  }

  @Test("An analysis takes a reservation that the gate made, once, and its lease is as long as asked")
  func taken() async throws {
    let service = try RunningService.shared()
    let (user, other) = (try await service.newUser(), try await service.newUser())
    let held = try await service.gate(
      user.token, #""reserve": {"metric": "video_analysis", "idempotency_key": "k", "lease_seconds": 60}"#)
    let id = try #require(held.text("reservation.id"))
    let body = #"{"filename": "squat.mp4", "metadata": {"athlete": "17"}, "lease_seconds": 1800, "reservation_id": "\#(id)"}"#
    try await service.startAnalysis(other.token, "theirs", body: body).expectProblem(404, "not_found")
    let made = try await service.startAnalysis(user.token, "mine", body: body)
    let allowance = Shape.allowance(used: 0, held: 1, remaining: "0")
    try made.expect(201, Shape(#"{"analysis": \#(Shape.analysis(status: "pending")), "allowance": \#(allowance)}"#))
    #expect(made.text("analysis.reservation_id") == id)
    #expect(try #require(made.text("analysis.lease_expires_at")) > #require(held.text("reservation.lease_expires_at")))
    try await service.startAnalysis(user.token, "twice", body: body).expectProblem(409, "invalid_transition")
  }

  @Test("A backend starts an analysis for a user that it names")
  func onBehalf() async throws {
    let service = try RunningService.shared()
    let key = try service.serviceKey("work")
    let user = try await service.newUser()
    let made = try await service.startAnalysis(key, "b-1", body: #"{"user_id": "\#(user.id)", "filename": "squat.mp4"}"#)
    #expect(made.status == 201 && made.text("analysis.user_id") == user.id)
    let missing = try await service.startAnalysis(key, "b-2", body: #"{"filename": "squat.mp4"}"#)
    #expect(missing.status == 422)
    try await service.startAnalysis(key, "b-3", body: #"{"user_id": "usr_00000000000000"}"#).expectProblem(404, "not_found")
    let own = try await service.startAnalysis(user.token, "b-4", body: #"{"user_id": "\#(user.id)"}"#)
    #expect(own.status == 422, "a session speaks for itself alone")
  }
}
