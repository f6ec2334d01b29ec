import Foundation
import StrictJSON
import TestSupport
import Testing

/// Ending sessions long after the password was entered, and a backend that ends them.
@Suite("Ending sessions", .service) struct EndingSessionsTests {
  /// Makes the password of a user's sessions an old one.
  private func age(_ service: RunningService, _ user: (id: String, email: String, token: String)) async throws {
    try service.agePasswords(of: user.id, milliseconds: 1_000_000)
    try await service.makeCold(user.id)
  }

  private func live(_ service: RunningService, _ tokens: String...) async throws -> [Bool] {
    try await tokens.asyncMap { try await service.gate($0, #""limits":[]"#).text("decision") == "allow" }
  }

  @Test("All sessions and one's own end without a fresh password; the others, for a user that stays, only with one")
  func stale() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    let others = try await (0..<2).asyncMap { _ in try await service.logIn(user.email) }
    func sessionID(_ token: String) async throws -> String {
      try #require(try await service.ask("GET", "/v1/session", bearer: token).text("session.id"))
    }
    let (own, other) = (try await sessionID(user.token), try await sessionID(others[0]))
    try await age(service, user)
    for path in ["/v1/sessions", "/v1/sessions/\(other)", "/v1/sessions?include_current=false", "/v1/sessions/ses_00000000000000"] {
      try await service.ask("DELETE", path, bearer: user.token).expectProblem(
        403, "reauthentication_required", extras: #""max_age_seconds": 900"#)
    }
    #expect(try await live(service, others[0], user.token) == [true, true])
    #expect(try await service.ask("DELETE", "/v1/sessions/\(other)", bearer: others[0]).status == 204, "one's own")
    #expect(try await live(service, others[0], user.token) == [false, true])
    let all = try await service.ask("DELETE", "/v1/sessions?include_current=true", bearer: others[1])
    try all.expect(200, #"{"ended": 2}"#)
    #expect(try await live(service, user.token, others[1]) == [false, false])
    #expect(own != other)
  }

  @Test("A cookie session that ends itself loses its cookie")
  func cookie() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    let login = try await service.ask(
      "POST", "/v1/sessions", headers: ["Sec-Fetch-Site": "same-origin"],
      body: #"{"email":"\#(user.email)","password":"\#(RunningService.password)","transport":"cookie"}"#)
    let cookie = try #require(login.headers["set-cookie"]?.components(separatedBy: "; ").first)
    let id = try #require(login.text("session.id"))
    let ended = try await service.ask("DELETE", "/v1/sessions/\(id)", headers: ["Cookie": cookie, "Sec-Fetch-Site": "same-origin"])
    #expect(ended.status == 204 && ended.headers["set-cookie"]?.hasSuffix("Max-Age=0") == true)
  }

  @Test("A backend lists and ends its users' sessions, on every process, and sees their usage")
  func backend() async throws {
    try await RunningService.with(processes: 2) { service in
      let key = try service.serviceKey("accounts")
      let user = try await service.newUser()
      let tokens = try await [user.token] + (0..<3).asyncMap { _ in try await service.logIn(user.email) }
      let path = "/v1/users/\(user.id)/sessions"
      let first = try await service.ask("GET", "\(path)?limit=3", bearer: key)
      try first.expect(
        200,
        Shape(
          #"{"data": [\#(Array(repeating: Shape.session(current: false, ip: "<text>"), count: 3).joined(separator: ","))], "next_cursor": "<text>"}"#
        ))
      let rest = try await service.ask("GET", "\(path)?limit=3&cursor=\(first.text("next_cursor") ?? "")", bearer: key)
      #expect(rest.data.count == 1 && rest.json["next_cursor"] == .null)
      #expect(Set((first.column("id") + rest.column("id")).map { "\($0)" }).count == 4)

      guard case .string(let one)? = first.column("id").first else {
        throw RunningService.Failure(description: "No session is listed: \(first.json)")
      }
      #expect(try await service.ask("DELETE", "\(path)/\(one)", bearer: key).status == 204)
      try await service.ask("DELETE", "\(path)/\(one)", bearer: key).expectProblem(404, "not_found")
      let other = try await service.newUser()
      let otherID = try #require(try await service.ask("GET", "/v1/session", bearer: other.token).text("session.id"))
      try await service.ask("DELETE", "\(path)/\(otherID)", bearer: key).expectProblem(404, "not_found")
      try await service.ask("DELETE", path, bearer: key, body: #"{"reason":"lost phone"}"#).expect(200, #"{"ended": 3}"#)
      for process in 0..<2 {
        for token in tokens { #expect(try await service.ask("GET", "/v1/user", process: process, bearer: token).status == 401) }
      }
      try await service.ask("DELETE", path, bearer: key).expect(200, #"{"ended": 0}"#)
      #expect(try await live(service, other.token) == [true])

      let theirs = try await service.ask("GET", "/v1/usage", bearer: other.token)
      let usage = try await service.ask("GET", "/v1/users/\(other.id)/usage", bearer: key)
      #expect(usage.status == 200 && usage.body == theirs.body)
      for missing in ["sessions", "usage"] {
        try await service.ask("GET", "/v1/users/usr_00000000000000/\(missing)", bearer: key).expectProblem(404, "not_found")
      }
    }
  }

  @Test("A backend suspends, lifts and deletes, at once on every process, and the trail names its key")
  func accounts() async throws {
    try await RunningService.with(processes: 2) { service in
      let key = try service.serviceKey("accounts")
      let user = try await service.newUser()
      let suspension = "/v1/users/\(user.id)/suspension"
      func codes(_ token: String) async throws -> [String?] {
        try await [0, 1].asyncMap { try await service.ask("GET", "/v1/user", process: $0, bearer: token).text("code") }
      }
      #expect(try await service.ask("POST", suspension, bearer: key, body: "{}").text("code") == "invalid_fields", "it takes a reason")
      let suspended = try await service.ask("POST", suspension, bearer: key, body: #"{"reason":"chargeback"}"#)
      #expect(suspended.status == 200 && suspended.text("status") == "suspended" && suspended.text("id") == user.id)
      #expect(try await codes(user.token) == ["suspended", "suspended"])
      let lifted = try await service.ask("DELETE", suspension, bearer: key)
      #expect(lifted.status == 200 && lifted.text("status") == "active")
      #expect(try await codes(user.token) == ["unauthenticated", "unauthenticated"])
      let token = try await service.logIn(user.email)
      #expect(try await service.ask("DELETE", suspension, bearer: key, body: #"{"reason":"paid"}"#).status == 200)
      #expect(try await codes(token) == [nil, nil], "there was no suspension to lift")
      let trail = try service.ledger(
        "SELECT action || ' ' || actor || ' ' || coalesce(reason, '-') FROM audit WHERE user_id = '\(user.id)'")
      #expect(trail.contains(/user_suspended key_[0-9a-z]{14} chargeback/))

      let windows = "gh:{\(user.id.dropFirst(4))}:rl"
      #expect(try service.redis("exists", windows) == "1\n")
      #expect(try await service.ask("DELETE", "/v1/users/\(user.id)", bearer: key, body: #"{"reason":"asked for"}"#).status == 204)
      try await eventually("Redis counts nothing of them any more") { try service.redis("exists", windows) == "0\n" }
      #expect(try await codes(token) == ["unauthenticated", "unauthenticated"])
      try await service.ask("DELETE", "/v1/users/\(user.id)", bearer: key).expectProblem(404, "not_found")
      try await service.ask("POST", suspension, bearer: key, body: #"{"reason":"x"}"#).expectProblem(404, "not_found")
    }
  }
}
