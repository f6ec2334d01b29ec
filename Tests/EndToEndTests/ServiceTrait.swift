import StrictJSON
import Testing

/// One running service for a whole suite, as `RunningService.shared()`.
struct ServiceTrait: SuiteTrait, TestScoping {
  var environment: [String: String] = [:]

  func provideScope(for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void) async throws {
    try await RunningService.with(environment: environment) { service in
      try await RunningService.$current.withValue(service) { try await function() }
    }
  }
}

extension ServiceTrait {
  /// Two policies of an app beside the defaults: `visits` by address and `seats` by subject, ten an hour each.
  static let visits = [
    "GATEHOUSE_POLICIES_NAMES": "api,upload,login_pair,login_account,login_network,signup_network,mail_account,visits,seats",
    "GATEHOUSE_POLICIES_VISITS_BY": "ip", "GATEHOUSE_POLICIES_VISITS_LIMIT": "10", "GATEHOUSE_POLICIES_VISITS_WINDOW": "1h",
    "GATEHOUSE_POLICIES_VISITS_CELLS": "60", "GATEHOUSE_POLICIES_VISITS_SHADOW": "false",
    "GATEHOUSE_POLICIES_SEATS_BY": "subject", "GATEHOUSE_POLICIES_SEATS_LIMIT": "10", "GATEHOUSE_POLICIES_SEATS_WINDOW": "1h",
    "GATEHOUSE_POLICIES_SEATS_CELLS": "60", "GATEHOUSE_POLICIES_SEATS_SHADOW": "false",
  ]

  /// The same, and only twelve attempts of a network.
  static let fewAttempts = visits.merging(["GATEHOUSE_POLICIES_LOGIN_NETWORK_LIMIT": "12"]) { $1 }
}

extension Trait where Self == ServiceTrait {
  /// Gives the suite a service of its own.
  static var service: Self { Self() }

  /// Gives the suite a service of its own, with more in its environment.
  static func service(_ environment: [String: String]) -> Self { Self(environment: environment) }
}

/// Plays a scenario that counts, anew up to five times, until it gives `expected`; its last outcome otherwise. Where the machine is
/// busy Redis can miss its deadline for one call, which then counts in this process's own window and not in Redis's.
func counted<Outcome: Equatable>(_ expected: Outcome, _ scenario: () async throws -> Outcome) async throws -> Outcome {
  var outcome = try await scenario()
  for _ in 0..<4 where outcome != expected { outcome = try await scenario() }
  return outcome
}

extension RunningService {
  @TaskLocal static var current: RunningService?

  /// The service of the running suite; fails the test that has none.
  static func shared() throws -> RunningService { try #require(current, "the suite lacks the trait .service") }

  /// A user on an unlimited plan.
  func proUser() async throws -> (id: String, email: String, token: String) {
    let user = try await newUser()
    let answer = try await ask(
      "PUT", "/v1/users/\(user.id)/plan", bearer: serviceKey("accounts"), body: #"{"plan":"pro","reason":"test"}"#)
    guard answer.status == 200 else { throw Failure(description: "plan: \(String(decoding: answer.body, as: UTF8.self))") }
    return user
  }

  /// A user whose days are those of Berlin.
  func berlinUser() async throws -> (id: String, email: String, token: String) {
    let email = "berlin-\(UInt64.random(in: 0...UInt64.max))@example.com"
    let made = try await ask(
      "POST", "/v1/users", bearer: serviceKey("accounts"),
      body: #"{"email":"\#(email)","password":"\#(Self.password)","time_zone":"Europe/Berlin"}"#)
    guard made.status == 201, let id = made.text("id") else {
      throw Failure(description: "sign-up: \(String(decoding: made.body, as: UTF8.self))")
    }
    return (id, email, try await logIn(email))
  }

  /// Lets the passwords of all of a user's tokens have been given earlier than they were.
  func agePasswords(of userID: String, milliseconds: Int) throws {
    _ = try ledger(
      """
      UPDATE session_tokens SET authenticated_at = authenticated_at - \(milliseconds)
      WHERE session_id IN (SELECT id FROM sessions WHERE user_id = '\(userID)')
      """)
  }

  /// Makes the hot state look at the ledger again: it holds a unit for up to a minute, whatever lease the ledger gave it.
  func makeCold(_ userID: String) async throws {
    let answer = try await ask("PATCH", "/v1/users/\(userID)", bearer: serviceKey("accounts"), body: #"{"external_id":null}"#)
    guard answer.status == 200 else { throw Failure(description: "no change: \(answer.status)") }
  }

  /// Asks the gate about `token`; `more` are further members of the request.
  func gate(_ token: String, _ more: String = "", headers: [String: String] = [:]) async throws -> Answer {
    try await ask(
      "POST", "/v1/gate", bearer: serviceKey("gate"), headers: headers,
      body: #"{"token":"\#(token)"\#(more.isEmpty ? "" : "," + more)}"#)
  }

  /// Starts an analysis of a session's user.
  func startAnalysis(_ token: String, _ key: String, body: String = #"{"filename":"squat.mp4","metadata":{"athlete":"17"}}"#) async throws
    -> Answer
  {
    try await ask("POST", "/v1/analyses", bearer: token, headers: ["Idempotency-Key": key], body: body)
  }
}

extension RunningService.Answer {
  /// The whole number at a path such as `allowance.used`.
  func number(_ path: String) -> Int64? {
    var value: JSONValue = .object(json)
    for name in path.split(separator: ".") {
      guard case .object(let object) = value, let next = object[String(name)] else { return nil }
      value = next
    }
    if case .number(let number) = value { return number.asInt64 }
    return nil
  }

  /// The elements of the list `data`.
  var data: [JSONValue] {
    if case .array(let list)? = json["data"] { return list }
    return []
  }

  /// A member of each element of the list `data`; null where it is missing.
  func column(_ name: String) -> [JSONValue] {
    data.map { element in
      guard case .object(let row) = element, let value = row[name] else { return JSONValue.null }
      return value
    }
  }
}
