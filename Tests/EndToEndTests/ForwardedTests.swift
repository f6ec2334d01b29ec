import Foundation
import TestSupport
import Testing

/// The client that limits by address count behind a proxy.
@Suite(.serialized) struct ForwardedTests {
  private func signUp(_ service: RunningService, _ port: Int, from forwarded: String) async throws -> Int {
    let body = #"{"email":"u\#(UInt64.random(in: 0...UInt64.max))@example.com","password":"\#(RunningService.password)"}"#
    return try await service.ask("POST", "/v1/users", at: port, headers: ["X-Forwarded-For": forwarded], body: body).status
  }

  @Test("An address with a port is the client's, whatever the port; what can't be read is nobody's bucket and is told once")
  func ports() async throws {
    try await RunningService.with(processes: 0) { service in
      let server = try await CommandProcess.serve(service.folder)
      // Else the first ones are counted by the process, the others by Redis.
      try await eventually("Redis counts", within: .seconds(30)) {
        try await service.ask("GET", "/readyz", at: server.port).text("status") == "ready"
      }
      for port in 1...10 { #expect(try await signUp(service, server.port, from: "203.0.113.7:\(50_000 + port)") == 201) }
      #expect(try await signUp(service, server.port, from: "203.0.113.7:1") == 429, "ten sign-ups an hour of one network")
      #expect(try await signUp(service, server.port, from: "203.0.113.8:1") == 201, "another client is another one")
      for _ in 1...12 { #expect(try await signUp(service, server.port, from: "unknown") == 201) }
      // Two clients of whom nothing can be read share no limit but the account's own.
      let user = try await service.newUser(at: server.port)
      let wrong = #"{"email":"\#(user.email)","password":"wrong"}"#
      for _ in 1...12 {
        let guess = try await service.ask(
          "POST", "/v1/sessions", at: server.port, headers: ["X-Forwarded-For": "unknown"], body: wrong)
        #expect(guess.status == 401)
      }
      let session = ["X-Forwarded-For": "\u{5f}hidden"]
      let opened = try await service.ask(
        "POST", "/v1/sessions", at: server.port, headers: session,
        body: #"{"email":"\#(user.email)","password":"\#(RunningService.password)"}"#)
      #expect(opened.status == 201 && opened.text("session.ip") == nil, "no address is made up")
      let told = server.err.components(separatedBy: "can't be read in X-Forwarded-For").count - 1
      #expect(told == 1, "\(server.err)")
      #expect(server.err.contains(#""hop":"unknown""#) && server.err.contains(#""peer":"127.0.0.1""#))
      try await server.stop()
    }
  }

  @Test("Guesses of clients of whom nothing can be read are bounded by the account's own limit, whichever of them makes them")
  func unreadableGuesses() async throws {
    let limit = 20
    try await RunningService.with(processes: 0) { service in
      let server = try await CommandProcess.serve(service.folder, environment: ["GATEHOUSE_POLICIES_LOGIN_ACCOUNT_LIMIT": "\(limit)"])
      try await eventually("Redis counts", within: .seconds(30)) {
        try await service.ask("GET", "/readyz", at: server.port).text("status") == "ready"
      }
      let user = try await service.newUser(at: server.port)
      var statuses: [Int] = []
      for number in 0..<limit + 10 {
        let answer = try await service.ask(
          "POST", "/v1/sessions", at: server.port, headers: ["X-Forwarded-For": number % 2 == 0 ? "unknown" : "\u{5f}hidden"],
          body: #"{"email":"\#(user.email)","password":"wrong"}"#)
        statuses.append(answer.status)
      }
      let passed = statuses.prefix { $0 == 401 }.count
      #expect(passed > 10, "no limit of account and network together, which lets ten through: \(statuses)")
      #expect(passed <= limit && statuses.dropFirst(passed).allSatisfy { $0 == 429 }, "\(statuses)")
      try await server.stop()
    }
  }
}
