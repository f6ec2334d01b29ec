import Foundation
import GatehouseCore
import Testing

@testable import gatehouse

/// The meaning of the configuration, without a process.
@Suite struct ConfigurationTests {
  private func load(
    _ yaml: String? = nil, environment: [String: String] = [:], flags: [String: String] = [:]
  ) throws -> (settings: Settings, problems: [String], reader: SettingsReader) {
    let file = try yaml.map { try ConfigurationFile(yaml: $0, name: "test.yaml") }
    let defaults = try ConfigurationFile(yaml: DefaultFile.text, name: "defaults")
    var reader = SettingsReader(flags: flags, environment: environment, file: file, defaults: defaults)
    let settings = reader.settings()
    reader.refuseUnknown()
    return (settings, reader.problems, reader)
  }

  @Test("The default file loads to exactly the defaults of the code, as the defaults and as a file of its own")
  func defaults() throws {
    for yaml in [nil, DefaultFile.text] {
      let loaded = try load(yaml)
      #expect(loaded.settings == Settings())
      #expect(loaded.problems == [])
    }
  }

  @Test("Every key that is asked for stands in the default file, and every key in it is asked for")
  func completeness() throws {
    let asked = try load().reader
    let written = Set(try ConfigurationFile(yaml: DefaultFile.text, name: "defaults").entries.map(\.key))
    #expect(written.subtracting(asked.asked) == [])
    #expect(asked.asked.subtracting(asked.optional).subtracting(written) == [])
    // A plan's own limit or allowance may be missing: the mapping that it belongs to is shown.
    for key in asked.optional.subtracting(written) {
      let parent = key.split(separator: ".").dropLast().joined(separator: ".")
      #expect(written.contains { $0.hasPrefix(parent + ".") }, "\(key)")
    }
  }

  @Test(
    "A wrong value is one sentence that names the key, the value, the place and what it may be",
    arguments: [
      ("http:\n  port: 99999", #"http.port is "99999" (test.yaml, line 2): it must be a whole number from 0 to 65535."#),
      ("http:\n  port: 80x", #"http.port is "80x" (test.yaml, line 2): it must be a whole number from 0 to 65535."#),
      ("http:\n  port: [1, 2]", "http.port (test.yaml, line 2) must be one value, not a list."),
      ("http:\n  host: ''", #"http.host is "" (test.yaml, line 2): it must be an address or a host's name."#),
      ("http: 5", "http (test.yaml, line 1) is a section: its keys stand below it, indented."),
      ("processes: 0", #"processes is "0" (test.yaml, line 1): it must be a whole number from 1 to 1000."#),
      ("processes:", #"processes is "" (test.yaml, line 1): it must be a whole number from 1 to 1000."#),
      (
        "log:\n  level: loud",
        #"log.level is "loud" (test.yaml, line 2): it must be trace, debug, info, notice, warning, error or critical."#
      ),
      ("cookie:\n  secure: maybe", #"cookie.secure is "maybe" (test.yaml, line 2): it must be true or false."#),
      (
        "cookie: {secure: false}\nhttp: {host: 0.0.0.0}",
        #"cookie.secure is "false" (test.yaml, line 1): it must be true unless http.host and public_url are on loopback."#
      ),
      (
        "signup:\n  enumeration: yes",
        #"signup.enumeration is "yes" (test.yaml, line 2): it must be tell or hide."#
      ),
      ("signup:\n  mode: open", #"signup.mode is "open" (test.yaml, line 2): it must be public or backend."#),
      (
        "trusted_proxies: [10.0.0.0/8, 10.0.0.0/33]",
        #"trusted_proxies has "10.0.0.0/33" (test.yaml, line 1): each of it must be an IP address or a range such as 10.0.0.0/8."#
      ),
      (
        "allowed_origins: [https://a.example.com/]",
        #"allowed_origins has "https://a.example.com/" (test.yaml, line 1): each of it must be an origin such as "#
          + "https://app.example.com, without a path."
      ),
      (
        "public_url: app.example.com",
        #"public_url is "app.example.com" (test.yaml, line 1): it must be empty, or an address such as https://app.example.com."#
      ),
      (
        "sessions:\n  web:\n    idle: 8d",
        #"sessions.web.idle is "8d" (test.yaml, line 3): it must be at most sessions.web.absolute, 7d."#
      ),
      (
        "sessions:\n  web:\n    idle: soon",
        #"sessions.web.idle is "soon" (test.yaml, line 3): it must be a duration from 1s to 3650d, such as 30s or 12h."#
      ),
      (
        "plans:\n  free:\n    sessions_max: 101",
        #"plans.free.sessions_max is "101" (test.yaml, line 3): it must be a whole number from 1 to 100."#
      ),
      (
        "plans:\n  free:\n    allowances:\n      video_analysis: -1",
        #"plans.free.allowances.video_analysis is "-1" (test.yaml, line 4): it must be a whole number from 0 to 1000000000, or unlimited."#
      ),
      (
        "metrics:\n  video_analysis:\n    period: week",
        #"metrics.video_analysis.period is "week" (test.yaml, line 3): it must be day or month."#
      ),
      (
        "policies:\n  api:\n    limit: 0",
        #"policies.api.limit is "0" (test.yaml, line 3): it must be a whole number from 1 to 1000000000."#
      ),
      (
        "policies:\n  login_pair:\n    by: user",
        #"policies.login_pair.by is "user" (test.yaml, line 3): it must be subject."#
      ),
      (
        "retention:\n  audit: 12h", #"retention.audit is "12h" (test.yaml, line 2): it must be forever or whole days from 1d to 36500d."#
      ),
      (
        "profiles:\n  api:\n    policies: [nope]",
        #"profiles.api.policies is "nope" (test.yaml, line 3): it must be names from policies.names."#
      ),
      (
        "profiles:\n  api:\n    policies: [api, login_network]",
        #"profiles.api.policies is "login_network" (test.yaml, line 3): it must be a policy of the app: this one is Gatehouse's own, "#
          + "for logins, sign-ups and mails."
      ),
      ("profiles:\n  api:\n    plans: [gold]", #"profiles.api.plans is "gold" (test.yaml, line 3): it must be names from plans.names."#),
      (
        "profiles:\n  api:\n    authenticated_within: soon",
        #"profiles.api.authenticated_within is "soon" (test.yaml, line 3): it must be any or a duration from 1s to 365d, such as 15m."#
      ),
      ("http:\n  port: 9080", "http.port and http.ops_port are both 9080 on 127.0.0.1: each listener needs its own."),
      // Misspelled, misplaced, or described without a name and the other way round.
      ("http:\n  prot: 80", "http.prot (test.yaml, line 2) is not a setting: did you mean http.port?"),
      (
        "policies:\n  calls: {by: subject, limit: 5, window: 1m, limit_by_plan: {pro: 9}}",
        "policies.calls.limit_by_plan.pro (test.yaml, line 2) has no effect: a policy by subject knows no plan. Take it out, or count by user "
          + "or plan."
      ),
      (
        "policies:\n  calls: {by: ip, limit: 5, window: 1m, limt: 9}",
        "policies.calls.limt (test.yaml, line 2) is not a setting: did you mean policies.calls.limit?"
      ),
      (
        "policies:\n  calls: {by: user, limit: 5, window: 1m, limit_by_plan: {gold: 9}}",
        "policies.calls.limit_by_plan.gold (test.yaml, line 2) is not a setting: there is no plan gold."
      ),
      (
        "plans:\n  free: {allowances: {render: 9}}",
        "plans.free.allowances.render (test.yaml, line 2) is not a setting: there is no metric render."
      ),
      ("port: 80", "port (test.yaml, line 1) is not a setting: did you mean http.port?"),
      ("policies:\n  api:\n    windw: 60s", "policies.api.windw (test.yaml, line 3) is not a setting: did you mean policies.api.window?"),
      ("zebra: 1", "zebra (test.yaml, line 1) is not a setting."),
      (
        "plans:\n  coahc:\n    sessions_max: 3",
        "plans.coahc (test.yaml, line 3) is nearly plans.coach: correct it, or list it in plans.names if it is another."
      ),
      ("policies:\n  search:\n    by: user\n    limit: 5", "policies.search.window is missing."),
      (#"http: {host: "[10.0.0.1]"}"#, #"http.host is "[10.0.0.1]" (test.yaml, line 1): it must be an address or a host's name."#),
      (#"http: {host: "::1:8080]"}"#, #"http.host is "::1:8080]" (test.yaml, line 1): it must be an address or a host's name."#),
      (
        "http: {ops_host: 'localhost:9080'}",
        #"http.ops_host is "localhost:9080" (test.yaml, line 1): it must be an address or a host's name."#
      ),
      ("http: {host: 300.1.2.3}", #"http.host is "300.1.2.3" (test.yaml, line 1): it must be an address or a host's name."#),
      ("http: {port: 9080, ops_host: '::'}", "http.port and http.ops_port are both 9080 on 127.0.0.1: each listener needs its own."),
      ("data: ~", #"The data folder is "~": write a path such as ~/gatehouse, which is in your home folder, or one from /."#),
      (
        "plans:\n  names: [free, gold]",
        "plans.names has gold (test.yaml, line 2), but there is no section plans.gold that describes it."
      ),
      ("plans:\n  names: [free, free]", "plans.names has free twice (test.yaml, line 2): remove one."),
      (
        "plans:\n  names: [Free]",
        #"plans.names has "Free" (test.yaml, line 2): a name is 1 to 32 of a-z, 0-9 and _, begins with a letter and is not "names"."#
      ),
    ])
  func wrong(_ yaml: String, _ sentence: String) throws {
    #expect(try load(yaml).problems == [sentence])
  }

  @Test("A text that is no YAML is told with line and column, a key that stands twice with its section")
  func syntax() throws {
    func problem(_ yaml: String) -> String { (#expect(throws: ConfigurationProblems.self) { _ = try load(yaml) })?.description ?? "" }
    #expect(problem("http:\n  port: [1,\n").hasPrefix("test.yaml, line 3, column 1: this is not YAML: "))
    #expect(problem("http:\n\tport: 1").hasPrefix("test.yaml, line 2, column 1: this is not YAML: "))
    #expect(problem("http:\n  port: 1\n  port: 2") == "test.yaml: the section at line 2, column 3 has port twice: remove one.")
    #expect(problem("- a\n- b") == "test.yaml must hold keys with values, such as `http:` with `port: 8080` below it.")
    #expect(problem("plans: [{name: free}]") == "plans (test.yaml, line 1) must be a list of single values.")
  }

  @Test("Aliases are refused before anything is made of them, however they are nested")
  func aliases() {
    var bomb = "a: &a0 {x: 1}\n"
    for level in 1...12 { bomb += "b\(level): &a\(level) {" + (0..<9).map { "k\($0): *a\(level - 1)" }.joined(separator: ", ") + "}\n" }
    let keys = "a: &a [x]\nb: &b [*a, *a]\n? [*b, *b]\n: 1"
    for (yaml, line) in [(bomb, 2), (keys, 2), ("http: &h {port: 1}\nhttp2:\n  <<: *h", 3)] {
      let problem = #expect(throws: ConfigurationProblems.self) { _ = try load(yaml) }
      #expect(problem?.description == "test.yaml, line \(line): an alias can't stand here: write the value out.")
    }
    #expect((try? load("public_url: 'https://x.example/*a'").problems.count) == 0, "a star in a text is none")
    let deep = #expect(throws: ConfigurationProblems.self) { _ = try load("a: " + String(repeating: "[", count: 100_000)) }
    #expect(deep?.description.hasPrefix("test.yaml, line 1, column ") == true, "\(deep?.description ?? "")")
  }

  @Test("A host is an address, IPv6 with or without brackets and zone, or a name")
  func hosts() throws {
    let hosts = [
      ("[::1]", "::1"), ("::1", "::1"), ("fe80::1%eth0", "fe80::1%eth0"), ("localhost", "localhost"), ("a-b.example", "a-b.example"),
    ]
    for (written, host) in hosts {
      let loaded = try load("http: {host: \"\(written)\"}")
      #expect(loaded.problems == [] && loaded.settings.http.host == host, "\(written): \(loaded.problems)")
    }
  }

  @Test("A section is a policy, plan, metric or profile of its own: named once, with what it needs alone, behind those that are listed")
  func sections() throws {
    let loaded = try load(
      """
      metrics:
        export:
      plans:
        gold: {allowances: {export: 3}}
      policies:
        search: {by: ip, limit: 5, window: 2m}
      profiles:
        admin: {policies: [api, search]}
      """)
    #expect(loaded.problems == [])
    #expect(loaded.settings.policy("search") == Policy(name: "search", by: .ip, windowSeconds: 120, cells: 60, limits: PlanLimits(5)))
    #expect(loaded.settings.policies.dropLast() == Settings().policies[...])
    #expect(loaded.settings.plans.map(\.name) == ["free", "pro", "coach", "gold"] && loaded.settings.plans.last?.sessionsMax == 10)
    #expect(loaded.settings.metrics.map(\.name) == ["video_analysis", "export"])
    #expect(loaded.settings.profile("admin") == Profile(name: "admin", policies: ["api", "search"]))
    let ordered = try load("plans: {names: [gold, free], gold: {}, free: {sessions_max: 2}, extra: {sessions_max: 1}}")
    #expect(ordered.problems == [])
    #expect(ordered.settings.plans.map(\.name) == ["gold", "free", "extra"])
  }

  @Test("A section without a key is there: {} says what nothing behind the colon says", arguments: ["", " {}", " {\n  }"])
  func emptySection(_ nothing: String) throws {
    let metric = try load("metrics:\n  render:\(nothing)\nplans: {free: {allowances: {render: 7}}}")
    #expect(metric.problems == [] && metric.settings.metrics.map(\.name) == ["video_analysis", "render"])
    #expect(metric.settings.plans.first?.allowances["render"] == .some(7))
    let plan = try load("plans:\n  basic:\(nothing)")
    #expect(plan.problems == [] && plan.settings.plans.last?.name == "basic" && plan.settings.plans.last?.sessionsMax == 10)
    let named = try load("plans:\n  names: [basic, free]\n  basic:\(nothing)")
    #expect(named.problems == [] && named.settings.plans.map(\.name) == ["basic", "free"])
    #expect(try load("profiles:\n  only:\(nothing)").problems == ["profiles.only.policies must be a list, such as [one, two]."])
    #expect(
      try load("policies:\n  calls:\(nothing)").problems
        == ["policies.calls.by is missing.", "policies.calls.limit is missing.", "policies.calls.window is missing."])
    for section in ["http", "plans", "policies", "sessions"] {
      let loaded = try load("\(section):\(nothing)")
      #expect(loaded.problems == [] && loaded.settings == Settings(), "\(section)")
    }
    #expect(try load("sessions:\n  web:\(nothing)").problems == [])
    #expect(try load("plans:\n  free:\n    allowances:\(nothing)").problems == [])
    #expect(
      try load("http:\n  port:\(nothing)").problems == [#"http.port is "" (test.yaml, line 2): it must be a whole number from 0 to 65535."#]
    )
  }

  @Test("All problems are told at once")
  func several() throws { #expect(try load("processes: 0\nzebra: 1\nhttp: {port: x}").problems.count == 3) }

  @Test("The command line wins over the environment, the environment over the file, the file over the defaults")
  func layers() throws {
    let yaml = "http:\n  port: 1\n  ops_port: 2\nprocesses: 3\ntrusted_proxies: [10.0.0.0/8]"
    let loaded = try load(
      yaml,
      environment: [
        "GATEHOUSE_HTTP_PORT": "11", "GATEHOUSE_HTTP_OPS_PORT": "12", "GATEHOUSE_ALLOWED_ORIGINS": "https://a.example.com, http://b:1",
      ],
      flags: ["http.port": "21"])
    #expect(loaded.problems == [])
    #expect(loaded.settings.http.port == 21)
    #expect(loaded.settings.http.opsPort == 12)
    #expect(loaded.settings.processes == 3)
    #expect(loaded.settings.http.trustedProxies == ["10.0.0.0/8"])
    #expect(loaded.settings.http.allowedOrigins == ["https://a.example.com", "http://b:1"])
    #expect(loaded.settings.plans == Settings().plans)
  }

  @Test("A misspelled variable is told; a wrong one is named by its variable; what platforms set for a service of our name is not ours")
  func environment() throws {
    let platform = ["GATEHOUSE_SERVICE_HOST": "10.0.0.1", "GATEHOUSE_PORT": "tcp://10.0.0.1:80", "GATEHOUSE_CONFIG": "x"]
    #expect(try load(environment: platform).problems == [])
    #expect(
      try load(environment: ["GATEHOUSE_LOGN_FLOOR_MS": "5"]).problems
        == ["The environment variable GATEHOUSE_LOGN_FLOOR_MS is not a setting: did you mean GATEHOUSE_LOGIN_FLOOR_MS?"])
    #expect(
      try load(environment: ["GATEHOUSE_POLICIES_API_LIMIT": "many"]).problems
        == [#"policies.api.limit is "many" (GATEHOUSE_POLICIES_API_LIMIT): it must be a whole number from 1 to 1000000000."#])
  }

  @Test("A file names only what it changes: a plan of its own, a metric by month, a policy in shadow")
  func partial() throws {
    let loaded = try load(
      """
      metrics:
        names: [video_analysis, export]
        export: {period: month}
      plans:
        names: [free, gold]
        free: {allowances: {export: 2}}
        gold: {sessions_max: 3, allowances: {video_analysis: unlimited}}
      policies:
        names: [api, login_pair, login_account, login_network, signup_network, mail_account, search]
        search: {by: user, limit: 5, limit_by_plan: {gold: 50}, window: 2m, cells: 10, shadow: true}
      """)
    #expect(loaded.problems == [])
    let table = loaded.settings.allowanceTable
    #expect(table.plans == ["free", "gold"])
    #expect(table.limit(plan: "free", metric: "video_analysis") == 1)
    #expect(table.limit(plan: "free", metric: "export") == 2)
    #expect(table.limit(plan: "gold", metric: "video_analysis") == nil)
    #expect(table.limit(plan: "gold", metric: "export") == 0)
    #expect(table.metric("export")?.kind == .month)
    #expect(
      loaded.settings.policy("search")
        == Policy(name: "search", by: .user, windowSeconds: 120, cells: 10, limits: PlanLimits(5, byPlan: ["gold": 50]), shadow: true))
    #expect(loaded.settings.policy("upload") == nil)
    #expect(loaded.settings.policy("email_change") == Settings().policy("email_change"), "a key that the service counts by needs no name")
    // `pro` and `coach` are no plans any more, so their limits are gone from `api` too.
    #expect(loaded.settings.policy("api")?.limits == PlanLimits(60))
  }

  @Test("Rows are kept for days or forever, each kind by its own key")
  func retention() throws {
    let kept = try load("retention: {usage_events: 30d, audit: forever, reservations: 7d, events: 1d}").settings.retention
    #expect(kept.usageEventDays == 30 && kept.auditDays == nil && kept.reservationDays == 7 && kept.eventDays == 1)
  }

  @Test("A value cannot begin a line of its own in a sentence, nor flood it")
  func quoting() {
    #expect(Quoted.text("a\nb\u{1b}[1m") == "\"a?b?[1m\"")
    #expect(Quoted.text(String(repeating: "x", count: 500)).count < 70)
  }

  @Test("Durations: the units s, m, h and d, and nothing else", arguments: [("90d", 7_776_000), ("24h", 86_400), ("15m", 900), ("0s", 0)])
  func durations(_ text: String, _ seconds: Int64) {
    #expect(DurationText.seconds(text) == seconds)
    #expect(DurationText.seconds(DurationText.text(seconds: seconds)) == seconds)
    for wrong in ["", "d", "1", "-1d", "+1d", "1.5h", "1 d", "1w", "99999999999999999999d", "9223372036854775807d"] {
      #expect(DurationText.seconds(wrong) == nil, "\(wrong)")
    }
  }
}
