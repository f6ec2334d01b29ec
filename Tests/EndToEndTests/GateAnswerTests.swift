import Foundation
import StrictJSON
import TestSupport
import Testing

/// Every decision of the gate with all its members, and the check of one policy.
@Suite("Answers of the gate", .service(ServiceTrait.visits)) struct GateAnswerTests {
  private let user = #"{"id": "<usr>", "external_id": null, "plan": "free", "status": "active", "email_verified": false}"#
  private let session =
    #"{"id": "<ses>", "class": "web", "authenticated_at": "<instant>", "idle_expires_at": "<instant>", "expires_at": "<instant>"}"#

  private func api(remaining: String, exceeded: Bool = false) -> String {
    """
    {"policy": "api", "limit": 60, "window_seconds": 60, "remaining": \(remaining), "reset_seconds": "<int>", "exceeded": \(exceeded),
     "shadow": false}
    """
  }

  private func upload(remaining: Int) -> String {
    """
    {"policy": "upload", "limit": 10, "window_seconds": 3600, "remaining": \(remaining), "reset_seconds": "<int>", "exceeded": false,
     "shadow": false}
    """
  }

  private func refused(
    _ decision: String, retry: String = "null", user: String? = nil, session: String? = nil, limits: String = "[]",
    allowances: String = "[]", headers: String = "{}", problem: String
  ) -> Shape {
    Shape(
      """
      {"decision": "\(decision)", "allowed": false, "source": "<source>", "retry_after_seconds": \(retry), "user": \(user ?? self.user),
       "session": \(session ?? self.session), "limits": \(limits), "allowances": \(allowances), "reservation": null, "headers": \(headers),
       "problem": \(problem)}
      """)
  }

  private func problem(_ status: Int, _ code: String, detail: String = "<text>", extras: String = "") -> String {
    let type = status == 429 ? "https://iana.org/assignments/http-problem-types#quota-exceeded" : "urn:gatehouse:problem:\(code)"
    return """
      {"type": "\(type)", "title": "<text>", "status": \(status), "code": "\(code)", "detail": "\(detail)", "request_id": "<req>"\(extras)}
      """
  }

  @Test("The answer allow names user, session, every limit, the allowance and the reservation, with the fields to forward")
  func allow() async throws {
    let service = try RunningService.shared()
    let token = try await service.newUser().token
    let answer = try await service.gate(
      token,
      #"""
      "client_ip": "203.0.113.7", "user_agent": "Mozilla/5.0", "limits": [{"policy": "api", "cost": 1}, {"policy": "upload", "cost": 1}],
      "require": {"plan": null, "authenticated_within_seconds": null, "email_verified": false},
      "reserve": {"metric": "video_analysis", "amount": 1, "idempotency_key": "upload-8f31", "lease_seconds": 1800}, "peek": false
      """#)
    try answer.expect(
      200,
      Shape(
        """
        {"decision": "allow", "allowed": true, "source": "<source>", "retry_after_seconds": null, "user": \(user), "session": \(session),
         "limits": [\(api(remaining: "59")), \(upload(remaining: 9))],
         "allowances": [\(Shape.allowance(used: 0, held: 1, remaining: "0"))],
         "reservation": {"id": "<rsv>", "metric": "video_analysis", "amount": 1, "status": "held", "lease_expires_at": "<instant>"},
         "headers": {"RateLimit-Policy": "\\"api\\";q=60;w=60, \\"upload\\";q=10;w=3600, \\"video_analysis\\";q=1;w=86400", "RateLimit": "<text>"},
         "problem": null}
        """))
    let fields = try #require(answer.text("headers.RateLimit")).components(separatedBy: ", ")
    #expect(fields.map { String($0.prefix { $0 != "t" }) } == [#""api";r=59;"#, #""upload";r=9;"#, #""video_analysis";r=0;"#])
  }

  @Test("The answer rate_limited spends nothing and says when this cost fits")
  func rateLimited() async throws {
    let service = try RunningService.shared()
    let token = try await service.newUser().token
    #expect(try await service.gate(token, #""limits": [{"policy": "api", "cost": 60}]"#).text("decision") == "allow")
    var answer = try await service.gate(token)
    // Redis may have been away for one of the calls, and then this process's own window counts.
    try await eventually("the window is full") {
      if answer.text("decision") != "rate_limited" { answer = try await service.gate(token) }
      return answer.text("decision") == "rate_limited"
    }
    let wait = try #require(answer.number("retry_after_seconds"))
    #expect((1...61).contains(wait))
    try answer.expect(
      200,
      refused(
        "rate_limited", retry: "\(wait)", limits: "[\(api(remaining: "0", exceeded: true))]",
        headers: #"{"RateLimit-Policy": "\"api\";q=60;w=60", "RateLimit": "<text>", "Retry-After": "\#(wait)"}"#,
        problem: problem(
          429, "rate_limited",
          detail: "At most 60 requests in any 60 seconds (policy api). Try again in \(wait) seconds.",
          extras: #", "violated-policies": ["api"]"#)))
  }

  @Test("The answer allowance_exhausted says how much the plan has and when the next day begins, and is ready to forward")
  func exhausted() async throws {
    let service = try RunningService.shared()
    let user = try await service.berlinUser()
    #expect(try await service.startAnalysis(user.token, "first").status == 201)
    let answer = try await service.gate(
      user.token, #""limits": [], "reserve": {"metric": "video_analysis", "idempotency_key": "second"}"#)
    let wait = try #require(answer.number("retry_after_seconds"))
    let standing = Shape.allowance(used: 0, held: 1, remaining: "0")
    try answer.expect(
      200,
      refused(
        "allowance_exhausted", retry: "\(wait)", allowances: "[\(standing)]",
        headers: #"{"RateLimit-Policy": "<text>", "RateLimit": "\"video_analysis\";r=0;t=\#(wait)", "Retry-After": "\#(wait)"}"#,
        problem: problem(
          429, "allowance_exhausted",
          detail: "Plan free has 1 video_analysis a day; 0 are used and 1 is held. The next day begins at 00:00 in Europe/Berlin.",
          extras: """
            , "violated-policies": ["video_analysis"], "metric": "video_analysis", "limit": 1, "used": 0, "held": 1, "resets_at": "<instant>"
            """)))
  }

  @Test("The refusal cost_exceeds_limit is a 422 without a time to retry, by a user's policy and by one of addresses")
  func cost() async throws {
    let service = try RunningService.shared()
    let token = try await service.newUser().token
    let answer = try await service.gate(token, #""limits": [{"policy": "api", "cost": 80}]"#)
    #expect(answer.number("retry_after_seconds") == nil)
    let detail = "Cost 80 is more than policy api ever allows (60). Retrying will not help."
    try answer.expect(
      200,
      refused(
        "cost_exceeds_limit", limits: "<any>".quoted, headers: "<any>".quoted,
        problem: problem(422, "cost_exceeds_limit", detail: detail)))
    let address = try await service.gate(
      token, #""client_ip": "203.0.113.88", "limits": [{"policy": "visits", "cost": 61}]"#)
    #expect(address.text("decision") == "cost_exceeds_limit" && address.number("retry_after_seconds") == nil)
    #expect(address.text("problem.code") == "cost_exceeds_limit" && address.text("headers.Retry-After") == nil)
  }

  @Test(
    "An address that is given and can't be read is another fault than one that is missing",
    arguments: ["1.2.3.4:99", "unknown", "[2001:db8::1]"])
  func unreadableAddress(_ given: String) async throws {
    let service = try RunningService.shared()
    let token = try await service.newUser().token
    let visits = #""limits": [{"policy": "visits", "cost": 1}]"#
    func fault(_ more: String) async throws -> String {
      let answer = try await service.gate(token, more + visits)
      #expect(answer.status == 422)
      return String(decoding: answer.body, as: UTF8.self)
    }
    let wrong = try await fault(#""client_ip": "\#(given)", "#)
    #expect(wrong.contains(#""field":"client_ip""#) && wrong.contains(#""code":"invalid_address""#) && wrong.contains("without a port"))
    #expect(try await fault("").contains(#""code":"required""#))
  }

  @Test("The requirements refuse by name: email_unverified, plan_required with its plans, reauthentication_required with its age")
  func requirements() async throws {
    let service = try RunningService.shared()
    let token = try await service.newUser().token
    try await service.gate(token, #""require": {"email_verified": true}"#)
      .expect(200, refused("email_unverified", problem: problem(403, "email_unverified")))
    let plans = #", "plans": ["pro", "coach"]"#
    try await service.gate(token, #""require": {"plan": ["pro", "coach"]}"#)
      .expect(200, refused("plan_required", problem: problem(403, "plan_required", extras: plans)))
    #expect(try await service.gate(token, #""require": {"plan": "free"}"#).text("decision") == "allow")
    var old = try await service.gate(token, #""require": {"authenticated_within_seconds": 1}"#)
    try await eventually("a second has passed since the login") {
      if old.text("decision") == "allow" {
        old = try await service.gate(token, #""limits": [], "require": {"authenticated_within_seconds": 1}"#)
      }
      return old.text("decision") != "allow"
    }
    try old.expect(
      200, refused("reauthentication_required", problem: problem(403, "reauthentication_required", extras: #", "max_age_seconds": 1"#)))
    #expect(old.text("problem.detail")?.hasSuffix("this needs one within 1 seconds.") == true)
  }

  @Test("The answer suspended shows the user and no session, unauthenticated neither")
  func nobody() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    let change = try service.operate(
      "PATCH", "/v1/admin/users/\(user.id)", body: #"{"status":"suspended","reason":"chargeback"}"#)
    #expect(change.status == 200)
    let suspended = #"{"id": "<usr>", "external_id": null, "plan": "free", "status": "suspended", "email_verified": false}"#
    try await service.gate(user.token)
      .expect(200, refused("suspended", user: suspended, session: "null", problem: problem(403, "suspended")))
    try await service.ask("GET", "/v1/session", bearer: user.token).expectProblem(403, "suspended")
    let ended = try await service.newUser().token
    #expect(try await service.ask("DELETE", "/v1/session", bearer: ended).status == 204)
    for token in [ended, "gh_1forged"] {
      try await service.gate(token).expect(
        200,
        refused(
          "unauthenticated", user: "null", session: "null",
          headers: #"{"WWW-Authenticate": "Bearer realm=\"gatehouse\", error=\"invalid_token\""}"#,
          problem: problem(401, "unauthenticated")))
    }
  }

  @Test("A peek decides and spends nothing")
  func peek() async throws {
    let service = try RunningService.shared()
    let left = try await counted(#""api";r=58;"#) {
      let token = try await service.newUser().token
      for _ in 0..<3 {
        let answer = try await service.gate(token, #""peek": true, "reserve": {"metric": "video_analysis", "idempotency_key": "look"}"#)
        #expect(answer.text("decision") == "allow" && answer.json["reservation"] == .null)
      }
      #expect(try await service.ask("GET", "/v1/usage", bearer: token).column("held") == [0])
      return String(try await service.gate(token).text("headers.RateLimit")?.prefix { $0 != "t" } ?? "")
    }
    #expect(left == #""api";r=58;"#, "the call to /v1/usage and the last one")
  }

  @Test("A policy that is unknown, stands twice, or counts addresses without one is a wrong field")
  func wrongPolicies() async throws {
    let service = try RunningService.shared()
    let token = try await service.newUser().token
    let wrong = [
      #""limits": [{"policy": "nothing"}]"#, #""limits": [{"policy": "api"}, {"policy": "api"}]"#,
      #""limits": [{"policy": "visits"}]"#, #""limits": [{"policy": "seats"}]"#, #""require": {"plan": "gold"}"#,
      #""reserve": {"metric": "nothing", "idempotency_key": "k"}"#, #""client_ip": 7"#, #""limits": [{"policy": "api", "cost": 0}]"#,
    ]
    for more in wrong {
      let answer = try await service.gate(token, more)
      #expect(answer.status == 422 && answer.text("code") == "invalid_fields", "\(more)")
    }
  }

  @Test("The check of one policy counts any subject; what it refuses is not spent; a peek spends nothing")
  func check() async throws {
    let service = try RunningService.shared()
    let key = try service.serviceKey("gate")
    let subject = "org:\(UInt32.random(in: 0...UInt32.max))"
    func check(_ cost: Int, peek: Bool = false) async throws -> RunningService.Answer {
      try await service.ask(
        "POST", "/v1/limits/upload/check", bearer: key, body: #"{"subject": "\#(subject)", "cost": \#(cost), "peek": \#(peek)}"#)
    }
    func shape(_ allowed: Bool, remaining: Int, retry: String = "null") -> Shape {
      """
      {"allowed": \(allowed), "policy": "upload", "limit": 10, "window_seconds": 3600, "remaining": \(remaining),
       "reset_seconds": "<int>", "retry_after_seconds": \(retry)}
      """
    }
    try await check(3, peek: true).expect(200, shape(true, remaining: 10))
    try await check(3).expect(200, shape(true, remaining: 7))
    let refusal = try await check(8)
    try refusal.expect(200, shape(false, remaining: 7, retry: "\"<int>\""))
    #expect((refusal.number("retry_after_seconds") ?? 0) >= 3_599)
    try await check(7).expect(200, shape(true, remaining: 0))
    try await check(11).expectProblem(
      422, "cost_exceeds_limit", detail: "Cost 11 is more than policy upload ever allows (10). Retrying will not help.")
    try await service.ask("POST", "/v1/limits/nothing/check", bearer: key, body: #"{"subject":"x"}"#).expectProblem(404, "not_found")
  }
}

extension GateAnswerTests {
  @Test("The check of a policy by address takes addresses alone, counts IPv6 by /64, and shows Redis nothing else")
  func checkOfAddresses() async throws {
    let service = try RunningService.shared()
    let key = try service.serviceKey("gate")
    func check(_ subject: String) async throws -> RunningService.Answer {
      try await service.ask("POST", "/v1/limits/visits/check", bearer: key, body: #"{"subject":\#(subject.quoted)}"#)
    }
    for subject in ["mia@example.com", "192.0.2", "192.0.2.7:80", "2001:db8::/64", "localhost"] {
      let answer = try await check(subject)
      #expect(answer.status == 422 && answer.text("code") == "invalid_fields", "\(subject)")
      let body = String(decoding: answer.body, as: UTF8.self)
      #expect(body.contains(#""field":"subject""#) && body.contains("invalid_address"), "\(body)")
    }
    #expect(try !service.redis("keys", "*").contains("mia@example.com"))
    let net = "2001:db8:\(String(Int.random(in: 0...0xFFFF), radix: 16)):7"
    #expect(try await check("\(net)::1").number("remaining") == 9)
    #expect(try await check("\(net):a:b:c:d").number("remaining") == 8)
    #expect(try await check("198.51.100.\(Int.random(in: 1...254))").number("remaining") == 9)
  }
}

extension GateAnswerTests {
  @Test(
    "No key reaches the service's own policies: not by a check, the gate, a batch or a profile; and an app's subject is another",
    .asvs("6.3.1"))
  func internalPolicies() async throws {
    let service = try RunningService.shared()
    let user = try await service.newUser()
    let key = try service.serviceKey("gate")
    let own = "is Gatehouse's own: it counts logins, sign-ups or mails, and no caller may spend it. Name a policy of your app."
    for name in ["login_pair", "login_account", "login_network", "signup_network", "mail_account", "email_change"] {
      for subject in [user.email, "203.0.113.99"] {
        try await service.ask(
          "POST", "/v1/limits/\(name)/check", bearer: key, body: #"{"subject": "\#(subject)", "cost": 9}"#
        ).expectProblem(404, "not_found", detail: "Policy \(name) \(own)")
      }
      let question = #""client_ip": "203.0.113.99", "limits": [{"policy": "\#(name)", "cost": 9}]"#
      let answer = try await service.gate(user.token, question)
      #expect(answer.status == 422 && String(decoding: answer.body, as: UTF8.self).contains(own), "\(name)")
      let batch = try await service.ask(
        "POST", "/v1/gate/batch", bearer: key, body: #"{"requests": [{"token": "\#(user.token)", \#(question)}]}"#)
      #expect(batch.status == 200 && String(decoding: batch.body, as: UTF8.self).contains(own), "\(name)")
    }
    // The app's own policies count the same texts as much as they like.
    for (policy, subject) in [("seats", user.email), ("visits", "203.0.113.99")] {
      for _ in 0..<10 {
        _ = try await service.ask("POST", "/v1/limits/\(policy)/check", bearer: key, body: #"{"subject": "\#(subject)"}"#)
      }
    }
    let body = #"{"email":"\#(user.email)","password":"\#(RunningService.password)"}"#
    let login = try await service.ask(
      "POST", "/v1/sessions", bearer: service.serviceKey("accounts"), headers: ["Gatehouse-Client-IP": "203.0.113.99"], body: body)
    #expect(login.status == 201)
  }
}

extension String {
  /// As a JSON text.
  var quoted: String { "\"\(self)\"" }
}
