import Foundation
import StrictJSON
import TestSupport
import Testing

/// The server secret of a service: changed as documented, lost, or another one.
@Suite(.serialized) struct SecretTests {
  private static func newLine(_ id: String) -> String {
    "\(id) \((0..<32).map { _ in String(UInt8.random(in: 16...255), radix: 16) }.joined())"
  }

  private func lines(_ folder: String) throws -> [String] {
    try String(contentsOfFile: folder + "/secret", encoding: .utf8).split(separator: "\n").map(String.init)
  }

  private func write(_ lines: [String], _ folder: String) throws {
    try (lines.joined(separator: "\n") + "\n").write(toFile: folder + "/secret", atomically: false, encoding: .utf8)
    chmod(folder + "/secret", 0o600)
  }

  private func readAgain(_ server: CommandProcess) async throws {
    func times() -> Int { server.err.components(separatedBy: "The secret is read again").count }
    let before = times()
    server.signal(SIGHUP)
    try await eventually("the secret is read again: \(server.err)", within: .seconds(30)) { times() > before }
  }

  /// The things in a client's hands that a line of the secret has made.
  private struct Held {
    let user: (id: String, email: String, token: String)
    let other: String
    let analysis: RunningService.Answer
    let cursor: String
    let rotated: String
  }

  private func analyse(_ service: RunningService, _ port: Int, _ token: String, _ key: String) async throws -> RunningService.Answer {
    try await service.ask(
      "POST", "/v1/analyses", at: port, bearer: token, headers: ["Idempotency-Key": key], body: #"{"filename":"a.mp4"}"#)
  }

  private func logIn(_ service: RunningService, _ port: Int, _ email: String, _ password: String = RunningService.password) async throws
    -> RunningService.Answer
  {
    try await service.ask("POST", "/v1/sessions", at: port, body: #"{"email":"\#(email)","password":"\#(password)"}"#)
  }

  private func hold(_ service: RunningService, _ port: Int) async throws -> Held {
    let user = try await service.newUser(at: port)
    let rotating = try #require(try await logIn(service, port, user.email).text("token"))
    let analysis = try await analyse(service, port, user.token, "once")
    #expect(analysis.status == 201)
    let cursor = try #require(try await service.ask("GET", "/v1/sessions?limit=1", at: port, bearer: user.token).text("next_cursor"))
    let rotated = try #require(try await service.ask("POST", "/v1/session/rotate", at: port, bearer: rotating).text("token"))
    for _ in 0..<10 { _ = try await logIn(service, port, "victim@example.com", "wrong") }
    #expect(try await logIn(service, port, "victim@example.com", "wrong").status == 429)
    return Held(user: user, other: rotating, analysis: analysis, cursor: cursor, rotated: rotated)
  }

  private func expectAllGood(_ held: Held, _ service: RunningService, _ port: Int, _ when: String) async throws {
    #expect(try await service.ask("GET", "/v1/session", at: port, bearer: held.user.token).status == 200, "\(when): a token")
    let again = try await analyse(service, port, held.user.token, "once")
    #expect(again.status == 201 && again.body == held.analysis.body, "\(when): a repeated call: \(again.status)")
    let page = try await service.ask("GET", "/v1/sessions?limit=1&cursor=\(held.cursor)", at: port, bearer: held.user.token)
    #expect(page.status == 200, "\(when): a cursor: \(page.text("code") ?? "")")
    let rotated = try await service.ask("POST", "/v1/session/rotate", at: port, bearer: held.other)
    #expect(rotated.text("token") == held.rotated, "\(when): a repeated rotation: \(rotated.text("code") ?? "")")
    #expect(try await logIn(service, port, "victim@example.com", "wrong").status == 429, "\(when): a full login window")
  }

  @Test(
    "Behind, everywhere, then in front: no token, cursor, repeated call, successor or full window is lost at any step, on any process",
    .asvs("11.1.1"))
  func twoSteps() async throws {
    try await RunningService.with(processes: 0) { service in
      let (first, second) = (try await CommandProcess.serve(service.folder), try await CommandProcess.serve(service.folder))
      let ports = [first.port, second.port]
      let held = try await hold(service, first.port)
      func expectAllGood(_ when: String) async throws {
        for port in ports {
          try await self.expectAllGood(held, service, port, when)
          // A token that one process makes, the other takes at once.
          let made = try #require(try await logIn(service, port, held.user.email).text("token"), "\(when)")
          for other in ports { #expect(try await service.ask("GET", "/v1/session", at: other, bearer: made).status == 200, "\(when)") }
        }
      }
      let start = try lines(service.folder)
      let line = Self.newLine("second")
      try write(start + [line], service.folder)
      try await readAgain(first)
      try await expectAllGood("behind, read by one")
      try await readAgain(second)
      try write([start[0], line, start[1]], service.folder)
      try await readAgain(first)
      try await expectAllGood("in front, read by one")
      try await readAgain(second)
      try await expectAllGood("in front, read by both")
      #expect(!first.err.contains("was never behind another"), "\(first.err)")
      let id = String(start[1].prefix { $0 != " " })
      #expect(first.err.contains("\"needed_until\":{\"\(id)\":\"20"), "it is said how long the old line must stay: \(first.err)")
      try await first.stop()
      let next = try await CommandProcess.serve(service.folder)
      try await self.expectAllGood(held, service, next.port, "after a restart")
      try await next.stop()
      try await second.stop()
    }
  }

  @Test("Units that an address used before the change stay used after it, for who deletes the account and signs up again")
  func addresses() async throws {
    try await RunningService.with(processes: 0) { service in
      let server = try await CommandProcess.serve(service.folder)
      let user = try await service.newUser(at: server.port)
      #expect(try await analyse(service, server.port, user.token, "a").status == 201)
      let gone = try await service.ask(
        "DELETE", "/v1/user", at: server.port, bearer: user.token, body: #"{"password":"\#(RunningService.password)"}"#)
      #expect(gone.status == 204 || gone.status == 200, "\(gone.status)")
      let start = try lines(service.folder)
      try write([start[0], Self.newLine("second"), start[1]], service.folder)
      try await readAgain(server)
      #expect(server.err.contains("was never behind another"), "the wrong order is told: \(server.err)")
      let body = #"{"email":"\#(user.email)","password":"\#(RunningService.password)"}"#
      #expect(try await service.ask("POST", "/v1/users", at: server.port, body: body).status == 201)
      let token = try #require(try await logIn(service, server.port, user.email).text("token"))
      #expect(try await analyse(service, server.port, token, "b").text("code") == "allowance_exhausted")
      try await server.stop()
    }
  }

  @Test(
    "A lost, foreign or older secret does not start over live sessions: the cost is said, nothing is made, --new-secret accepts it once")
  func lost() async throws {
    try await RunningService.with(processes: 0) { service in
      let folder = service.folder
      let server = try await CommandProcess.serve(folder)
      let user = try await service.newUser(at: server.port)
      let right = try lines(folder)
      try FileManager.default.moveItem(atPath: folder + "/secret", toPath: folder + "/secret.kept")
      server.signal(SIGHUP)
      try await eventually("a missing secret is told: \(server.err)", within: .seconds(30)) {
        server.err.contains("The secret can't be used")
      }
      try write([right[0], Self.newLine("alone")], folder)
      server.signal(SIGHUP)
      try await eventually("a foreign one as well: \(server.err)", within: .seconds(30)) { server.err.contains("lacks the line") }
      #expect(try await service.ask("GET", "/v1/session", at: server.port, bearer: user.token).status == 200)
      try await server.stop()
      let words = ["serve", "--data", folder, "--port", "0", "--ops-port", "0"]
      let foreign = try await CommandProcess(words).outcome()
      #expect(foreign.status == 1 && foreign.err.contains("with which the ledger was served last"), "\(foreign.err)")
      try FileManager.default.removeItem(atPath: folder + "/secret")
      let missing = try await CommandProcess(words).outcome()
      #expect(missing.status == 1 && missing.err.contains("is missing, and the ledger has 1 live session."), "\(missing.err)")
      #expect(missing.err.contains("--new-secret") && missing.err.split(separator: "\n").count == 1)
      let command = try await CommandProcess.run("user", "list", "--data", folder)
      #expect(command.status == 1 && command.err.contains("is missing, and the ledger has 1 live session."), "\(command.err)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/secret"), "no secret is made on the way")
      let accepted = try await CommandProcess.serve(folder, ["--new-secret"])
      #expect(try await service.ask("GET", "/v1/session", at: accepted.port, bearer: user.token).status == 401)
      #expect(try await logIn(service, accepted.port, user.email).status == 201)
      try await accepted.stop()
      let twice = try await CommandProcess(words + ["--new-secret"]).outcome()
      #expect(twice.status == 1 && twice.err.contains("leave the flag out"), "\(twice.err)")
      let plain = try await CommandProcess.serve(folder)
      try await plain.stop()
    }
  }
}
