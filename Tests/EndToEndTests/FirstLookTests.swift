import Foundation
import TestSupport
import Testing

/// The answers of a process before Redis has answered it.
@Suite(.serialized) struct FirstLookTests {
  private static let loginsMax = 10
  private static let callsWhileSilent = 5

  private func logIn(_ service: RunningService, at port: Int) async throws -> Int {
    try await service.ask("POST", "/v1/sessions", at: port, body: #"{"email":"victim@example.com","password":"wrong"}"#).status
  }

  @Test("A full window is full at a new process's first answer, though Redis answers it late", .asvs("6.3.1"))
  func late() async throws {
    try await RunningService.with(processes: 0) { service in
      let first = try await CommandProcess.serve(service.folder)
      for _ in 0..<Self.loginsMax { _ = try await logIn(service, at: first.port) }
      #expect(try await logIn(service, at: first.port) == 429)
      try await first.stop()
      let found = try service.redis("info", "server").firstMatch(of: /process_id:(\d+)/)
      let redis = try #require(found.flatMap { Int32($0.output.1) })
      try await pause(processID: redis)
      defer { kill(redis, SIGCONT) }
      let (port, ops) = (try FreePort.number(), try FreePort.number())
      let next = try CommandProcess(
        ["serve", "--data", service.folder, "--port", "\(port)", "--ops-port", "\(ops)"], environment: CommandProcess.fastHashes)
      try await eventually("the process is there: \(next.err)", within: .seconds(60)) {
        (try? await service.ask("GET", "/livez", at: ops).status) == 200
      }
      var answers: [Int] = []
      for _ in 0..<Self.callsWhileSilent { if let status = try? await logIn(service, at: port) { answers.append(status) } }
      kill(redis, SIGCONT)
      try await eventually("a login is answered", within: .seconds(60)) {
        if let status = try? await logIn(service, at: port) { answers.append(status) }
        return !answers.isEmpty
      }
      #expect(answers.allSatisfy { $0 == 429 }, "\(answers)")
      try await next.stop()
    }
  }

  @Test("A Redis that answers nothing does not keep a process from starting, and a stop while it waits ends it")
  func silent() async throws {
    try await RunningService.with(processes: 0) { service in
      let found = try service.redis("info", "server").firstMatch(of: /process_id:(\d+)/)
      let redis = try #require(found.flatMap { Int32($0.output.1) })
      try await pause(processID: redis)
      defer { kill(redis, SIGCONT) }
      let ops = try FreePort.number()
      let stopped = try CommandProcess(
        ["serve", "--data", service.folder, "--port", "0", "--ops-port", "\(ops)"], environment: CommandProcess.fastHashes)
      try await eventually("the process is there", within: .seconds(60)) {
        (try? await service.ask("GET", "/livez", at: ops).status) == 200
      }
      #expect(try await stopped.stop().status == 0)
      let server = try await CommandProcess.serve(service.folder)
      let user = try await service.newUser(at: server.port)
      #expect(try await service.ask("GET", "/v1/session", at: server.port, bearer: user.token).status == 200)
      #expect(try await server.stop().status == 0)
    }
  }
}
