import StrictJSON
import Synchronization
import TestSupport
import Testing

/// The limits of logins, sign-ups and mails while another program keeps the ledger: what is answered 503 is not counted, so that nobody
/// who tries again as the answer says is locked out afterwards; what was looked at is.
@Suite("Calls that the service itself refuses", .service(ServiceTrait.fewAttempts), .serialized)
struct RefusedWorkTests {
  /// More than any limit of these tests lets through.
  private static let tries = 14
  private static let roundsMax = 4

  private func right(_ email: String) -> String { #"{"email":"\#(email)","password":"\#(RunningService.password)"}"# }

  private func logIn(_ service: RunningService, _ body: String, from address: String) async throws -> Int {
    try await service.ask("POST", "/v1/sessions", headers: ["X-Forwarded-For": address], body: body, patience: 120).status
  }

  /// A round of a test, with all that was otherwise than it must be.
  private final class Round: Sendable {
    let number: Int
    private let faults = Mutex<[String]>([])

    init(_ number: Int) { self.number = number }

    var found: [String] { faults.withLock { $0 } }

    /// An address that no other round has.
    func address(_ last: Int) -> String { "198.51.\(100 + number).\(last)" }

    func expect<Value: Equatable>(_ value: Value, _ expected: Value, at place: SourceLocation = #_sourceLocation) {
      if value != expected { faults.withLock { $0.append("line \(place.line): \(value), not \(expected)") } }
    }

    /// Makes the same call as often as there are statuses, and holds what it is answered against them.
    func again(_ expected: [Int], at place: SourceLocation = #_sourceLocation, _ call: (Int) async throws -> Int) async throws {
      expect(try await expected.indices.asyncMap(call), expected, at: place)
    }
  }

  /// Runs `body` until a round finds nothing wrong, each with users and addresses of its own. An answer of Redis that comes after its
  /// deadline is counted there and here, and only one of the two can be given back: on a busy machine a round may see that.
  private func inSomeRound(at place: SourceLocation = #_sourceLocation, _ body: (RunningService, Round) async throws -> Void) async throws {
    let service = try RunningService.shared()
    for number in 1...Self.roundsMax {
      let round = Round(number)
      try await body(service, round)
      if round.found.isEmpty { return }
      if number == Self.roundsMax { Issue.record("no round of \(number) was without: \(round.found)", sourceLocation: place) }
    }
  }

  /// Runs `body` while nobody can write to the ledger; everybody can when this returns.
  private func held(_ service: RunningService, _ body: () async throws -> Void) async throws {
    let prober = try await service.newUser()
    let lock = try LedgerLock(service.folder + "/gatehouse.sqlite")
    defer { lock.release() }
    try await body()
    lock.release()
    try await eventually("the ledger takes writes again", within: .seconds(60)) {
      try await service.ask("PATCH", "/v1/user", bearer: prober.token, body: #"{"name":"Mia"}"#, patience: 120).status == 200
    }
  }

  private static let refused = Array(repeating: 503, count: tries)
  private static func passed(_ count: Int, _ status: Int) -> [Int] { Array(repeating: status, count: count) + [429] }

  @Test("A right password that ends in 503 is no attempt, wherever it is said; a wrong one is, also where the ledger can't note it")
  func passwords() async throws {
    try await inSomeRound { service, round in
      let (user, other) = (try await service.newUser(), try await service.newUser())
      let wrong = #"{"email":"\#(user.email)","password":"not this one"}"#
      func prove(_ password: String, from address: String) async throws -> Int {
        try await service.ask(
          "POST", "/v1/session/reauthenticate", bearer: user.token, headers: ["X-Forwarded-For": address],
          body: #"{"password":"\#(password)"}"#, patience: 120
        ).status
      }
      func change(from address: String) async throws -> Int {
        try await service.ask(
          "PUT", "/v1/user/password", bearer: other.token, headers: ["X-Forwarded-For": address],
          body: #"{"current_password":"\#(RunningService.password)","new_password":"a brand new passphrase"}"#, patience: 120
        ).status
      }
      try await held(service) {
        try await round.again(Self.refused) { _ in try await logIn(service, right(user.email), from: round.address(1)) }
        try await round.again(Self.refused) { _ in try await prove(RunningService.password, from: round.address(2)) }
        try await round.again(Self.refused) { _ in try await change(from: round.address(3)) }
        // Guesses are compared, and so counted, whatever the answer.
        try await round.again(Self.passed(10, 401)) { _ in try await logIn(service, wrong, from: round.address(4)) }
        try await round.again(Self.passed(10, 503)) { _ in try await prove("not this one", from: round.address(5)) }
      }
      round.expect(try await prove(RunningService.password, from: round.address(2)), 200)
      // The units went back once, not more often.
      try await round.again(Self.passed(10, 201)) { _ in try await logIn(service, right(user.email), from: round.address(1)) }
      round.expect(try await change(from: round.address(3)), 200)
    }
  }

  @Test("Sign-ups that end in 503 are none of the network's")
  func signUps() async throws {
    try await inSomeRound { service, round in
      func signUp(_ number: Int) async throws -> Int {
        let body = right("s\(number)-\(UInt64.random(in: 0...UInt64.max))@example.com")
        return try await service.ask("POST", "/v1/users", headers: ["X-Forwarded-For": round.address(51)], body: body, patience: 120).status
      }
      try await held(service) { try await round.again(Self.refused, signUp) }
      try await round.again(Self.passed(10, 201), signUp)
    }
  }

  @Test("Mails that end in 503 are none of the account's, and an address without an account gets the same answer")
  func mails() async throws {
    try await inSomeRound { service, round in
      let user = try await service.newUser()
      let key = try service.serviceKey("accounts")
      func reset(_ email: String, from address: String) async throws -> RunningService.Answer {
        try await service.ask(
          "POST", "/v1/password-resets", bearer: key, headers: ["Gatehouse-Client-IP": address], body: #"{"email":"\#(email)"}"#,
          patience: 120)
      }
      func verify() async throws -> Int {
        try await service.ask("POST", "/v1/email-verifications", bearer: key, body: #"{"user_id":"\#(user.id)"}"#, patience: 120).status
      }
      let nobody = "nobody-\(UInt64.random(in: 0...UInt64.max))@example.com"
      try await held(service) {
        try await round.again(Self.refused) { _ in try await reset(user.email, from: round.address(11)).status }
        try await round.again(Self.refused) { _ in try await verify() }
        try await round.again(Self.refused) { _ in try await reset(nobody, from: round.address(12)).status }
      }
      for (email, address) in [(user.email, round.address(11)), (nobody, round.address(12))] {
        try await round.again(Self.passed(3, 202)) { _ in try await reset(email, from: address).status }
      }
    }
  }

  @Test("Requests for another address that end in 503 are none of the user's")
  func emailChanges() async throws {
    try await inSomeRound { service, round in
      let user = try await service.newUser()
      func change(_ number: Int) async throws -> Int {
        let email = "next-\(number)-\(UInt64.random(in: 0...UInt64.max))@example.com"
        return try await service.ask("PATCH", "/v1/user", bearer: user.token, body: #"{"email":"\#(email)"}"#, patience: 120).status
      }
      try await held(service) { try await round.again(Self.refused, change) }
      try await round.again(Self.passed(10, 200), change)
    }
  }

  @Test("Mailed tokens that end in 503 are none of the network's attempts; those that open nothing are, as the wrong passwords")
  func mailedTokens() async throws {
    try await inSomeRound { service, round in
      let user = try await service.newUser()
      let key = try service.serviceKey("accounts")
      func mailed(_ path: String, _ body: String) async throws -> String {
        try #require(try await service.ask("POST", path, bearer: key, body: body).text("mail.token"))
      }
      func complete(_ path: String, _ token: String, from address: String) async throws -> Int {
        let password = path.contains("reset") ? #","password":"a brand new passphrase""# : ""
        return try await service.ask(
          "POST", "/v1/\(path)/complete", headers: ["X-Forwarded-For": address], body: #"{"token":"\#(token)"\#(password)}"#, patience: 120
        ).status
      }
      let verification = try await mailed("/v1/email-verifications", #"{"user_id":"\#(user.id)"}"#)
      let reset = try await mailed("/v1/password-resets", #"{"email":"\#(user.email)"}"#)
      try await held(service) {
        try await round.again(Self.refused) { _ in try await complete("email-verifications", verification, from: round.address(21)) }
        try await round.again(Self.refused) { _ in try await complete("password-resets", reset, from: round.address(22)) }
      }
      round.expect(try await complete("email-verifications", verification, from: round.address(21)), 200)
      round.expect(try await complete("password-resets", reset, from: round.address(22)), 200)
      try await round.again(Self.passed(11, 410)) { _ in try await complete("password-resets", reset, from: round.address(22)) }
      // The tokens were attempts of the network.
      round.expect(try await logIn(service, right(user.email), from: round.address(22)), 429)
    }
  }

  @Test("A gate call whose reservation ends in 503 is counted by no policy, neither the address's nor the user's")
  func gate() async throws {
    try await inSomeRound { service, round in
      let user = try await service.newUser()
      let key = try service.serviceKey("gate")
      func call(_ reserve: String) async throws -> RunningService.Answer {
        let limits = #"[{"policy":"visits"},{"policy":"upload"}]"#
        return try await service.ask(
          "POST", "/v1/gate", bearer: key,
          body: #"{"token":"\#(user.token)","client_ip":"\#(round.address(31))","limits":\#(limits)\#(reserve)}"#, patience: 120)
      }
      try await held(service) {
        try await round.again(Self.refused) {
          try await call(#","reserve":{"metric":"video_analysis","idempotency_key":"held-\#($0)"}"#).status
        }
      }
      let answer = try await call("")
      round.expect(answer.text("decision"), "allow")
      guard case .array(let limits)? = answer.json["limits"] else { return round.expect("no limits", "two of them") }
      let left = limits.compactMap { if case .object(let limit) = $0 { limit["remaining"] } else { nil } }
      round.expect(left, [9, 9])
    }
  }

  @Test("Right passwords that a session refuses for its many tokens are no attempts")
  func boundOfTheSession() async throws {
    try await inSomeRound { service, round in
      let user = try await service.newUser()
      let network = ["X-Forwarded-For": round.address(41)]
      var token = user.token
      for _ in 0..<15 {
        token = try #require(try await service.ask("POST", "/v1/session/rotate", bearer: token, headers: network).text("token"))
      }
      for _ in 0..<Self.tries {
        let refused = try await service.ask(
          "POST", "/v1/session/reauthenticate", bearer: token, headers: network, body: #"{"password":"\#(RunningService.password)"}"#)
        #expect(refused.status == 429 && refused.text("detail")?.contains("rotated") == true, "\(refused.text("detail") ?? "")")
      }
      try await round.again(Self.passed(10, 201)) { _ in try await logIn(service, right(user.email), from: round.address(41)) }
    }
  }
}
