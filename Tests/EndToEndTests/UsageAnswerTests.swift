import Foundation
import StrictJSON
import TestSupport
import Testing

/// The answers of the routes of usage and export, member by member.
@Suite("Answers about usage", .service) struct UsageAnswerTests {
  @Test("The usage of today has a limit or none, by plan")
  func today() async throws {
    let service = try RunningService.shared()
    let user = try await service.berlinUser()
    _ = try await service.startAnalysis(user.token, "a")
    func shape(_ plan: String, zone: String, _ standing: String) -> Shape {
      """
      {"plan": "\(plan)", "time_zone": "\(zone)", "period": {"kind": "day", "starts_at": "<instant>", "ends_at": "<instant>"},
       "data": [\(standing)]}
      """
    }
    try await service.ask("GET", "/v1/usage", bearer: user.token)
      .expect(200, shape("free", zone: "Europe/Berlin", Shape.standing(used: 0, held: 1, remaining: "0")))
    let pro = try await service.proUser()
    try await service.ask("GET", "/v1/usage", bearer: pro.token)
      .expect(200, shape("pro", zone: "UTC", Shape.standing(limit: "null", used: 0, held: 0, remaining: "null")))
  }

  @Test("The history has a row a local day, gaps filled with 0, as JSON or CSV by format or Accept")
  func history() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    let path = "/v1/usage/history?metric=video_analysis"
    try await service.ask("GET", "\(path)&from=2026-11-21&to=2026-11-24", bearer: user.token).expect(
      200,
      """
      {"metric": "video_analysis", "time_zone": "UTC", "from": "2026-11-21", "to": "2026-11-24", "next_cursor": null,
       "data": [{"date": "2026-11-21", "used": 0, "limit": 1}, {"date": "2026-11-22", "used": 0, "limit": 1},
                {"date": "2026-11-23", "used": 0, "limit": 1}]}
      """)
    let csv = "date,metric,used,limit\r\n2026-02-28,video_analysis,0,1\r\n2026-03-01,video_analysis,0,1\r\n"
    let range = "\(path)&from=2026-02-28&to=2026-03-02"
    for (query, accept) in [
      ("&format=csv", "application/json"), ("", "text/csv"), ("", "application/json;q=0.5, text/*"), ("", "text/csv, */*"),
    ] {
      let answer = try await service.ask("GET", range + query, bearer: user.token, headers: ["Accept": accept])
      #expect(answer.status == 200 && String(decoding: answer.body, as: UTF8.self) == csv, "\(accept)")
      #expect(answer.headers["content-type"] == "text/csv; charset=utf-8")
    }
    for (query, accept) in [("&format=json", "text/csv"), ("", "*/*"), ("", "application/json, text/csv;q=0.9")] {
      let answer = try await service.ask("GET", range + query, bearer: user.token, headers: ["Accept": accept])
      #expect(answer.headers["content-type"] == "application/json", "\(accept)")
    }
    let refused = try await service.ask("GET", range, bearer: user.token, headers: ["Accept": "image/png, text/csv;q=0"])
    try refused.expectProblem(406, "not_acceptable")
    let year = try await service.ask("GET", "\(path)&from=2025-01-01&to=2026-02-05", bearer: user.token)
    #expect(year.status == 200 && year.data.count == 400)
    for wrong in [
      "from=2025-01-01&to=2026-02-06", "from=2026-01-02&to=2026-01-02", "from=2026-02-30&to=2026-03-02", "from=2026-01-01", "from=x&to=y",
    ] {
      let answer = try await service.ask("GET", "\(path)&\(wrong)", bearer: user.token)
      #expect(answer.status == 422 && answer.text("code") == "invalid_fields", "\(wrong)")
    }
  }

  @Test("A unit that is used today counts on the date of the user's own zone", arguments: ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
  func zones(_ zone: String) async throws {
    let service = try RunningService.shared()
    let key = try service.serviceKey("accounts")
    let email = "zone-\(UInt32.random(in: 0...UInt32.max))@example.com"
    let made = try await service.ask(
      "POST", "/v1/users", bearer: key, body: #"{"email":"\#(email)","password":"\#(RunningService.password)","time_zone":"\#(zone)"}"#)
    #expect(made.status == 201)
    let token = try await service.logIn(email)
    let id = try #require(try await service.startAnalysis(token, "z").text("analysis.id"))
    let report = #"{"status": "completed", "result": {}}"#
    #expect(try await service.ask("PATCH", "/v1/analyses/\(id)", bearer: service.serviceKey("work"), body: report).status == 200)
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = try #require(TimeZone(identifier: zone))
    func date(_ offset: Int) throws -> String {
      let day = try #require(calendar.date(byAdding: .day, value: offset, to: Date()))
      return day.formatted(Date.ISO8601FormatStyle(timeZone: calendar.timeZone).year().month().day())
    }
    let answer = try await service.ask("GET", "/v1/usage/history?from=\(date(-1))&to=\(date(2))", bearer: token)
    #expect(answer.column("used") == [0, 1, 0])
  }

  @Test("Usage events are taken, listed newest first in pages that inserts don't move, and all or none of a call counts")
  func events() async throws {
    let service = try RunningService.shared()
    let key = try service.serviceKey("work")
    let user = try await service.newUser()
    func record(_ name: String, _ second: Int) async throws {
      let event =
        #"{"user_id": "\#(user.id)", "action": "export", "occurred_at": "2026-11-23T14:00:0\#(second).000Z", "metadata": {"n": \#(second)}}"#
      try await service.ask(
        "POST", "/v1/usage/events", bearer: key, headers: ["Idempotency-Key": name], body: #"{"events": [\#(event)]}"#
      ).expect(201, #"{"accepted": 1}"#)
    }
    for second in 0..<5 { try await record("\(user.id)-\(second)", second) }
    func event(_ second: Int) -> String {
      """
      {"id": "<evt>", "action": "export", "metric": null, "amount": null, "occurred_at": "2026-11-23T14:00:0\(second).000Z",
       "metadata": {"n": \(second)}}
      """
    }
    let first = try await service.ask("GET", "/v1/usage/events?limit=2", bearer: user.token)
    try first.expect(200, Shape(#"{"data": [\#(event(4)), \#(event(3))], "next_cursor": "<text>"}"#))
    try await record("\(user.id)-9", 9)
    let second = try await service.ask("GET", "/v1/usage/events?limit=2&cursor=\(first.text("next_cursor") ?? "")", bearer: user.token)
    try second.expect(200, Shape(#"{"data": [\#(event(2)), \#(event(1))], "next_cursor": "<text>"}"#))
    let last = try await service.ask("GET", "/v1/usage/events?limit=2&cursor=\(second.text("next_cursor") ?? "")", bearer: user.token)
    try last.expect(200, Shape(#"{"data": [\#(event(0))], "next_cursor": null}"#))
    let between = try await service.ask(
      "GET", "/v1/usage/events?from=2026-11-23T14:00:01Z&to=2026-11-23T14:00:03Z", bearer: user.token)
    try between.expect(200, Shape(#"{"data": [\#(event(2)), \#(event(1))], "next_cursor": null}"#))
    for cursor in ["", "x", "!!!", (first.text("next_cursor") ?? "") + "A"] {
      try await service.ask("GET", "/v1/usage/events?cursor=\(cursor)", bearer: user.token).expectProblem(400, "invalid_cursor")
    }
    let elsewhere = try await service.ask("GET", "/v1/analyses?cursor=\(first.text("next_cursor") ?? "")", bearer: user.token)
    try elsewhere.expectProblem(400, "invalid_cursor")
    let half = #"{"events": [{"user_id": "\#(user.id)", "action": "a"}, {"user_id": "usr_00000000000000", "action": "a"}]}"#
    try await service.ask("POST", "/v1/usage/events", bearer: key, headers: ["Idempotency-Key": "half-\(user.id)"], body: half)
      .expectProblem(404, "not_found")
    #expect(try await service.ask("GET", "/v1/usage/events", bearer: user.token).data.count == 6)
  }

  @Test("Pages of analyses meet each one once while new ones are made")
  func pages() async throws {
    let service = try RunningService.shared()
    let user = try await service.proUser()
    var made: [String] = []
    for number in 0..<7 { made.append(try #require(try await service.startAnalysis(user.token, "n\(number)").text("analysis.id"))) }
    var seen: [String] = []
    var cursor: String?
    repeat {
      let answer = try await service.ask("GET", "/v1/analyses?limit=3" + (cursor.map { "&cursor=\($0)" } ?? ""), bearer: user.token)
      for case .string(let id) in answer.column("id") { seen.append(id) }
      cursor = answer.text("next_cursor")
      _ = try await service.startAnalysis(user.token, "later-\(seen.count)")
    } while cursor != nil
    #expect(seen == made.reversed())
  }

  @Test("The export holds everything of the user and is sent in pieces, however much it is")
  func export() async throws {
    let service = try RunningService.shared()
    let (user, key) = (try await service.proUser(), try service.serviceKey("work"))
    let big = String(repeating: "x", count: 60_000)
    for number in 0..<40 {
      let id = try #require(try await service.startAnalysis(user.token, "\(number)", body: "{}").text("analysis.id"))
      let report = #"{"status": "completed", "result": {"n": \#(number), "text": "\#(big)"}}"#
      #expect(try await service.ask("PATCH", "/v1/analyses/\(id)", bearer: key, body: report).status == 200)
    }
    let answer = try await service.ask("GET", "/v1/user/export", bearer: user.token)
    #expect(answer.headers["transfer-encoding"]?.lowercased() == "chunked" || answer.headers["content-length"] == nil)
    guard case .array(let analyses)? = answer.json["analyses"], case .array(let events)? = answer.json["usage_events"] else {
      Issue.record("no lists: \(String(decoding: answer.body.prefix(2_000), as: UTF8.self))")
      return
    }
    let analysis = Shape.analysis(
      status: "completed", filename: "null", metadata: "{}", lease: "null", result: "\"<object>\"", finished: "\"<instant>\"")
    let event = """
      {"id": "<evt>", "action": "analysis_completed", "metric": "video_analysis", "amount": 1, "occurred_at": "<instant>",
       "metadata": {"reservation_id": "<rsv>"}}
      """
    func audit(_ action: String, actor: String, reason: String = "null") -> String {
      #"{"occurred_at": "<instant>", "actor": "\#(actor)", "action": "\#(action)", "reason": \#(reason), "detail": {}}"#
    }
    func told(_ type: String, _ data: String = "{}") -> String {
      #"{"id": "<evt>", "type": "\#(type)", "occurred_at": "<instant>", "user_id": "\#(user.id)", "external_id": null, "data": \#(data)}"#
    }
    let told = [
      told("user.created"), told("session.created", #"{"session_id": "<ses>", "class": "web"}"#),
      told("plan.changed", #"{"plan": "pro", "plan_ends_at": null, "reason": "test"}"#),
    ]
    let entries = [
      audit("plan_changed", actor: "<key>", reason: "\"test\""), audit("logged_in", actor: user.id), audit("user_created", actor: user.id),
    ]
    try answer.expect(
      200,
      Shape(
        """
        {"user": \(Shape.user(email: user.email, plan: "pro")), "sessions": [\(Shape.session())],
         "analyses": [\(analyses.map { _ in analysis }.joined(separator: ","))],
         "usage_events": [\(events.map { _ in event }.joined(separator: ","))],
         "allowances": [\(Shape.standing(limit: "null", used: 40, held: 0, remaining: "null"))],
         "events": [\(told.joined(separator: ","))],
         "audit": [\(entries.joined(separator: ","))], "exported_at": "<instant>"}
        """))
    #expect(analyses.count == 40 && events.count == 40 && answer.body.count > 40 * 60_000)
  }
}
