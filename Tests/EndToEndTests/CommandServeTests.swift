import Foundation
import StrictJSON
import TestSupport
import Testing

/// How a server starts, listens to signals and ends.
@Suite(.serialized) struct CommandServeTests {
  @Test("The three lines that the start prints work when they are pasted")
  func lines() async throws {
    try await RunningService.with(processes: 0) { service in
      let server = try await CommandProcess.serve(service.folder)
      let lines = server.out.split(separator: "\n").filter { $0.hasPrefix("  ") }
      #expect(lines.count == 3)
      let shell = Process()
      shell.executableURL = URL(fileURLWithPath: "/bin/sh")
      let answer = "\(service.folder)/pasted"
      shell.arguments = ["-ec", "{ \(lines.joined(separator: "\n")) ; } > \(answer) 2>/dev/null"]
      try shell.run()
      try await eventually("the lines are done", within: .seconds(60)) { !shell.isRunning }
      #expect(shell.terminationStatus == 0)
      let text = try String(contentsOfFile: answer, encoding: .utf8)
      #expect(text.contains(#""session":{"id":"ses_"#) && text.contains(#""email":"mia@example.com""#), "\(text)")
      try await server.stop()
    }
  }

  @Test("A server without Redis starts, says so in one line of its log, and serves", .asvs("16.3.4"))
  func withoutRedis() async throws {
    try await RunningService.with(processes: 0) { service in
      try service.killRedis()
      let server = try await CommandProcess.serve(service.folder)
      let user = try await service.newUser(at: server.port)
      #expect(try await service.ask("GET", "/v1/session", at: server.port, bearer: user.token).status == 200)
      #expect(try await service.ask("GET", "/readyz", at: server.port).text("status") == "degraded")
      // The line about the floor of logins belongs to no failure.
      func told(_ text: String) -> [Substring] { text.split(separator: "\n").filter { !$0.contains("leaves before the floor") } }
      let log = told(server.err)
      #expect(log.count == 1 && log[0].contains(#""message":"Redis is away""#), "\(log)")
      try service.startRedis()
      try await eventually("Redis is used", within: .seconds(30)) {
        try await service.ask("GET", "/readyz", at: server.port).text("status") == "ready"
      }
      let after = told(try await server.stop().err)
      #expect(after.count == 2 && after[1].contains(#""message":"Redis is back""#), "\(after)")
      for line in after { _ = try JSONValue.parse(Array(line.utf8)) }
    }
  }

  @Test(
    "The ops socket is its owner's alone, is gone after the end, and one left by a killed process is removed at the next start",
    .asvs("13.3.2"))
  func sockets() async throws {
    try await RunningService.with(processes: 0) { service in
      let server = try await CommandProcess.serve(service.folder)
      let socket = "\(service.folder)/ops-\(server.identifier).sock"
      let mode = try FileManager.default.attributesOfItem(atPath: socket)[.posixPermissions] as? Int
      #expect(mode == 0o600)
      #expect(try await server.stop().status == 0)
      #expect(!FileManager.default.fileExists(atPath: socket))
      let killed = try await CommandProcess.serve(service.folder)
      killed.signal(SIGKILL)
      _ = try await killed.outcome()
      let left = "\(service.folder)/ops-\(killed.identifier).sock"
      #expect(FileManager.default.fileExists(atPath: left))
      let next = try await CommandProcess.serve(service.folder)
      #expect(!FileManager.default.fileExists(atPath: left))
      try await next.stop()
    }
  }

  @Test("After a clean stop the ledger's file holds all that was written, and its log nothing")
  func checkpointAtEnd() async throws {
    try await RunningService.with(processes: 0) { service in
      let (first, second) = (try await CommandProcess.serve(service.folder), try await CommandProcess.serve(service.folder))
      let user = try await service.newUser(at: first.port)
      try await first.stop()
      try await second.stop()
      let copy = service.folder + "/copy.sqlite"
      try FileManager.default.copyItem(atPath: service.folder + "/gatehouse.sqlite", toPath: copy)
      let log = try FileManager.default.attributesOfItem(atPath: service.folder + "/gatehouse.sqlite-wal")[.size] as? Int
      #expect(log == 0)
      let found = Process()
      let output = Pipe()
      found.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      found.arguments = ["sqlite3", copy, "SELECT count(*) FROM users WHERE id = '\(user.id)'"]
      found.standardOutput = output
      try found.run()
      #expect(String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self) == "1\n")
      found.waitUntilExit()
    }
  }

  @Test("A taken port, an impossible address and a wrong folder are one sentence each, and the exit status is 1")
  func refusals() async throws {
    try await RunningService.with(processes: 0) { service in
      let server = try await CommandProcess.serve(service.folder)
      func refused(_ words: String..., says sentence: String) async throws {
        let outcome = try await CommandProcess(["serve"] + words).outcome()
        #expect(outcome.status == 1)
        #expect(outcome.err == "Error: \(sentence)\n")
        #expect(outcome.out == "")
      }
      let port = String(server.port)
      let data = service.folder
      try await refused(
        "--data", data, "--port", port, "--ops-port", "0",
        says: "Port \(port) on 127.0.0.1 is taken: stop what listens there, or choose another with --port or PORT (http.port).")
      try await refused(
        "--data", data, "--port", "0", "--ops-port", port,
        says: "Port \(port) on 127.0.0.1 is taken: stop what listens there, or choose another with --ops-port or OPS_PORT (http.ops_port).")
      try await refused(
        "--data", data, "--port", "70000", says: #"http.port is "70000" (command line): it must be a whole number from 0 to 65535."#)
      let config = "\(data)/own.yaml"
      try "http: {host: 192.0.2.1, port: 0}\ncookie: {secure: true}".write(toFile: config, atomically: true, encoding: .utf8)
      try await refused(
        "--data", data, "--config", config,
        says: #"http.host is "192.0.2.1", which is not an address of this machine: use one that is, or 0.0.0.0 for all."#)
      try await refused("--data", config, says: "The data folder \(config) is not a folder: name another with --data.")
      try await refused(
        "--data", config + "/below",
        says: "The data folder \(config)/below can't be made (Not a directory): check the path, and who owns the folder above it.")
      let open = "\(data)/open"
      try FileManager.default.createDirectory(atPath: open, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o750])
      try await refused("--data", open, says: "The data folder \(open) is open to others (mode 750): run chmod 700 \(open).")
      let broken = "\(data)/broken"
      try FileManager.default.createDirectory(atPath: broken, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
      try String(repeating: "no database ", count: 100).write(toFile: broken + "/gatehouse.sqlite", atomically: true, encoding: .utf8)
      let outcome = try await CommandProcess(["serve", "--data", broken, "--port", "0", "--ops-port", "0"]).outcome()
      #expect(outcome.status == 1)
      #expect(outcome.err.hasPrefix("Error: The ledger \(broken)/gatehouse.sqlite can't be opened: "), "\(outcome.err)")
      #expect(outcome.err.split(separator: "\n").count == 1)
      #expect(outcome.err.ranges(of: "can't be opened").count == 1 && !outcome.err.contains("PRAGMA"), "no statement: \(outcome.err)")
      try await server.stop()
    }
  }

  @Test("Servers that race for one port: one has it, the others say so in one sentence")
  func race() async throws {
    try await RunningService.with(processes: 0) { service in
      let probe = try await CommandProcess.serve(service.folder)
      let port = String(probe.port)
      try await probe.stop()
      let racers = try (0..<4).map { _ in
        try CommandProcess(["serve", "--data", service.folder, "--port", port, "--ops-port", "0"])
      }
      try await eventually("all but one have ended", within: .seconds(60)) { racers.filter(\.isRunning).count == 1 }
      let losers = racers.filter { !$0.isRunning }
      for loser in losers {
        let outcome = try await loser.outcome()
        #expect(outcome.status == 1)
        let lines = outcome.err.split(separator: "\n").filter { $0.hasPrefix("Error: ") }
        let line = try #require(lines.first, "\(outcome.err)")
        #expect(lines.count == 1)
        #expect(line.contains("Port \(port) on 127.0.0.1 is taken") || line.contains("another process came first"), "\(lines)")
        #expect(outcome.out == "")
      }
      let winner = try #require(racers.first { $0.isRunning })
      try await eventually("the winner serves") { winner.out.contains("answers on http://127.0.0.1:\(port)") }
      try await winner.stop()
    }
  }

  @Test("A request that does not end is cut off after the drain time; what it had asked the ledger for is written all the same")
  func drain() async throws {
    try await RunningService.with(processes: 0) { service in
      let server = try await CommandProcess.serve(service.folder, environment: ["GATEHOUSE_HTTP_DRAIN": "1s"])
      // Somebody else writes: the next batch of the server's queue waits for its turn.
      let writer = open(service.folder + "/gatehouse.sqlite.writer", O_RDWR)
      #expect(writer >= 0 && flock(writer, LOCK_EX) == 0)
      let body = #"{"email":"late@example.com","password":"\#(RunningService.password)"}"#
      let client = try await RawHTTP.connect(port: server.port)
      try await client.send(
        "POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
      // The password is hashed and the row handed to the queue when the server has come to wait for the writer's lock.
      try await eventually("the server waits for its turn", within: .seconds(30)) { Self.waitsForLock(server.identifier) }
      server.signal(SIGTERM)
      try await eventually("the drain time is over: \(server.err)", within: .seconds(30)) { server.err.contains("The drain time is over") }
      #expect(server.isRunning, "the queue is not written yet: \(server.err)")
      #expect(flock(writer, LOCK_UN) == 0)
      let ended = try await server.outcome()
      #expect(ended.status == 0, "\(ended.err)")
      #expect(ended.err.split(separator: "\n").filter { $0.contains("drain time") }.count == 1)
      close(writer)
      let next = try await CommandProcess.serve(service.folder)
      #expect(try await service.ask("POST", "/v1/sessions", at: next.port, body: body).status == 201)
      try await next.stop()
    }
  }

  @Test("A second SIGTERM ends the process at once, without its socket", arguments: [SIGTERM, SIGINT])
  func secondSignal(_ number: Int32) async throws {
    try await RunningService.with(processes: 0) { service in
      let server = try await CommandProcess.serve(service.folder, environment: ["GATEHOUSE_HTTP_DRAIN": "5m"])
      let client = try await RawHTTP.connect(port: server.port)
      try await client.send("POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
      server.signal(number)
      try await eventually("the drain has begun", within: .seconds(30)) {
        // Two signals of which the first was not taken are one.
        (try? await RawHTTP.connect(port: server.port)) == nil
      }
      #expect(server.isRunning)
      server.signal(number)
      let ended = try await server.outcome(within: .seconds(20))
      #expect(ended.status == 128 + number)
      #expect(!FileManager.default.fileExists(atPath: "\(service.folder)/ops-\(server.identifier).sock"))
    }
  }

  /// Whether a thread of a process is blocked in `flock`, as the kernel tells.
  private static func waitsForLock(_ process: Int32) -> Bool {
    let locks = (try? String(contentsOfFile: "/proc/locks", encoding: .utf8)) ?? ""
    return locks.split(separator: "\n").contains { $0.contains("->") && $0.contains("FLOCK") && $0.contains(" \(process) ") }
  }
}
