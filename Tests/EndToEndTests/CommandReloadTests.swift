import Foundation
import TestSupport
import Testing

/// The configuration of a process that runs: the file, SIGHUP, and what a wrong one does.
@Suite(.serialized) struct CommandReloadTests {
  @Test("The command config init prints a file that config check finds right; one with faults gives a sentence a fault and exit status 1")
  func initAndCheck() async throws {
    let folder = try Self.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let printed = try await CommandProcess.run("config", "init")
    #expect(printed.status == 0 && printed.err == "")
    try printed.out.write(toFile: folder + "/gatehouse.yaml", atomically: true, encoding: .utf8)
    let right = try await CommandProcess.run("config", "check", directory: folder)
    #expect(right.out == "gatehouse.yaml: no problems.\n")
    #expect(right.status == 0)
    try "http:\n  prot: 1\nprocesses: 0\n".write(toFile: folder + "/other.yaml", atomically: true, encoding: .utf8)
    let wrong = try await CommandProcess.run("config", "check", "other.yaml", directory: folder)
    #expect(wrong.status == 1)
    #expect(
      wrong.out == """
        processes is "0" (other.yaml, line 3): it must be a whole number from 1 to 1000.
        http.prot (other.yaml, line 2) is not a setting: did you mean http.port?

        """)
    let missing = try await CommandProcess.run("config", "check", "none.yaml", directory: folder)
    #expect(missing.out == "The configuration file none.yaml can't be read: check its path and its owner.\n")
    #expect(missing.status == 1)
  }

  @Test("The one rule of the file: --config, else GATEHOUSE_CONFIG, else gatehouse.yaml in the working directory, else the defaults")
  func whichFile() async throws {
    let folder = try Self.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func problem(_ name: String) throws {
      try "processes: \(name)".write(toFile: "\(folder)/\(name).yaml", atomically: true, encoding: .utf8)
    }
    for name in ["flag", "variable", "gatehouse"] { try problem(name) }
    func said(_ words: [String], _ environment: [String: String], in directory: String) async throws -> String {
      try await CommandProcess(["serve", "--data", folder + "/data"] + words, environment: environment, directory: directory).outcome().err
    }
    let variable = ["GATEHOUSE_CONFIG": folder + "/variable.yaml"]
    #expect(try await said(["--config", folder + "/flag.yaml"], variable, in: folder).contains(#"processes is "flag""#))
    #expect(try await said([], variable, in: folder).contains(#"processes is "variable""#))
    #expect(try await said([], [:], in: folder).contains(#"processes is "gatehouse" (gatehouse.yaml, line 1)"#))
    #expect(try await said(["--config", "none.yaml"], [:], in: folder).contains("The configuration file none.yaml can't be read"))
    #expect(!FileManager.default.fileExists(atPath: folder + "/data"), "a wrong value stops before anything is made")
  }

  @Test("A configuration that is no file with settings in it is refused at once: by config check, a start, and SIGHUP, which stays heard")
  func noFile() async throws {
    try await RunningService.with(processes: 0) { service in
      let config = service.folder + "/gatehouse.yaml"
      func refused(_ fault: String) async throws {
        for words in [["config", "check"], ["serve", "--port", "0", "--ops-port", "0", "--data", service.folder]] {
          let outcome = try await CommandProcess(words, directory: service.folder).outcome(within: .seconds(20))
          #expect(outcome.status == 1 && (outcome.out + outcome.err).contains(fault), "\(words): \(outcome)")
        }
      }
      let gold = "plans: {gold: {allowances: {video_analysis: 5}}}\npolicies: {api: {limit: 7}}"
      try gold.write(toFile: config, atomically: true, encoding: .utf8)
      let server = try await CommandProcess.serve(service.folder, directory: service.folder)
      let user = try await service.newUser(at: server.port)
      func told(_ sentence: String, _ change: () throws -> Void) async throws {
        let before = server.err.ranges(of: sentence).count
        try change()
        server.signal(SIGHUP)
        try await eventually("\(sentence) \(server.err)", within: .seconds(30)) { server.err.ranges(of: sentence).count > before }
        let session = try await service.ask("GET", "/v1/session", at: server.port, bearer: user.token)
        #expect(session.headers["ratelimit-policy"]?.contains(#""api";q=7;w=60"#) == true, "\(sentence)")
      }
      try await told("gatehouse.yaml can't be read") { unlink(config) }
      try await told("gatehouse.yaml is not a regular file") { mkfifo(config, 0o600) }
      try await refused("gatehouse.yaml is not a regular file")
      try await told("gatehouse.yaml is empty") {
        unlink(config)
        try "\n".write(toFile: config, atomically: true, encoding: .utf8)
      }
      try await refused("gatehouse.yaml is empty")
      try await told("gatehouse.yaml is not a regular file") {
        unlink(config)
        try FileManager.default.createDirectory(atPath: config, withIntermediateDirectories: false)
      }
      try await told("The settings are reloaded") {
        rmdir(config)
        try gold.write(toFile: config, atomically: true, encoding: .utf8)
      }
      try await server.stop()
    }
  }

  @Test("A plan that the configuration lacks for a moment is back with it: what it made of a user does not stay in Redis")
  func lacksPlan() async throws {
    try await RunningService.with(processes: 0) { service in
      let config = service.folder + "/own.yaml"
      let whole = """
        plans: {names: [free, pro]}
        policies: {names: [api, login_pair, login_account, login_network, signup_network, mail_account], api: {limit: 7, limit_by_plan: {pro: 600}}}
        """
      let lacking = whole.replacing(", pro]", with: "]").replacing("{pro: 600}", with: "{}")
      try whole.write(toFile: config, atomically: true, encoding: .utf8)
      let server = try await CommandProcess.serve(service.folder, ["--config", config])
      let user = try await service.newUser(at: server.port)
      let changed = try await CommandProcess.run("user", "plan", user.id, "pro", "--data", service.folder)
      #expect(changed.status == 0, "\(changed.err)")
      var token = user.token
      func limit() async throws -> String? {
        let session = try await service.ask("GET", "/v1/session", at: server.port, bearer: token)
        return session.headers["ratelimit-policy"]?.split(separator: ";").first { $0.hasPrefix("q=") }.map(String.init)
      }
      func reload(_ text: String) async throws {
        try text.write(toFile: config, atomically: true, encoding: .utf8)
        let told = server.err.ranges(of: "The settings are reloaded").count
        server.signal(SIGHUP)
        try await eventually("the reload is told: \(server.err)", within: .seconds(30)) {
          server.err.ranges(of: "The settings are reloaded").count > told
        }
      }
      #expect(try await limit() == "q=600")
      try await reload(lacking)
      // A login makes the user cold: Redis gets its copy while the plan is missing.
      let body = #"{"email":"\#(user.email)","password":"\#(RunningService.password)"}"#
      token = try #require(try await service.ask("POST", "/v1/sessions", at: server.port, body: body).text("token"))
      #expect(try await limit() == "q=7")
      try await reload(whole)
      #expect(try await limit() == "q=600")
      try await server.stop()
    }
  }

  @Test("SIGHUP puts plans, policies, sign-up, timeouts and the log level in force at once; a wrong file changes nothing and is told")
  func reload() async throws {
    try await RunningService.with(processes: 0) { service in
      let config = service.folder + "/own.yaml"
      func write(_ text: String) throws { try text.write(toFile: config, atomically: true, encoding: .utf8) }
      try write("plans: {free: {allowances: {video_analysis: 1}}}")
      let server = try await CommandProcess.serve(service.folder, ["--config", config])
      let port = server.port
      let user = try await service.newUser(at: port)
      func reserve(_ key: String) async throws -> Int {
        try await service.ask(
          "POST", "/v1/analyses", at: port, bearer: user.token, headers: ["Idempotency-Key": key], body: #"{"filename":"a.mp4"}"#
        ).status
      }
      #expect(try await reserve("1") == 201)
      #expect(try await reserve("2") == 429)

      try write(
        """
        plans: {free: {allowances: {video_analysis: 2}}}
        policies: {api: {limit: 7}}
        sessions: {web: {absolute: 3d}}
        signup: {mode: backend}
        log: {level: debug}
        http: {port: 4711, drain: 3s}
        """)
      server.signal(SIGHUP)
      try await eventually("the reload is told: \(server.err)", within: .seconds(30)) { server.err.contains("The settings are reloaded") }
      #expect(server.err.contains(#""message":"Some settings change only with a restart","keys":["http.drain"]"#), "\(server.err)")
      #expect(try await reserve("2") == 201)
      #expect(try await reserve("3") == 429)
      let session = try await service.ask("GET", "/v1/session", at: port, bearer: user.token)
      #expect(session.headers["ratelimit-policy"]?.contains(#""api";q=7;w=60"#) == true, "\(session.headers)")
      let body = #"{"email":"other@example.com","password":"\#(RunningService.password)"}"#
      #expect(try await service.ask("POST", "/v1/users", at: port, body: body).text("code") == "invalid_key")

      let told = server.err
      try write("policies: {api: {limit: 0}}\nsignup: {mode: backend}")
      server.signal(SIGHUP)
      try await eventually("the fault is told: \(server.err)", within: .seconds(30)) {
        server.err.contains("the settings stay as they were")
      }
      #expect(server.err.dropFirst(told.count).contains(#"policies.api.limit is \"0\" ("#), "\(server.err)")
      let again = try await service.ask("GET", "/v1/session", at: port, bearer: user.token)
      #expect(again.headers["ratelimit-policy"]?.contains(#""api";q=7;w=60"#) == true)
      try await server.stop()
    }
  }

  @Test("Other origins get their CORS answers only if allowed_origins names them, and from the reload on")
  func origins() async throws {
    try await RunningService.with(processes: 0) { service in
      let config = service.folder + "/own.yaml"
      try "allowed_origins: []".write(toFile: config, atomically: true, encoding: .utf8)
      let server = try await CommandProcess.serve(service.folder, ["--config", config])
      let origin = ["Origin": "https://app.example.com"]
      let before = try await service.ask("GET", "/livez", at: server.port, headers: origin)
      #expect(before.headers["access-control-allow-origin"] == nil)
      try "allowed_origins: [https://app.example.com]".write(toFile: config, atomically: true, encoding: .utf8)
      server.signal(SIGHUP)
      try await eventually("the reload is told", within: .seconds(30)) { server.err.contains("The settings are reloaded") }
      let after = try await service.ask("GET", "/livez", at: server.port, headers: origin)
      #expect(after.headers["access-control-allow-origin"] == "https://app.example.com")
      // A refusal before any route is asked may be read as well.
      let refused = try await service.raw(
        "GET /livez HTTP/1.1\r\nHost: a\r\nExpect: coffee\r\nOrigin: https://app.example.com\r\n\r\n", at: server.port)
      #expect(refused.status == 417 && refused["Access-Control-Allow-Origin"] == "https://app.example.com", "\(refused)")
      let stranger = try await service.ask("GET", "/livez", at: server.port, headers: ["Origin": "https://evil.example.com"])
      #expect(stranger.headers["access-control-allow-origin"] == nil)
      try await server.stop()
    }
  }

  private static func temporary() throws -> String {
    let folder = "/tmp/gh-conf-\(UInt32.random(in: 0...UInt32.max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    return folder
  }
}
