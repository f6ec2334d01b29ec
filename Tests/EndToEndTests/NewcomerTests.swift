import Foundation
import StrictJSON
import TestSupport
import Testing

/// The answers to somebody who tries the API for the first time.
@Suite(.service) struct NewcomerTests {
  private static let plain = #"Bearer realm="gatehouse""#
  private static let invalid = #"Bearer realm="gatehouse", error="invalid_token""#

  private func told(_ answer: RunningService.Answer, _ status: Int, _ code: String, _ words: String...) {
    #expect(answer.status == status && answer.text("code") == code, "\(String(decoding: answer.body, as: UTF8.self))")
    let detail = answer.text("detail") ?? ""
    for word in words { #expect(detail.contains(word), "\(detail) says nothing of \(word)") }
  }

  @Test("A 401 says what came in place of a session token, and names invalid_token only where one came")
  func credentials() async throws {
    let service = try RunningService.shared()
    let (key, user) = (try service.serviceKey("gate"), try await service.newUser())
    for path in ["/v1/session", "/v1/usage", "/v1/auth/api"] {
      let none = try await service.ask("GET", path)
      told(none, 401, "unauthenticated", "No session token came")
      #expect(none.headers["www-authenticate"] == Self.plain)
      let other = try await service.ask("GET", path, headers: ["Authorization": "Basic bWlhOng="])
      told(other, 401, "unauthenticated", "Authorization header holds no session token")
      #expect(other.headers["www-authenticate"] == Self.plain)
      let asKey = try await service.ask("GET", path, bearer: key)
      told(asKey, 401, "unauthenticated", "service key")
      #expect(asKey.headers["www-authenticate"] == Self.invalid)
      let forged = try await service.ask("GET", path, bearer: "gh_forged")
      told(forged, 401, "unauthenticated", "not valid")
      #expect(forged.headers["www-authenticate"] == Self.invalid)
    }
    told(try await service.ask("POST", "/v1/gate", bearer: user.token, body: "{}"), 401, "invalid_key", "A session token came")
    for (token, word) in [(key, "service key"), ("eyJhbGciOi", "begin with gh_"), ("gh_forged", "not valid")] {
      let answer = try await service.ask("POST", "/v1/gate", bearer: key, body: #"{"token":"\#(token)"}"#)
      #expect(answer.text("problem.detail")?.contains(word) == true, "\(token): \(answer.text("problem.detail") ?? "")")
    }
  }

  @Test("A path of the other listener says so, and one of none does not")
  func listeners() async throws {
    let service = try RunningService.shared()
    told(try await service.ask("GET", "/v1/admin/users"), 404, "not_found", "ops listener")
    told(try await service.ask("PATCH", "/v1/admin/users/usr_4tq9m2kd7xw1hb", body: "{}"), 404, "not_found", "ops listener")
    told(try await service.ask("GET", "/v1/session", at: service.opsPort()), 404, "not_found", "public listener")
    #expect(try await service.ask("GET", "/v1/nothing").text("detail")?.contains("listener") == false)
  }

  @Test("A login by cookie that says nothing of where it comes from is told what is missing")
  func cookieLogin() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    let body = #"{"email":"\#(user.email)","password":"\#(RunningService.password)","transport":"cookie"}"#
    told(
      try await service.ask("POST", "/v1/sessions", body: body), 403, "csrf_rejected", "A login that sets the cookie",
      "Neither Sec-Fetch-Site nor Origin")
    let evil = try await service.ask("POST", "/v1/sessions", headers: ["Origin": "https://evil.example"], body: body)
    told(evil, 403, "csrf_rejected", "from elsewhere")
  }

  @Test("A lookup by what can't be an address or an id is 422, and a + is explained")
  func lookup() async throws {
    let service = try RunningService.shared()
    let key = try service.serviceKey("accounts")
    func find(_ query: String) async throws -> RunningService.Answer { try await service.ask("GET", "/v1/users?\(query)", bearer: key) }
    func message(_ answer: RunningService.Answer) -> String { String(decoding: answer.body, as: UTF8.self) }
    for query in ["email=", "email=mia", "email=a+b@example.com", "external_id=", "external_id=\(String(repeating: "x", count: 256))"] {
      #expect(try await find(query).status == 422, "\(query)")
    }
    #expect(try await message(find("email=a+b@example.com")).contains("%2B"))
    #expect(try await find("email=a%2Bb@example.com").status == 200)
    let plus = try await find("external_id=a+b")
    #expect(plus.status == 422 && message(plus).contains("%2B") && message(plus).contains("external_id"), "\(message(plus))")
    #expect(try await find("external_id=a%2Bb").status == 200)
    #expect(try await find("external_id=a%20b").status == 200)
    let searched = try service.operate("GET", "/v1/admin/users?query=a+b")
    #expect(searched.status == 422 && message(searched).contains("%2B"))
    #expect(try service.operate("GET", "/v1/admin/users?query=a%2Bb").status == 200)
    let token = try await service.newUser().token
    for query in ["usage/events?from=", "usage/events?to=", "analyses?from="] {
      let answer = try await service.ask("GET", "/v1/\(query)2026-11-30T00:00:00+01:00", bearer: token)
      #expect(answer.status == 422 && message(answer).contains("%2B"), "\(query): \(message(answer))")
    }
    let east = try await service.ask("GET", "/v1/usage/events?from=2026-11-30T00:00:00%2B01:00", bearer: token)
    #expect(east.status == 200)
    #expect(try await find("external_id=nobodys").status == 200)
    let long = try service.operate("GET", "/v1/admin/users?query=\(String(repeating: "x", count: 321))")
    #expect(long.status == 422)
    #expect(try service.operate("GET", "/v1/admin/users?query=\(String(repeating: "x", count: 320))").status == 200)
  }

  @Test("A caller that names a user without a key is told that this is for backends")
  func onBehalf() async throws {
    let service = try RunningService.shared()
    let body = #"{"email":"nobody@example.com","password":"x"}"#
    for name in ["Gatehouse-Client-IP", "Gatehouse-Client-User-Agent"] {
      let answer = try await service.ask("POST", "/v1/sessions", headers: [name: "192.0.2.1"], body: body)
      told(answer, 403, "scope_missing", name, "scope accounts")
    }
    for path in ["/v1/password-resets/complete", "/v1/email-verifications/complete"] {
      let answer = try await service.ask(
        "POST", path, headers: ["Gatehouse-Client-IP": "192.0.2.1"], body: #"{"token":"x","password":"a brand new passphrase"}"#)
      #expect(answer.status == 403 || answer.status == 422, "\(path): \(answer.status)")
    }
  }

  @Test("A repeated question to the gate shows the reservation and where the user stands")
  func replay() async throws {
    let service = try RunningService.shared()
    let (key, user, other) = (try service.serviceKey("gate"), try await service.newUser(), try await service.newUser())
    func ask(_ token: String) async throws -> RunningService.Answer {
      let reserve = #"{"metric":"video_analysis","idempotency_key":"upload-1"}"#
      return try await service.ask("POST", "/v1/gate", bearer: key, body: #"{"token":"\#(token)","reserve":\#(reserve)}"#)
    }
    let (first, second) = (try await ask(user.token), try await ask(user.token))
    #expect(second.headers["idempotency-replayed"] == "true" && first.text("reservation.id") == second.text("reservation.id"))
    #expect(first.json["allowances"] == second.json["allowances"], "\(String(decoding: second.body, as: UTF8.self))")
    #expect(second.json["allowances"] != .array([]))
    // The same key of another user is another key.
    let theirs = try await ask(other.token)
    #expect(theirs.text("decision") == "allow" && theirs.headers["idempotency-replayed"] == nil)
  }
}

/// Metrics that are configured otherwise than by default.
@Suite struct OtherMetricTests {
  @Test("A monthly allowance says so, and an analysis costs the metric that it names, or the first that is configured")
  func monthly() async throws {
    let environment = [
      "GATEHOUSE_METRICS_NAMES": "render,upscale", "GATEHOUSE_METRICS_RENDER_PERIOD": "month", "GATEHOUSE_METRICS_UPSCALE_PERIOD": "day",
      "GATEHOUSE_PLANS_FREE_ALLOWANCES_RENDER": "1", "GATEHOUSE_PLANS_FREE_ALLOWANCES_UPSCALE": "1",
      "GATEHOUSE_PLANS_NAMES": "free",
    ]
    try await RunningService.with(environment: environment) { service in
      let user = try await service.newUser()
      func start(_ key: String, _ body: String) async throws -> RunningService.Answer {
        try await service.startAnalysis(user.token, key, body: body)
      }
      #expect(try await start("1", #"{"filename":"a.mp4"}"#).text("analysis.metric") == "render")
      let monthly = try await start("2", "{}")
      #expect(monthly.status == 429 && monthly.text("title") == "Monthly allowance used up" && monthly.text("metric") == "render")
      #expect(try await start("3", #"{"metric":"upscale"}"#).text("analysis.metric") == "upscale")
      let daily = try await start("4", #"{"metric":"upscale"}"#)
      #expect(daily.status == 429 && daily.text("title") == "Daily allowance used up" && daily.text("metric") == "upscale")
      let gate = try await service.ask(
        "POST", "/v1/gate", bearer: service.serviceKey("gate"),
        body: #"{"token":"\#(user.token)","reserve":{"metric":"render","idempotency_key":"5"}}"#)
      #expect(gate.text("problem.title") == "Monthly allowance used up")
      #expect(try await start("6", #"{"metric":"video_analysis"}"#).status == 422)
      #expect(try await start("7", #"{"metric":"render","reservation_id":"rsv_aaaaaaaaaaaaaa"}"#).status == 422)
    }
  }
}
