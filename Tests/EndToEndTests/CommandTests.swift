import Foundation
import TestSupport
import Testing

/// The commands, with a server and without: both ways give the same answers, and neither is forgotten.
@Suite(.serialized) struct CommandTests {
  /// A folder whose ledger has been made, with a server in it or without one.
  private static func withService(
    running: Bool, _ body: (RunningService, CommandProcess?) async throws -> Void
  ) async throws {
    try await RunningService.with(processes: 0) { service in
      let server = try await CommandProcess.serve(service.folder)
      if !running { try await server.stop() }
      try await body(service, running ? server : nil)
      if running { try await server.stop() }
    }
  }

  @Test("A key is made, listed and revoked, and only the key is printed", arguments: [true, false])
  func keys(running: Bool) async throws {
    try await Self.withService(running: running) { service, server in
      let data = service.folder
      let made = try await CommandProcess.run(
        "key", "create", "--data", data, "--name", "backend", "--scopes", "gate,work", "--expires-in", "90d")
      #expect(made.status == 0, "\(made.err)")
      #expect(made.out.wholeMatch(of: /ghk_[0-9A-Za-z]{40,}\n/) != nil)
      #expect(made.err == "")
      let listed = try await CommandProcess.run("key", "list", "--data", data)
      let id = try #require(listed.out.firstMatch(of: /key_[0-9a-z]{14}/)?.output)
      #expect(listed.out.contains("backend  gate,work"))
      #expect(!listed.out.contains(made.out.trimmingCharacters(in: .newlines)))
      let live = try await serving(service, server) { port in
        try await service.ask(
          "POST", "/v1/gate", at: port, bearer: made.out.trimmingCharacters(in: .newlines), body: #"{"token":"gh_x"}"#)
      }
      #expect(live.status == 200)
      let revoked = try await CommandProcess.run("key", "revoke", "--data", data, String(id))
      #expect(revoked.out == "\(id) is revoked.\n")
      let dead = try await serving(service, server) { port in
        try await service.ask(
          "POST", "/v1/gate", at: port, bearer: made.out.trimmingCharacters(in: .newlines), body: #"{"token":"gh_x"}"#)
      }
      #expect(dead.text("code") == "invalid_key")
      let again = try await CommandProcess.run("key", "revoke", "--data", data, String(id))
      #expect(again.status == 1)
      #expect(again.err == "Error: There is no live service key \(id): see gatehouse key list.\n")
    }
  }

  @Test("Users are found by id and email, put on a plan, suspended and let in again", arguments: [true, false])
  func users(running: Bool) async throws {
    try await Self.withService(running: true) { service, first in
      let server = try #require(first)
      let user = try await service.newUser(at: server.port)
      if !running { try await server.stop() }
      let data = service.folder
      let listed = try await CommandProcess.run("user", "list", "--data", data)
      #expect(listed.out.contains("\(user.id)  \(user.email)"))
      let shown = try await CommandProcess.run("user", "show", "--data", data, user.email)
      #expect(try await CommandProcess.run("user", "show", "--data", data, user.id).out == shown.out)
      #expect(shown.out.contains("video_analysis    0 used, 0 held of 1"))
      let planned = try await CommandProcess.run("user", "plan", "--data", data, user.email, "pro", "--until", "2099-01-01")
      #expect(planned.out == "\(user.id) is on plan pro until 2099-01-01T00:00:00.000Z.\n", "\(planned.err)")
      #expect(try await CommandProcess.run("user", "show", "--data", data, user.id).out.contains("2099-01-01T00:00:00.000Z"))
      let past = try await CommandProcess.run("user", "plan", "--data", data, user.email, "pro", "--until", "2020-01-01")
      #expect(past.status == 1 && past.out.isEmpty && past.err.hasPrefix("Error: plan_ends_at: This is past: "), "\(past.out)\(past.err)")
      let unknown = try await CommandProcess.run("user", "plan", "--data", data, user.email, "gold")
      #expect(unknown.status == 1)
      #expect(unknown.err == "Error: plan: Use one of: free, pro, coach.\n")
      let suspended = try await CommandProcess.run("user", "suspend", "--data", data, user.email, "--reason", "abuse")
      #expect(suspended.out == "\(user.id) is suspended.\n")
      #expect(try await CommandProcess.run("user", "show", "--data", data, user.id).out.contains("suspended_reason  abuse"))
      let lifted = try await CommandProcess.run("user", "suspend", "--lift", "--data", data, user.id)
      #expect(lifted.out == "\(user.id) is active again; their sessions have ended.\n")
      let again = try await CommandProcess.run("user", "suspend", "--lift", "--data", data, user.id)
      #expect(again.out == "\(user.id) is active, and was not suspended: nothing has changed.\n")
    }
  }

  @Test("The same question has the same answer to the letter, with a server and without")
  func sameAnswers() async throws {
    try await Self.withService(running: true) { service, first in
      let server = try #require(first)
      let user = try await service.newUser(at: server.port)
      let data = service.folder
      _ = try await CommandProcess.run("key", "create", "--data", data, "--name", "k", "--scopes", "admin")
      let questions = [
        ["user", "list", "--data", data], ["user", "show", "--data", data, user.email], ["key", "list", "--data", data],
        ["user", "show", "--data", data, "nobody@example.com"], ["user", "show", "--data", data, "usr_00000000000000"],
        ["user", "show", "--data", data, "nobody"], ["key", "revoke", "--data", data, "key_00000000000000"],
        ["user", "list", "--data", data, user.id, "--limit", "1"],
      ]
      func answers() async throws -> [String] {
        var answers: [String] = []
        for words in questions {
          let outcome = try await CommandProcess(words).outcome()
          answers.append("\(outcome.status) \(outcome.out)\(outcome.err)")
        }
        return answers
      }
      let with = try await answers()
      try await server.stop()
      #expect(try await answers() == with)
      #expect(with.map { $0.first } == ["0", "0", "0", "1", "1", "1", "1", "0"])
    }
  }

  @Test("A user suspended without a server while Redis is silent is refused on the first request, though Redis still has the user warm")
  func suspendedWhileAllIsDown() async throws {
    try await RunningService.with(processes: 0) { service in
      let server = try await CommandProcess.serve(service.folder)
      let user = try await service.newUser(at: server.port)
      try await keepCopy(service, user.id, user.token, server.port)
      server.signal(SIGKILL)
      _ = try await server.outcome()
      let redis = try #require(try service.redis("info", "server").firstMatch(of: /process_id:(\d+)/).flatMap { Int32($0.output.1) })
      kill(redis, SIGSTOP)
      let suspended = try await CommandProcess.run("user", "suspend", "--data", service.folder, user.email)
      kill(redis, SIGCONT)
      #expect(suspended.out == "\(user.id) is suspended.\n", "\(suspended.err)")
      try restoreCopy(service, user.id)
      let next = try await CommandProcess.serve(service.folder)
      let answer = try await service.ask("GET", "/v1/session", at: next.port, bearer: user.token)
      #expect(answer.text("code") == "suspended")
      // Nor later, when it serves from Redis.
      try await eventually("Redis is used", within: .seconds(30)) {
        let later = try await service.ask("GET", "/v1/session", at: next.port, bearer: user.token)
        #expect(later.text("code") == "suspended")
        return try await service.ask("GET", "/readyz", at: next.port).text("status") == "ready"
      }
      try await next.stop()
    }
  }

  @Test("Without a server but with Redis, a command's change drops the user's hot state before it answers")
  func redisLearns() async throws {
    try await RunningService.with(processes: 0) { service in
      let server = try await CommandProcess.serve(service.folder)
      let user = try await service.newUser(at: server.port)
      try await keepCopy(service, user.id, user.token, server.port)
      try await server.stop()
      try restoreCopy(service, user.id)
      // Under load Redis may miss the command's deadline; then the change waits for a server, and the next one is looked at.
      try await eventually("a change drops the hot state", within: .seconds(60)) {
        let planned = try await CommandProcess.run("user", "plan", "--data", service.folder, user.email, "pro")
        #expect(planned.status == 0, "\(planned.err)")
        return try !service.isWarm(user.id)
      }
    }
  }

  @Test("Two processes: the socket of a killed one is passed over and removed, and a change through one is true on the other")
  func twoProcesses() async throws {
    try await RunningService.with(processes: 0) { service in
      let first = try await CommandProcess.serve(service.folder)
      let second = try await CommandProcess.serve(service.folder)
      let user = try await service.newUser(at: second.port)
      #expect(try await service.ask("GET", "/v1/session", at: second.port, bearer: user.token).status == 200)
      first.signal(SIGKILL)
      _ = try await first.outcome()
      let dead = "\(service.folder)/ops-\(first.identifier).sock"
      // Two sockets that sort before and after the living one, so that it is not found by luck.
      for name in ["ops-1.sock.off", "ops-0000002.sock"] {
        _ = FileManager.default.createFile(atPath: "\(service.folder)/\(name)", contents: nil)
      }
      #expect(FileManager.default.fileExists(atPath: dead))
      let suspended = try await CommandProcess.run("user", "suspend", "--data", service.folder, user.id)
      #expect(suspended.out == "\(user.id) is suspended.\n", "\(suspended.err)")
      #expect(try await service.ask("GET", "/v1/session", at: second.port, bearer: user.token).text("code") == "suspended")
      let third = try await CommandProcess.serve(service.folder)
      #expect(!FileManager.default.fileExists(atPath: dead))
      #expect(FileManager.default.fileExists(atPath: "\(service.folder)/ops-\(second.identifier).sock"))
      try await second.stop()
      try await third.stop()
    }
  }

  @Test("A user is found by the address that the list itself shows, in any case")
  func ownOutput() async throws {
    try await Self.withService(running: true) { service, server in
      let body = #"{"email":"Mia.Meier@Example.com","password":"\#(RunningService.password)"}"#
      let made = try await service.ask("POST", "/v1/users", at: server?.port, body: body)
      let id = try #require(made.text("user.id") ?? made.text("id"))
      let all = try await CommandProcess.run("user", "list", "--data", service.folder)
      let shown = try #require(all.out.firstMatch(of: /\S+@\S+/).map { String($0.output) })
      for text in [shown, shown.uppercased(), shown.lowercased(), String(shown.prefix(8))] {
        let found = try await CommandProcess.run("user", "list", "--data", service.folder, text)
        #expect(found.status == 0 && found.out.contains(id), "\(text): \(found.out)")
      }
    }
  }

  @Test("A fault in a call is told in one sentence that says what to do; usage is 64, a refusal 1")
  func refusals() async throws {
    try await RunningService.with(processes: 0) { service in
      let data = service.folder
      func refused(_ words: String..., status: Int32 = 1, says text: String) async throws {
        let outcome = try await CommandProcess(words).outcome()
        #expect(outcome.status == status, "\(words): \(outcome.err)")
        #expect(outcome.err.contains(text), "\(words): \(outcome.err)")
        #expect(outcome.out == "")
      }
      try await refused(
        "key", "list", "--data", "/tmp/gh-none", says: "There is no data folder /tmp/gh-none: name the service's folder with --data")
      try await refused("key", "list", "--data", data, says: "holds no ledger")
      let create = ["key", "create", "--data", data, "--name", "x"]
      func usage(_ words: [String], says text: String) async throws {
        let outcome = try await CommandProcess(create + words).outcome()
        #expect(outcome.status == 64)
        #expect(outcome.err.contains(text), "\(outcome.err)")
      }
      try await usage(["--scopes", "gate,worx"], says: #""worx" is not a scope: use some of gate, work, accounts, admin."#)
      try await usage(["--scopes", "gate", "--expires-in", "soon"], says: #""soon" is not a duration from 1m to 3650d"#)
      try await usage(["--scopes", "gate", "--expires-in", "1s"], says: #""1s" is not a duration from 1m to 3650d"#)
      try await usage([], says: "Missing expected argument '--scopes <scopes>'")
      try await refused("user", "list", "--limit", "0", status: 64, says: "--limit is 0: it must be from 1 to 100000.")
      for words in [
        [], ["serve"], ["config"], ["config", "init"], ["config", "check"], ["key"], ["key", "create"], ["user"], ["user", "plan"],
        ["explain"],
      ] {
        let help = try await CommandProcess(words + ["--help"]).outcome()
        #expect(help.status == 0 && help.out.contains("OVERVIEW: "), "\(words)")
      }
    }
  }

  @Test("A folder that something holds without answering is left alone, and the command says so")
  func locked() async throws {
    try await Self.withService(running: false) { service, _ in
      let lock = open(service.folder + "/lock", O_RDWR)
      #expect(lock >= 0 && flock(lock, LOCK_SH) == 0)
      async let command = CommandProcess.run("user", "list", "--data", service.folder)
      let refused = try await command
      #expect(refused.status == 1)
      #expect(refused.err.contains("Something holds the lock of \(service.folder) and answers on none of its ops sockets"))
      #expect(flock(lock, LOCK_EX) == 0)
      let server = try CommandProcess(["serve", "--data", service.folder, "--port", "0", "--ops-port", "0"])
      let late = try await server.outcome()
      #expect(late.status == 1)
      #expect(late.err.contains("A gatehouse command is working on \(service.folder) and does not end."))
      close(lock)
      #expect(try await CommandProcess.run("user", "list", "--data", service.folder).status == 0)
    }
  }

  /// Asks a server: the one that runs, or one for this question.
  private func serving(
    _ service: RunningService, _ server: CommandProcess?, _ ask: (Int) async throws -> RunningService.Answer
  ) async throws -> RunningService.Answer {
    if let server { return try await ask(server.port) }
    let own = try await CommandProcess.serve(service.folder)
    let answer = try await ask(own.port)
    try await own.stop()
    return answer
  }

  /// Uses a session until its user's hash is in Redis, and keeps a copy of it there: until a change's last DEL has come, the hash
  /// itself may go once more.
  private func keepCopy(_ service: RunningService, _ id: String, _ token: String, _ port: Int) async throws {
    try await eventually("the user is warm", within: .seconds(30)) {
      guard try await service.ask("GET", "/v1/session", at: port, bearer: token).status != 429 else {
        throw RunningService.Failure(description: "used up before it was warm")
      }
      return try service.isWarm(id) && service.redis("copy", "gh:{\(id.dropFirst(4))}", "copy", "replace") == "1\n"
        && service.isWarm(key: "copy")
    }
  }

  private func restoreCopy(_ service: RunningService, _ id: String) throws {
    _ = try service.redis("copy", "copy", "gh:{\(id.dropFirst(4))}", "replace")
    #expect(try service.isWarm(id), "the old state must be there for this to show anything")
  }
}
