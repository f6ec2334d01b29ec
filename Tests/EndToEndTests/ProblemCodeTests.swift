import GatehouseCrypto
import StrictJSON
import Synchronization
import TestSupport
import Testing

@testable import GatehouseHTTP

/// Every refusal of the contract, produced by a caller.
@Suite("Every error code") struct ProblemCodeTests {
  /// A problem as it arrived: over HTTP, or inside a decision.
  struct Seen: Sendable {
    let status: Int
    let problem: JSONObject
    /// nil inside a decision, which lists its own `headers`.
    let fields: [String: String]?

    init(_ answer: RunningService.Answer) {
      status = answer.status
      problem = answer.json
      fields = answer.headers
    }

    init(_ answer: RawHTTP.Answer) throws {
      status = answer.status
      problem = RunningService.Answer(status: 0, headers: [:], body: Array(answer.body.utf8)).json
      fields = Dictionary(answer.headers.map { ($0.name.lowercased(), $0.value) }) { $1 }
    }

    init(decision: RunningService.Answer) throws {
      guard case .object(let object)? = decision.json["problem"] else {
        throw RunningService.Failure(description: "the decision has no problem")
      }
      problem = object
      status = object["status"].flatMap { if case .number(let number) = $0 { number.asInt64.map(Int.init) } else { nil } } ?? 0
      fields = nil
    }
  }

  typealias Produce = @Sendable (RunningService) async throws -> Seen

  /// Members that a code adds to the common ones.
  private static let extras: [ProblemCode: Set<String>] = [
    .invalidFields: ["errors"], .rateLimited: ["violated-policies"], .scopeMissing: ["scope"], .planRequired: ["plans"],
    .reauthenticationRequired: ["max_age_seconds"],
    .allowanceExhausted: ["violated-policies", "metric", "limit", "used", "held", "resets_at"],
  ]

  /// Codes that only a service in trouble gives; the suites below produce these.
  private static let trouble: Set<ProblemCode> = [.unavailable, .overloaded]

  @Test("Every code is produced from outside, in full: status, type, title, detail, request id, extras, header fields", .asvs("16.5.1"))
  func all() async throws {
    let cases = Self.cases
    let missing = Set(ProblemCode.allCases).subtracting(cases.keys).subtracting(Self.trouble)
    #expect(missing.isEmpty, "no case for \(missing)")
    try await RunningService.with { service in
      try await withThrowingTaskGroup(of: (ProblemCode, Seen).self) { group in
        for (code, produce) in cases { group.addTask { (code, try await produce(service)) } }
        for try await (code, seen) in group { Self.check(code, seen) }
      }
    }
  }

  static func check(_ code: ProblemCode, _ seen: Seen) {
    let names = Set(seen.problem.members.map(\.name))
    let common: Set<String> = ["type", "title", "status", "code", "detail", "request_id"]
    #expect(seen.status == code.status, "\(code): \(seen)")
    #expect(names == common.union(extras[code] ?? []), "\(code): \(names)")
    let title = code == .allowanceExhausted ? "Daily allowance used up" : code.title
    #expect(seen.problem["code"] == .string(code.rawValue) && seen.problem["title"] == .string(title), "\(code): \(seen)")
    #expect(seen.problem["status"] == .int64(Int64(code.status)) && seen.problem["type"] == .string(code.type), "\(code): \(seen)")
    guard case .string(let detail)? = seen.problem["detail"], case .string(let id)? = seen.problem["request_id"] else {
      Issue.record("\(code): no detail or no request id: \(seen)")
      return
    }
    #expect(detail.hasSuffix(".") || detail.hasSuffix("ghk_…"), "\(code): \(detail)")
    guard let fields = seen.fields else { return }
    #expect(fields["content-type"] == "application/problem+json" && fields["x-request-id"] == id, "\(code): \(fields)")
    #expect(fields["cache-control"] == "no-store" && fields["strict-transport-security"] != nil, "\(code): \(fields)")
    #expect((fields["www-authenticate"] != nil) == (code.status == 401), "\(code): \(fields)")
    #expect((fields["retry-after"].flatMap(Int.init) ?? 0 > 0) == [429, 503].contains(code.status), "\(code): \(fields)")
    #expect((fields["allow"] != nil) == (code.status == 405), "\(code): \(fields)")
  }

  private static let cases: [ProblemCode: Produce] = [
    .malformedRequest: { try await Seen($0.ask("POST", "/v1/sessions", body: "{")) },
    .ambiguousCredentials: { service in
      try await Seen(service.ask("GET", "/v1/session", bearer: "gh_1x", headers: ["Cookie": "__Host-gatehouse=gh_1x"]))
    },
    .invalidCursor: { service in
      try await Seen(service.ask("GET", "/v1/sessions?cursor=x", bearer: service.newUser().token))
    },
    .idempotencyKeyMissing: { service in
      try await Seen(service.ask("POST", "/v1/analyses", bearer: service.newUser().token, body: "{}"))
    },
    .idempotencyKeyInvalid: { service in
      try await Seen(service.startAnalysis(service.newUser().token, "two words"))
    },
    .unauthenticated: { try await Seen($0.ask("GET", "/v1/session")) },
    .unknownProfile: { try await Seen($0.ask("GET", "/v1/auth/nothing")) },
    .invalidLogin: { try await Seen($0.ask("POST", "/v1/sessions", body: #"{"email":"nobody@example.com","password":"x"}"#)) },
    .invalidKey: { try await Seen($0.ask("POST", "/v1/gate", bearer: "ghk_forged", body: "{}")) },
    .suspended: { service in
      let user = try await service.newUser()
      _ = try service.operate("PATCH", "/v1/admin/users/\(user.id)", body: #"{"status":"suspended","reason":"test"}"#)
      return try await Seen(service.ask("GET", "/v1/session", bearer: user.token))
    },
    .reauthenticationRequired: { service in
      let user = try await service.newUser()
      var answer = try await service.gate(user.token, #""require":{"authenticated_within_seconds":1}"#)
      try await eventually("the login is a second old") {
        answer = try await service.gate(user.token, #""limits":[],"require":{"authenticated_within_seconds":1}"#)
        return answer.text("decision") != "allow"
      }
      return try Seen(decision: answer)
    },
    .emailUnverified: { service in
      try await Seen(decision: service.gate(service.newUser().token, #""require":{"email_verified":true}"#))
    },
    .planRequired: { service in
      try await Seen(decision: service.gate(service.newUser().token, #""require":{"plan":"pro"}"#))
    },
    .scopeMissing: { service in
      try await Seen(service.ask("POST", "/v1/gate", bearer: service.serviceKey("work"), body: "{}"))
    },
    .csrfRejected: { service in
      let token = try await service.newUser().token
      return try await Seen(service.ask("PATCH", "/v1/user", headers: ["Cookie": "__Host-gatehouse=\(token)"], body: "{}"))
    },
    .notFound: { try await Seen($0.ask("GET", "/v1/nothing")) },
    .methodNotAllowed: { try await Seen($0.ask("POST", "/v1/sessions/x")) },
    .notAcceptable: { service in
      let path = "/v1/usage/history?from=2026-01-01&to=2026-01-02"
      return try await Seen(service.ask("GET", path, bearer: service.newUser().token, headers: ["Accept": "image/png"]))
    },
    .requestTimeout: { service in
      let client = try await RawHTTP.connect(port: service.port())
      try await client.send("GET /v1/session HTTP/1.1\r\nHost: a\r\n")
      return try await Seen(client.answer())
    },
    .emailTaken: { service in
      let email = try await service.newUser().email
      let body = #"{"email":"\#(email)","password":"\#(RunningService.password)"}"#
      return try await Seen(service.ask("POST", "/v1/users", bearer: service.serviceKey("accounts"), body: body))
    },
    .externalIDTaken: { service in
      let key = try service.serviceKey("accounts")
      var last: RunningService.Answer?
      for _ in 0..<2 {
        last = try await service.ask("PATCH", "/v1/users/\(service.newUser().id)", bearer: key, body: #"{"external_id":"1042"}"#)
      }
      return try Seen(#require(last))
    },
    .invalidTransition: { service in
      let id = try #require(try await service.startAnalysis(service.newUser().token, "k").text("analysis.id"))
      let key = try service.serviceKey("work")
      _ = try await service.ask("PATCH", "/v1/analyses/\(id)", bearer: key, body: #"{"status":"failed"}"#)
      return try await Seen(service.ask("PATCH", "/v1/analyses/\(id)", bearer: key, body: #"{"status":"running"}"#))
    },
    .reservationExpired: { service in
      let key = try service.serviceKey("work")
      let user = try await service.newUser()
      let first = try await service.startAnalysis(user.token, "0", body: #"{"lease_seconds":1}"#)
      let id = try #require(first.text("analysis.reservation_id"))
      var tries = 0
      try await eventually("the lease of a second runs out") {
        tries += 1
        try await service.makeCold(user.id)
        return try await service.startAnalysis(key, "\(user.id)-\(tries)", body: #"{"user_id":"\#(user.id)"}"#).status == 201
      }
      return try await Seen(service.ask("POST", "/v1/reservations/\(id)/commit", bearer: key))
    },
    .tokenSpent: { try await Seen($0.ask("POST", "/v1/email-verifications/complete", body: #"{"token":"ghm_unknown"}"#)) },
    .bodyTooLarge: { service in
      let body = #"{"email":"\#(String(repeating: "x", count: 65_536))"}"#
      return try await Seen(
        service.raw(
          "POST /v1/users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"))
    },
    .uriTooLong: { service in
      try await Seen(service.raw("GET /v1/\(String(repeating: "x", count: 9_000)) HTTP/1.1\r\nHost: a\r\n\r\n"))
    },
    .unsupportedMediaType: { try await Seen($0.ask("POST", "/v1/sessions", headers: ["Content-Type": "text/plain"], body: "{}")) },
    .expectationFailed: { service in
      try await Seen(service.raw("GET /v1/session HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n"))
    },
    .invalidFields: { try await Seen($0.ask("POST", "/v1/sessions", body: "{}")) },
    .costExceedsLimit: { service in
      let body = #"{"subject":"x","cost":11}"#
      return try await Seen(service.ask("POST", "/v1/limits/upload/check", bearer: service.serviceKey("gate"), body: body))
    },
    .idempotencyKeyReused: { service in
      let token = try await service.newUser().token
      _ = try await service.startAnalysis(token, "k")
      return try await Seen(service.startAnalysis(token, "k", body: "{}"))
    },
    .rateLimited: { service in
      let token = try await service.newUser().token
      var answer = try await service.ask("GET", "/v1/user", bearer: token)
      for _ in 0..<200 where answer.status == 200 { answer = try await service.ask("GET", "/v1/user", bearer: token) }
      return Seen(answer)
    },
    .allowanceExhausted: { service in
      let token = try await service.newUser().token
      _ = try await service.startAnalysis(token, "1")
      return try await Seen(service.startAnalysis(token, "2"))
    },
    .headersTooLarge: { service in
      try await Seen(service.raw("GET /v1/session HTTP/1.1\r\nHost: a\r\nX-Long: \(String(repeating: "x", count: 9_000))\r\n\r\n"))
    },
  ]
}

/// The problems that a service in trouble answers with.
@Suite("A service in trouble") struct TroubleTests {
  @Test(
    "A storm of logins is refused as overloaded before a handler runs, and beyond the network's limit before anything is hashed",
    .asvs("2.4.1", "15.2.2"))
  func overloaded() async throws {
    let slow = [
      "GATEHOUSE_PASSWORD_ARGON_MEMORY_KIB": "65536", "GATEHOUSE_PASSWORD_ARGON_PASSES": "4",
      "GATEHOUSE_POLICIES_LOGIN_NETWORK_LIMIT": "3",
    ]
    try await RunningService.with(environment: slow) { service in
      let key = try service.serviceKey("accounts")
      @Sendable func logIn(_ number: Int, from address: String) async throws -> RunningService.Answer {
        try await service.ask(
          "POST", "/v1/sessions", bearer: key, headers: ["Gatehouse-Client-IP": address],
          body: #"{"email":"storm-\#(number)@example.com","password":"x"}"#)
      }
      let turnedAway = try await withThrowingTaskGroup(of: RunningService.Answer.self) { group in
        for number in 0..<130 { group.addTask { try await logIn(number, from: "10.1.\(number).1") } }
        defer { group.cancelAll() }
        for try await answer in group where answer.status == 503 { return answer }
        throw NotInTime(description: "nobody was turned away")
      }
      ProblemCodeTests.check(.overloaded, .init(turnedAway))
      var limited: RunningService.Answer?
      // A request that is refused before its handler is not counted; one that is admitted is, whatever comes of it.
      try await eventually("the network's fourth attempt is refused", within: .seconds(60)) {
        let answer = try await logIn(0, from: "10.2.0.1")
        if answer.status == 429 { limited = answer }
        return answer.status == 429
      }
      ProblemCodeTests.check(.rateLimited, .init(try #require(limited)))
      #expect(try await service.ask("GET", "/readyz").status == 200)
    }
  }

  @Test("As many logins are let in as can be hashed, though they wait for the ledger; the others hear so at once")
  func door() async throws {
    try await RunningService.with { service in
      let key = try service.serviceKey("accounts")
      let (capacity, more) = (HashPool.threadsDefault + HashPool.waitingMaxDefault, 5)
      let lock = try LedgerLock(service.folder + "/gatehouse.sqlite")
      try await withThrowingTaskGroup(of: RawHTTP.Answer.self) { group in
        for number in 0..<capacity + more {
          let body = #"{"email":"door-\#(number)@example.com","password":"a quiet canary sings"}"#
          let client = try await RawHTTP.connect(port: service.port())
          try await client.send(
            "POST /v1/users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(key)\r\nGatehouse-Client-IP: 10.3.\(number).1\r\n"
              + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
          group.addTask { try await client.answer() }
        }
        for _ in 0..<more {
          let answer = try await group.next()
          #expect(answer?.status == 503 && answer?.body.contains(#""code":"overloaded""#) == true, "\(answer?.body ?? "")")
        }
        lock.release()
        for try await answer in group { #expect(answer.status == 201, "\(answer.body)") }
      }
    }
  }

  @Test("A ledger that can't be written is a 503 unavailable, reading goes on, and writing too once it can", .asvs("16.5.2"))
  func unavailable() async throws {
    try await RunningService.with { service in
      let user = try await service.newUser()
      let lock = try LedgerLock(service.folder + "/gatehouse.sqlite")
      // SQLite is asked again and again before it is given up, by a count and not by a clock.
      let refused = try await service.ask("PATCH", "/v1/user", bearer: user.token, body: #"{"name":"Mia"}"#, patience: 120)
      ProblemCodeTests.check(.unavailable, .init(refused))
      #expect(try await service.ask("GET", "/v1/user", bearer: user.token).status == 200)
      lock.release()
      try await eventually("the ledger takes writes again") {
        try await service.ask("PATCH", "/v1/user", bearer: user.token, body: #"{"name":"Mia"}"#).status == 200
      }
    }
  }
}
