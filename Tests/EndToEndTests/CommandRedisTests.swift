import TestSupport
import Testing

/// The commands of an operator about Redis itself.
@Suite(.serialized) struct CommandRedisTests {
  private func term(_ service: RunningService) throws -> String { try service.redis("hget", "gh:{counter}", "term") }

  @Test("After redis forget a hash that was put back by hand lets nobody in, with a server and without; explain says what the counter is")
  func forget() async throws {
    try await RunningService.with(processes: 0) { service in
      let server = try await CommandProcess.serve(service.folder)
      let user = try await service.newUser(at: server.port)
      let key = "gh:{\(user.id.dropFirst(4))}"
      func isIn(_ port: Int) async throws -> Bool {
        try await service.ask("GET", "/v1/session", at: port, bearer: user.token).status == 200
      }
      try await eventually("the user is warm") {
        _ = try await isIn(server.port)
        return try service.isWarm(key: key)
      }
      _ = try service.redis("copy", key, "copied")
      let ended = try await service.ask("DELETE", "/v1/session", at: server.port, bearer: user.token)
      #expect(ended.status == 204)
      // By hand, as an operator may: nothing tells the service.
      _ = try service.redis("copy", "copied", key, "replace")
      let before = try term(service)
      let said = try await CommandProcess.run("redis", "forget", "--data", service.folder)
      #expect(said.status == 0 && said.out == "Every user is read from the ledger again.\n", "\(said.err)")
      try await eventually("the new term is in Redis") { try term(service) != before }
      let isStillIn = try await isIn(server.port)
      #expect(!isStillIn)
      let words = try await CommandProcess.run("explain", "--data", service.folder, "gh:{counter}")
      #expect(words.out.contains("Counter") && words.out.contains("lineage") && words.out.contains("Lives"), "\(words.out)\(words.err)")
      try await server.stop()
      let alone = try await CommandProcess.run("redis", "forget", "--data", service.folder)
      #expect(alone.status == 0, "\(alone.err)")
      _ = try service.redis("del", "copied", key)
    }
  }
}
