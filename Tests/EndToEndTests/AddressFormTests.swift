import StrictJSON
import TestSupport
import Testing

/// One address in many spellings, as its user and an attacker type it.
@Suite("Spellings of an address", .service) struct AddressFormTests {
  private struct Spellings {
    let id = UInt64.random(in: 0...UInt64.max)
    var first: String { "οδος\(id)ς@bücher.example" }
    var others: [String] { ["ΟΔΟΣ\(id)Σ@BÜCHER.example", "οδοσ\(id)σ@xn--bcher-kva.example", "οδος\(id)ς@XN--BCHER-KVA.EXAMPLE"] }
  }

  private func signUp(_ service: RunningService, _ email: String) async throws -> RunningService.Answer {
    try await service.ask(
      "POST", "/v1/users", bearer: service.serviceKey("accounts"), body: #"{"email":"\#(email)","password":"\#(RunningService.password)"}"#)
  }

  @Test("An account has one address: another spelling is taken, logs in, is found, and is no change")
  func one() async throws {
    let service = try RunningService.shared()
    let spellings = Spellings()
    let made = try await signUp(service, spellings.first)
    #expect(made.status == 201 && made.text("email") == spellings.first, "it is kept as it was given")
    let id = try #require(made.text("id"))
    for other in spellings.others {
      try await signUp(service, other).expectProblem(409, "email_taken")
      let token = try await service.logIn(other)
      let change = try await service.ask("PATCH", "/v1/user", bearer: token, body: #"{"email":"\#(other)"}"#)
      #expect(change.status == 200 && change.json["pending_email"] == .null)
      let query = other.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      let found = try await service.ask("GET", "/v1/users?email=\(query)", bearer: service.serviceKey("accounts"))
      #expect(found.column("id") == [.string(id)])
      let listed = try service.operate("GET", "/v1/admin/users?query=\(query)")
      #expect(listed.column("id") == [.string(id)])
      let reset = try await service.ask(
        "POST", "/v1/password-resets", bearer: service.serviceKey("accounts"), body: #"{"email":"\#(other)"}"#)
      #expect(reset.text("mail.to") == spellings.first, "mail goes to the stored form")
    }
    try await service.ask(
      "POST", "/v1/password-resets", bearer: service.serviceKey("accounts"), body: #"{"email":"\#(spellings.first)"}"#
    ).expectProblem(429, "rate_limited", extras: #""violated-policies": ["mail_account"]"#)
  }

  @Test("Guesses at an account count together, however the address is spelled")
  func guesses() async throws {
    let service = try RunningService.shared()
    let spellings = Spellings()
    _ = try await signUp(service, spellings.first)
    var statuses: [Int] = []
    for number in 0..<11 {
      let email = ([spellings.first] + spellings.others)[number % 4]
      let answer = try await service.ask(
        "POST", "/v1/sessions", bearer: service.serviceKey("accounts"), headers: ["Gatehouse-Client-IP": "203.0.113.200"],
        body: #"{"email":"\#(email)","password":"a wrong one"}"#)
      statuses.append(answer.status)
    }
    #expect(statuses == Array(repeating: 401, count: 10) + [429])
  }

  @Test("Units that were used stay used for a user that signs up again in another spelling")
  func again() async throws {
    let service = try RunningService.shared()
    let spellings = Spellings()
    _ = try await signUp(service, spellings.first)
    let token = try await service.logIn(spellings.first)
    #expect(try await service.startAnalysis(token, "1").status == 201)
    #expect(try await service.ask("DELETE", "/v1/user", bearer: token).status == 204)
    #expect(try await signUp(service, spellings.others[0]).status == 201)
    #expect(try await service.startAnalysis(service.logIn(spellings.first), "1").text("code") == "allowance_exhausted")
  }
}
