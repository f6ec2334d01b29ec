import Foundation
import TestSupport
import Testing

/// The promises, seen from outside the processes.
@Suite(.serialized) struct PromiseTests {
  @Test("A restart logs nobody out: API and Redis killed, every session still verifies")
  func restart() async throws {
    try await RunningService.with { service in
      var tokens: [String] = []
      for _ in 0..<5 { tokens.append(try await service.newUser().token) }
      service.killAPIs()
      try service.killRedis()
      try service.startRedis()
      try await service.startAPI()
      for token in tokens { #expect(try await service.ask("GET", "/v1/session", bearer: token).status == 200) }
    }
  }

  @Test("Losing Redis loses nothing: after FLUSHALL sessions verify, ended ones stay ended, what is used stays used")
  func flush() async throws {
    try await RunningService.with { service in
      let user = try await service.newUser()
      let second = try await service.logIn(user.email)
      #expect(try await service.ask("DELETE", "/v1/session", bearer: second).status == 204)
      #expect(try await analysis(service, user.token, "a").status == 201)
      _ = try service.redis("flushall")
      #expect(try await service.ask("GET", "/v1/session", bearer: user.token).status == 200)
      #expect(try await service.ask("GET", "/v1/session", bearer: second).status == 401)
      #expect(try await analysis(service, user.token, "b").status == 429)
    }
  }

  @Test("Redis down is not an outage: the ledger verifies, allowances stay exact, an ended session stays ended", .asvs("16.5.2", "16.5.3"))
  func redisDown() async throws {
    try await RunningService.with { service in
      let user = try await service.newUser()
      let other = try await service.logIn(user.email)
      let key = try service.serviceKey("gate")
      try service.killRedis()
      let gate = try await service.ask("POST", "/v1/gate", bearer: key, body: #"{"token":"\#(user.token)"}"#)
      #expect(gate.text("decision") == "allow")
      #expect(gate.text("source") == "ledger")
      #expect(try await analysis(service, user.token, "a").status == 201)
      #expect(try await analysis(service, user.token, "b").status == 429)
      #expect(try await service.ask("DELETE", "/v1/session", bearer: other).status == 204)
      #expect(try await service.ask("GET", "/v1/session", bearer: other).status == 401)
      #expect(try await service.ask("GET", "/readyz").text("status") == "degraded")
      try service.startRedis()
      let deadline = Date().addingTimeInterval(10)
      var source: String?
      while source != "redis", Date() < deadline {
        source = try await service.ask("POST", "/v1/gate", bearer: key, body: #"{"token":"\#(user.token)"}"#).text("source")
      }
      #expect(source == "redis")
      #expect(try await service.ask("GET", "/v1/session", bearer: other).status == 401)
    }
  }

  @Test(
    "No over-grant: 256 callers on the last unit through two processes, exactly one is granted and none fails", .asvs("2.3.4", "15.4.2"))
  func lastUnit() async throws {
    try await RunningService.with(processes: 2) { service in
      let user = try await service.newUser()
      let key = try service.serviceKey("work")
      let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
        for caller in 0..<256 {
          group.addTask {
            try await service.ask(
              "POST", "/v1/reservations", process: caller % 2, bearer: key, headers: ["Idempotency-Key": "call-\(caller)"],
              body: #"{"user_id":"\#(user.id)","metric":"video_analysis"}"#
            ).status
          }
        }
        return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
      }
      #expect(statuses == [201: 1, 429: 255])
    }
  }

  @Test("Revocation is immediate on every process: ended through one, refused by the other on the next request", .asvs("7.4.1"))
  func revocation() async throws {
    try await RunningService.with(processes: 2) { service in
      let user = try await service.newUser()
      for round in 0..<20 {
        let token = try await service.logIn(user.email, process: round % 2)
        #expect(try await service.ask("GET", "/v1/session", process: 1, bearer: token).status == 200)
        #expect(try await service.ask("DELETE", "/v1/session", process: 0, bearer: token).status == 204)
        #expect(try await service.ask("GET", "/v1/session", process: 1, bearer: token).status == 401)
      }
    }
  }

  @Test("A retry is safe: the same Idempotency-Key gives the first answer, another body is refused, parallel repeats do the work once")
  func retry() async throws {
    try await RunningService.with { service in
      let user = try await service.newUser()
      let answers = try await withThrowingTaskGroup(of: RunningService.Answer.self) { group in
        for _ in 0..<20 { group.addTask { try await analysis(service, user.token, "same") } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(answers.map(\.status) == Array(repeating: 201, count: 20))
      #expect(Set(answers.map { $0.text("analysis.id") }).count == 1)
      let other = try await service.ask(
        "POST", "/v1/analyses", bearer: user.token, headers: ["Idempotency-Key": "same"], body: #"{"filename":"other.mp4"}"#)
      #expect(other.status == 422)
      #expect(other.text("code") == "idempotency_key_reused")
    }
  }

  @Test("A job's life: a failed one costs nothing, a completed one is used, its history says so")
  func job() async throws {
    try await RunningService.with { service in
      let user = try await service.newUser()
      let key = try service.serviceKey("work")
      let first = try await analysis(service, user.token, "1")
      let id = try #require(first.text("analysis.id"))
      let failed = try await service.ask(
        "PATCH", "/v1/analyses/\(id)", bearer: key, body: #"{"status":"failed","error":{"code":"unsupported_codec"}}"#)
      #expect(failed.status == 200)
      let second = try await analysis(service, user.token, "2")
      #expect(second.status == 201)
      let next = try #require(second.text("analysis.id"))
      let report = #"{"status":"completed","result":{"score":36.1}}"#
      #expect(try await service.ask("PATCH", "/v1/analyses/\(next)", bearer: key, body: report).status == 200)
      #expect(try await service.ask("PATCH", "/v1/analyses/\(next)", bearer: key, body: report).status == 200)
      let contrary = try await service.ask("PATCH", "/v1/analyses/\(next)", bearer: key, body: #"{"status":"failed"}"#)
      #expect(contrary.text("code") == "invalid_transition")
      #expect(try await analysis(service, user.token, "3").text("code") == "allowance_exhausted")
      let stored = try await service.ask("GET", "/v1/analyses/\(next)", bearer: user.token)
      #expect(String(decoding: stored.body, as: UTF8.self).contains(#""result":{"score":36.1}"#))
      let upgraded = try await service.ask(
        "PUT", "/v1/users/\(user.id)/plan", bearer: try service.serviceKey("accounts"), body: #"{"plan":"pro","reason":"test"}"#)
      #expect(upgraded.status == 200)
      #expect(try await analysis(service, user.token, "4").status == 201)
    }
  }

  @Test("No live credential at rest: neither token, key nor password is in Redis, SQLite or the logs", .asvs("16.2.5", "14.2.6"))
  func atRest() async throws {
    try await RunningService.with { service in
      let user = try await service.newUser()
      _ = try await service.ask("GET", "/v1/session", bearer: user.token)
      _ = try service.redis("bgrewriteaof")
      let key = try service.serviceKey("accounts")
      let mails = try await [
        ("/v1/password-resets", #"{"email":"\#(user.email)"}"#), ("/v1/email-verifications", #"{"user_id":"\#(user.id)"}"#),
      ].asyncMap { try #require(try await service.ask("POST", $0.0, bearer: key, body: $0.1).text("mail.token")) }
      let secrets = mails + [user.token, try service.serviceKey("accounts"), RunningService.password]
      let files = try #require(FileManager.default.enumerator(atPath: service.folder)?.allObjects as? [String])
      var read = 0
      for file in files {
        guard let data = FileManager.default.contents(atPath: "\(service.folder)/\(file)") else { continue }
        read += data.count
        for secret in secrets { #expect(data.range(of: Data(secret.utf8)) == nil, "in \(file)") }
      }
      #expect(read > 10_000)
    }
  }

  private func analysis(_ service: RunningService, _ token: String, _ key: String) async throws -> RunningService.Answer {
    try await service.ask("POST", "/v1/analyses", bearer: token, headers: ["Idempotency-Key": key], body: #"{"filename":"squat.mp4"}"#)
  }
}
