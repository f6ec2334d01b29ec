import Foundation
import StrictJSON
import TestSupport
import Testing

@testable import GatehouseHTTP

/// The answer to a proxy that asks whether a request may pass.
@Suite(.serialized) struct ForwardAuthTests {
  private static let ourFields = [
    "gatehouse-user", "gatehouse-external-id", "gatehouse-plan", "gatehouse-session", "gatehouse-status", "ratelimit", "ratelimit-policy",
  ]

  @Test("An allowed request names its user, session and plan, in fields that are always all there")
  func allowed() async throws {
    try await RunningService.with { service in
      let user = try await service.newUser()
      for path in ["/v1/auth/api", "/v1/auth/api/", "/v1/auth/api/anything//at/all?policy=none&a=1&a=2"] {
        let answer = try await service.ask("GET", path, bearer: user.token)
        #expect(answer.status == 200, "\(path)")
        for name in Self.ourFields { #expect(answer.headers[name] != nil, "\(name) on \(path)") }
        #expect(answer.headers["gatehouse-user"] == user.id)
        #expect(answer.headers["gatehouse-plan"] == "free")
        #expect(answer.headers["gatehouse-external-id"] == "")
        #expect(answer.headers["gatehouse-status"] == "200")
        #expect(answer.headers["ratelimit-policy"] == #""api";q=60;w=60"#)
      }
    }
  }

  @Test("An app's own id of any text comes in a field that gives the text again, and no two ids come alike")
  func externalIDs() async throws {
    try await RunningService.with { service in
      let key = try service.serviceKey("accounts")
      let user = try await service.newUser()
      let ids = [
        ("1042", "1042"), ("zoë", "zo%C3%AB"), (#"zo\u00eb"#, #"zo\u00eb"#), ("zo%C3%AB", "zo%25C3%25AB"), (" a b ", "%20a b%20"),
        ("a b", "a b"),
        ("100%", "100%25"), ("\t", "%09"), ("a\r\nGatehouse-Plan: pro", "a%0D%0AGatehouse-Plan: pro"),
        ("👩‍🚀", "%F0%9F%91%A9%E2%80%8D%F0%9F%9A%80"),
        ("  ", "%20%20"), ("\u{7f}", "%7F"), ("\u{e9}", "%C3%A9"), ("e\u{301}", "e%CC%81"), (#""quoted", \"#, #""quoted", \"#),
      ]
      for (id, value) in ids {
        let body: JSONObject = ["external_id": .string(id)]
        let set = try await service.ask(
          "PATCH", "/v1/users/\(user.id)", bearer: key, body: String(decoding: json { $0.value(.object(body)) }, as: UTF8.self))
        #expect(set.status == 200, "\(value)")
        let answer = try await service.raw("GET /v1/auth/api HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(user.token)\r\n\r\n")
        #expect(answer.status == 200 && answer["Gatehouse-External-Id"] == value, "\(answer)")
        #expect(value.removingPercentEncoding?.utf8.elementsEqual(id.utf8) == true)
        #expect(answer["Gatehouse-Plan"] == "free")
      }
    }
  }

  @Test("A refusal carries its problem in one line and its true status, and never another status than a proxy knows")
  func refused() async throws {
    try await RunningService.with { service in
      let user = try await service.newUser()
      let none = try await service.ask("GET", "/v1/auth/api")
      #expect(none.status == 401)
      #expect(none.headers["gatehouse-status"] == "401")
      #expect(none.headers["gatehouse-problem"] == String(decoding: none.body, as: UTF8.self))
      let both = try await service.ask("GET", "/v1/auth/api", bearer: user.token, headers: ["Cookie": "__Host-gatehouse=\(user.token)"])
      #expect(both.status == 401)
      #expect(both.text("code") == "ambiguous_credentials")
      let unknown = try await service.ask("GET", "/v1/auth/nothing", bearer: user.token)
      #expect(unknown.status == 503 && unknown.text("code") == "unknown_profile" && unknown.text("title")?.contains("profile") == true)
      for _ in 0..<60 { _ = try await service.ask("GET", "/v1/auth/api", bearer: user.token) }
      let full = try await service.ask("GET", "/v1/auth/api", bearer: user.token)
      #expect(full.status == 429)
      #expect(Int(full.headers["retry-after"] ?? "") ?? 0 > 0)
      let asked = try await service.ask("GET", "/v1/auth/api", bearer: user.token, headers: ["Gatehouse-Refuse": "403"])
      #expect(asked.status == 403)
      #expect(asked.headers["gatehouse-status"] == "429")
      #expect(asked.headers["retry-after"] != nil)
      #expect(asked.text("code") == "rate_limited")
    }
  }

  @Test("With a cookie the client's own method decides about CSRF, and without a word of the proxy it counts as unsafe")
  func crossSite() async throws {
    try await RunningService.with { service in
      let user = try await service.newUser()
      let cookie = ["Cookie": "__Host-gatehouse=\(user.token)"]
      func status(_ method: String, _ more: [String: String]) async throws -> Int {
        try await service.ask(method, "/v1/auth/api", headers: cookie.merging(more) { $1 }).status
      }
      #expect(try await status("GET", [:]) == 403)
      #expect(try await status("GET", ["X-Forwarded-Method": "GET"]) == 200)
      #expect(try await status("GET", ["X-Forwarded-Method": "POST"]) == 403)
      #expect(try await status("GET", ["X-Forwarded-Method": "POST", "Sec-Fetch-Site": "same-origin"]) == 200)
      #expect(try await status("GET", ["X-Forwarded-Method": "POST", "Sec-Fetch-Site": "cross-site"]) == 403)
      #expect(try await status("GET", ["Gatehouse-Method": "own"]) == 200)
      #expect(try await status("DELETE", ["Gatehouse-Method": "own"]) == 403)
      #expect(try await service.ask("DELETE", "/v1/auth/api", bearer: user.token).status == 200)
    }
  }
}

/// Requests of a proxy that the parser refuses.
@Suite(.service) struct UnreadableQuestionTests {
  private static let cases: [(code: String, fields: String, body: String)] = [
    ("headers_too_large", "Cookie: a=\(String(repeating: "x", count: 9_000))\r\n", ""),
    ("headers_too_large", String(repeating: "Cookie: a=\(String(repeating: "x", count: 4_000))\r\n", count: 5), ""),
    ("headers_too_large", (0..<120).map { "X-\($0): x\r\n" }.joined(), ""),
    ("body_too_large", "Content-Length: 70000\r\n", ""), ("body_too_large", "Content-Length: 9999999999\r\n", ""),
    ("expectation_failed", "Expect: wonders\r\n", ""),
    ("malformed_request", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", ""), ("malformed_request", "Host: b\r\n", ""),
    ("malformed_request", "X: \u{1}\r\n", ""), ("malformed_request", "Transfer-Encoding: chunked\r\n", "zz\r\n"),
    ("malformed_request", "no field\r\n", ""),
  ]

  @Test(
    "An unreadable question is 403 with its code in Gatehouse-Problem, since a proxy passes no other status on; elsewhere it keeps its own"
  )
  func unreadable() async throws {
    let service = try RunningService.shared()
    for (code, fields, body) in Self.cases {
      for target in ["/v1/auth/api", "/v1/auth/api/page?a=1", "http://a/v1/auth/api"] {
        let answer = try await service.raw("GET \(target) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\(body)")
        #expect(answer.status == 403 && answer["Gatehouse-Status"] == "403", "\(target), \(fields.prefix(40)): \(answer)")
        let problem = RunningService.Answer(status: 0, headers: [:], body: Array((answer["Gatehouse-Problem"] ?? "").utf8))
        #expect(problem.text("code") == code && answer.body == answer["Gatehouse-Problem"], "\(target), \(fields.prefix(40)): \(answer)")
      }
      let elsewhere = try await service.raw("GET /v1/session HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\(body)")
      #expect(elsewhere.status == ProblemCode(rawValue: code)?.status && elsewhere["Gatehouse-Problem"] == nil, "\(elsewhere)")
    }
  }

  @Test("A target that is too long is 403 too, wherever in it the excess stands")
  func longTarget() async throws {
    let service = try RunningService.shared()
    for rest in [String(repeating: "a", count: 9_000), "?\(String(repeating: "a", count: 20_000))"] {
      let answer = try await service.raw("GET /v1/auth/api/\(rest) HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(answer.status == 403 && answer["Gatehouse-Problem"]?.contains("uri_too_long") == true, "\(answer)")
    }
  }
}

extension ForwardAuthTests {
  @Test("The public /openapi.json has forward auth under every method that a document can name, each by a name of its own")
  func described() async throws {
    try await RunningService.with { service in
      func methods(_ port: Int) async throws -> [JSONObject.Member] {
        guard case .object(let paths) = try await service.ask("GET", "/openapi.json", at: port).json["paths"],
          case .object(let methods) = paths["/v1/auth/{profile}"]
        else { return [] }
        return methods.members
      }
      let found = try await methods(service.port())
      #expect(Set(found.map(\.name)) == ["get", "put", "post", "delete", "options", "head", "patch", "trace"])
      var names: Set<String> = []
      for member in found {
        guard case .object(let operation) = member.value, case .object(let responses) = operation["responses"] else { continue }
        if case .string(let name) = operation["operationId"] { names.insert(name) }
        #expect(responses["503"] != nil && responses["405"] == nil)
      }
      #expect(names.count == found.count)
      #expect(try await methods(service.opsPort()).isEmpty)
    }
  }
}

/// Many decisions in one call.
@Suite(.serialized) struct BatchTests {
  @Test("A batch answers in the order of its questions, and a wrong one fails alone")
  func order() async throws {
    try await RunningService.with { service in
      let key = try service.serviceKey("gate")
      var users: [(id: String, email: String, token: String)] = []
      for _ in 0..<3 { users.append(try await service.newUser()) }
      let good = users.map { #"{"token":"\#($0.token)"}"# }
      let twice = #"{"token":"\#(users[0].token)","limits":[{"policy":"api","cost":59},{"policy":"api","cost":2}]}"#
      let questions = [
        good[0], #"{"token":"gh_nonsense"}"#, good[1], #"{"token":7}"#, #""text""#, #"{"token":"x","reserve":{}}"#, good[2], twice,
      ]
      let answer = try await service.ask(
        "POST", "/v1/gate/batch", bearer: key, body: "{\"requests\":[\(questions.joined(separator: ","))]}")
      #expect(answer.status == 200)
      guard case .array(let results) = answer.json["results"], results.count == questions.count else {
        Issue.record("\(String(decoding: answer.body, as: UTF8.self))")
        return
      }
      func text(_ index: Int, _ path: String...) -> String? {
        var value = results[index]
        for name in path {
          guard case .object(let object) = value, let next = object[name] else { return nil }
          value = next
        }
        if case .string(let text) = value { return text }
        return nil
      }
      for (place, user) in zip([0, 2, 6], users) { #expect(text(place, "user", "id") == user.id) }
      #expect(text(1, "decision") == "unauthenticated")
      for place in [3, 4, 5, 7] { #expect(text(place, "problem", "code") == "invalid_fields") }
    }
  }

  @Test("A thousand decisions fit in a batch, one more is refused, and the limits of one user hold across it")
  func size() async throws {
    try await RunningService.with { service in
      let key = try service.serviceKey("gate")
      func batch(_ count: Int, of token: String) async throws -> RunningService.Answer {
        let list = Array(repeating: #"{"token":"\#(token)"}"#, count: count).joined(separator: ",")
        return try await service.ask("POST", "/v1/gate/batch", bearer: key, body: "{\"requests\":[\(list)]}")
      }
      struct Counts { var redis = 0, ledger = 0, refusedByRedis = 0, refusedByLedger = 0 }
      func counts(of answer: RunningService.Answer) -> Counts {
        let text = String(decoding: answer.body, as: UTF8.self)
        func count(_ decision: String, _ source: String) -> Int {
          text.components(separatedBy: #""decision":"\#(decision)","allowed":\#(decision == "allow"),"source":"\#(source)""#).count - 1
        }
        return Counts(
          redis: count("allow", "redis"), ledger: count("allow", "ledger"), refusedByRedis: count("rate_limited", "redis"),
          refusedByLedger: count("rate_limited", "ledger"))
      }
      let user = try await service.newUser()
      let answer = try await batch(1_000, of: user.token)
      #expect(answer.status == 200)
      // A decision that Redis could not make in time is this process's own, and counts with Redis's: never more pass, and all units are
      // counted, but on a machine that stands still some that Redis has counted are refused.
      let all = counts(of: answer)
      #expect(all.redis + all.ledger <= 60, "\(all)")
      if all.ledger + all.refusedByLedger == 0 { #expect(all.redis == 60, "\(all)") }
      let next = try await service.ask("POST", "/v1/gate", bearer: key, body: #"{"token":"\#(user.token)"}"#)
      #expect(next.text("decision") == "rate_limited", "a unit is left though one was refused: \(all), \(next)")
      #expect(all.redis + all.ledger + all.refusedByRedis + all.refusedByLedger == 1_000, "\(all)")
      // Where Redis made all of them exactly the limit passes.
      try await eventually("Redis has made all decisions of a batch", within: .seconds(120)) {
        let user = try await service.newUser()
        let answer = try await batch(100, of: user.token)
        #expect(answer.status == 200)
        let found = counts(of: answer)
        #expect(found.redis + found.ledger <= 60, "\(found)")
        guard found.ledger + found.refusedByLedger == 0 else { return false }
        #expect(found.redis == 60 && found.refusedByRedis == 40, "\(found)")
        return true
      }
      #expect(try await batch(1_001, of: user.token).status == 422)
    }
  }
}
