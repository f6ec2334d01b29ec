import Foundation
import TestSupport
import Testing

/// A change that a command can't tell of has not been made.
@Suite(.serialized) struct CommandOutputTests {
  @Test("A command whose answer can't be written fails and says so, on every command and for help; a key that was not shown is revoked")
  func fullDevice() async throws {
    try await RunningService.with(processes: 0) { service in
      let data = ["--data", service.folder]
      var server: CommandProcess? = try await CommandProcess.serve(service.folder)
      let user = try await service.newUser(at: server?.port ?? 0)
      func lost(_ words: [String]) async throws {
        let outcome = try await CommandProcess(words, out: "/dev/full").outcome()
        #expect(outcome.status == 1, "\(words)")
        #expect(outcome.err.contains("can't be written to standard output (No space left on device)"), "\(words): \(outcome.err)")
      }
      for words in [
        ["config", "init"], ["config", "check"], ["--help"], ["key", "create", "--help"], ["key", "list"] + data, ["user", "list"] + data,
        ["user", "show", user.id] + data, ["user", "plan", user.id, "pro"] + data, ["user", "suspend", user.id] + data,
        ["explain", "gh:{\(user.id.dropFirst(4))}"] + data, ["key", "create", "--name", "served", "--scopes", "gate"] + data,
      ] { try await lost(words) }
      _ = try await server?.stop()
      server = nil
      try await lost(["key", "create", "--name", "alone", "--scopes", "gate"] + data)
      let keys = try service.ledger("SELECT name || ' ' || (revoked_at IS NOT NULL) FROM service_keys ORDER BY name")
      #expect(keys == "alone 1\nserved 1\n")
    }
  }

  @Test("A service for tests that can't say where it is ends with one sentence")
  func ephemeralUnheard() async throws {
    let outcome = try await CommandProcess(["serve", "--ephemeral"], out: "/dev/full").outcome()
    #expect(outcome.status == 1)
    let faults = outcome.err.split(separator: "\n").filter { !$0.contains(#""level":"notice""#) }
    #expect(faults == ["Error: The answer can't be written to standard output (No space left on device): it is lost."], "\(outcome.err)")
  }

  @Test("A server that has nobody to greet says so in its log and serves")
  func unheard() async throws {
    try await RunningService.with(processes: 0) { service in
      let server = try CommandProcess(
        ["serve", "--data", service.folder, "--port", "0", "--ops-port", "0"], environment: CommandProcess.fastHashes, out: "/dev/full")
      try await eventually("it says so in its log: \(server.err)", within: .seconds(60)) {
        server.err.contains("The lines for a start can't be written")
      }
      let listed = try await CommandProcess.run("key", "list", "--data", service.folder)
      #expect(listed.status == 0 && listed.out.hasPrefix("ID"), "\(listed.err)")
      try await server.stop()
    }
  }
}
