import Foundation
import TestSupport
import Testing

/// `gatehouse explain`: what an operator who found a key in Redis learns of it.
@Suite(.serialized) struct CommandExplainTests {
  private func explain(_ service: RunningService, _ key: String) async throws -> CommandProcess.Outcome {
    try await CommandProcess.run("explain", "--data", service.folder, key)
  }

  @Test("A user's hash: whose it is, its sessions, allowances and holds in words, how long it lives; with a server and without")
  func user() async throws {
    try await RunningService.with(processes: 0) { service in
      let server = try await CommandProcess.serve(service.folder)
      let user = try await service.newUser(at: server.port)
      let key = "gh:{\(user.id.dropFirst(4))}"
      // Until a change's last DEL has come, the hash may go once more.
      var with = try await explain(service, key)
      try await eventually("the user is warm and holds a unit", within: .seconds(60)) {
        _ = try await service.ask("GET", "/v1/session", at: server.port, bearer: user.token)
        _ = try service.redis(
          "eval",
          """
          for _, name in ipairs(redis.call('hkeys', KEYS[1])) do
            if string.find(name, '^v2:') then return redis.call('hset', KEYS[1], ARGV[1], ARGV[2]) end
          end
          """, "1", key, "h:abc", "video_analysis|1|4102444800000|api.60.60:123:2,")
        with = try await explain(service, key)
        return with.out.contains("Hold")
      }
      #expect(with.status == 0, "\(with.err)")
      for part in [
        "What       a user's hot state", "Whose      \(user.id), \(user.email)", "Lives      ", "State      warm: ends 20",
        "Account    active, plan free, email not verified, no external id", "Session    ses_", ", class web, made 20",
        "Allowance  video_analysis: 0 used, 0 held, of 1 by plan free, from 20",
        "Hold       abc: 1 of video_analysis, counted by the ledger after 2100-01-01T00:00:00.000Z; took rate units: 2 of api",
      ] {
        #expect(with.out.contains(part), "\(part) is not in \(with.out)")
      }
      #expect(!with.out.contains(user.token))
      try await server.stop()
      let without = try await explain(service, key)
      func steady(_ text: String) -> [Substring] { text.split(separator: "\n").filter { !$0.contains("Lives") } }
      #expect(steady(without.out) == steady(with.out), "\(without.err)")
    }
  }

  @Test("Rate windows: each policy with its units, limit and when they return; of users, networks and subjects")
  func windows() async throws {
    try await RunningService.with(processes: 0) { service in
      let server = try await CommandProcess.serve(service.folder)
      let user = try await service.newUser(at: server.port)
      let key = "gh:{\(user.id.dropFirst(4))}:rl"
      var calls = 0
      try await eventually("a call is counted", within: .seconds(30)) {
        calls += 1
        _ = try await service.ask("GET", "/v1/session", at: server.port, bearer: user.token)
        return try service.redis("exists", key) == "1\n"
      }
      let own = try await explain(service, key)
      let line = try #require(
        own.out.firstMatch(of: #/  api +(\d+) of 60 units taken in the last 1m \(60 cells\); .* in \d+ (s|min).*Z\)/#)?.output, "\(own.out)"
      )
      #expect((1...calls).contains(Int(line.1) ?? 0))
      #expect(own.out.contains("Whose  \(user.id), \(user.email)"), "\(own.out)")
      try await eventually("a login is counted in Redis", within: .seconds(30)) {
        let body = #"{"email":"\#(user.email)","password":"\#(RunningService.password)"}"#
        guard try await service.ask("POST", "/v1/sessions", at: server.port, body: body).status == 201 else { return false }
        return try service.redis("exists", "gh:{own:ip:127.0.0.1}:rl") == "1\n"
      }
      let network = try await explain(service, "gh:{own:ip:127.0.0.1}:rl")
      #expect(network.out.contains("the login and sign-up windows of the network 127.0.0.1"))
      #expect(network.out.contains(" of 60 units taken in the last 15m (250 cells); "), "\(network.out)")
      for subject in try service.redis("keys", "gh:{own:????*").split(separator: "\n") where !subject.contains(":ip:") {
        let account = try await explain(service, String(subject))
        #expect(account.out.contains("of an account that the name does not reveal"), "\(account.out)")
        #expect(account.out.contains("login_") && !account.out.contains("no longer counts"), "\(account.out)")
      }
      try await server.stop()
    }
  }

  @Test("A key that is not ours, is not there, is of another type, or no Redis at all: a sentence each")
  func others() async throws {
    try await RunningService.with(processes: 0) { service in
      try await CommandProcess.serve(service.folder).stop()
      for key in [
        "foo", "", "gh:", "gh:{x}", "gh:{4tq9m2kd7xw1hb}:xx", "gh:{ip:}:rl", "gh:{sub:zz}:rl", "gh:{own:zz}:rl", "gh:{own:ip:}:rl",
        "gh:{4tq9m2kd7xw1hb",
      ] {
        let outcome = try await explain(service, key)
        #expect(outcome.status == 1)
        #expect(outcome.err.hasPrefix(#"Error: "\#(key)" is not a key of Gatehouse"#), "\(outcome.err)")
      }
      let absent = try await explain(service, "gh:{4tq9m2kd7xw1hb}")
      #expect(absent.status == 0)
      #expect(absent.out.contains("Whose  usr_4tq9m2kd7xw1hb: not in the ledger: deleted, or unknown"), "\(absent.out)\(absent.err)")
      #expect(absent.out.contains("Now    it is not in Redis: the user's next request copies it from the ledger"))
      _ = try service.redis("set", "gh:{ip:10.0.0.1}:rl", "x", "ex", "100")
      #expect(try await explain(service, "gh:{ip:10.0.0.1}:rl").out.contains("Type   string, where a hash belongs"))
      _ = try service.redis("del", "gh:{ip:10.0.0.1}:rl")
      _ = try service.redis("hset", "gh:{ip:10.0.0.1}:rl", "zebra", "x", "old.5.5", "y")
      let foreign = try await explain(service, "gh:{ip:10.0.0.1}:rl").out
      #expect(foreign.contains("for ever, which is a fault") && foreign.contains(#"a field "zebra" that is not a window"#), "\(foreign)")
      #expect(foreign.contains("no policy of the configuration has this window"))
      _ = try service.redis("del", "gh:{ip:10.0.0.1}:rl")
      try service.killRedis()
      let down = try await explain(service, "gh:{4tq9m2kd7xw1hb}")
      #expect(down.status == 1)
      #expect(down.err.contains("Redis does not answer at \(service.folder)/redis.sock: start it"), "\(down.err)")
      try service.startRedis()
    }
  }
}
