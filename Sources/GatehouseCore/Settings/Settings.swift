import GatehouseCrypto
import Logging

/// The configuration of a process: every value has a default, and the defaults run the quick start.
public struct Settings: Sendable, Equatable {
  /// Where a process listens, and for whom.
  public struct HTTP: Sendable, Equatable {
    /// The address or name of this machine where the public listener listens; `0.0.0.0` for all.
    public var host = "127.0.0.1"
    /// The public listener's port, 0 to 65535; 0 takes any free one.
    public var port = 8080
    /// The address or name of this machine where the ops listener listens.
    public var opsHost = "127.0.0.1"
    /// The ops listener's port, 0 to 65535; 0 takes any free one.
    public var opsPort = 9080
    /// Connections of the public listener; beyond it new ones wait in the backlog.
    public var connectionsMax = 20_000
    /// Connections of one client that is no trusted proxy; 0 for any number.
    public var connectionsPerAddress = 500
    /// How long running requests may take after SIGTERM before they are cut off.
    public var drainSeconds = 10
    /// The service's address as its users see it; empty without a proxy.
    public var publicURL = ""
    /// Peers whose `X-Forwarded-For` is believed.
    public var trustedProxies = ["127.0.0.0/8", "::1"]
    /// Origins that may read answers and use the cookie from elsewhere.
    public var allowedOrigins: [String] = []
  }

  /// A plan and what it gives.
  public struct Plan: Sendable, Equatable {
    /// The plan's name: at most 32 of `a-z`, `0-9` and `_`, beginning with a letter.
    public var name: String
    /// Live sessions of one user, 1 to 100; beyond them the least recently seen end.
    public var sessionsMax: Int
    /// Units a period by metric; nil is unlimited, a metric that is missing is not given.
    public var allowances: [String: Int64?]
    /// A plan; each metric in `allowances` must be one of the configuration.
    public init(name: String, sessionsMax: Int, allowances: [String: Int64?]) {
      self.name = name
      self.sessionsMax = sessionsMax
      self.allowances = allowances
    }
  }

  /// How long rows are kept that nobody needs for a decision, in days; nil keeps them.
  public struct Retention: Sendable, Equatable {
    /// Days from a usage event until it may go; nil keeps the history for good.
    public var usageEventDays: Int?
    /// Days from an entry of the audit trail until it may go; nil keeps the trail for good.
    public var auditDays: Int? = 400
    /// After their end; their units stay counted.
    public var reservationDays: Int? = 90
    /// How far the feed of events reaches back.
    public var eventDays: Int? = 30
  }

  /// The listeners, and the clients that they believe.
  public var http = HTTP()
  /// The folder of secret, ledger, Redis's files and ops sockets: a path of at most 86 bytes.
  public var dataFolder = "data"
  /// How many processes share the rate limits, 1 to 1000: each allows its share of a limit while Redis is away.
  public var processes = 1
  /// Memory in MiB for pages of the ledger, 4 to 65536: half of it the writer's, half of it shared by the connections that read.
  public var ledgerCacheMiB = 32
  /// The least severe lines that are written.
  public var logLevel = Logger.Level.info
  /// Whether anybody may sign up; false for service keys of scope `accounts` alone.
  public var signUpIsPublic = true
  /// Whether a sign-up without a key is told that its address has an account; see `Accounts.requestSignUp` for the other way.
  public var signUpTells = true
  /// Beside what is measured, which holds in any case.
  public var loginFloorMillisecondsMin = 0
  /// Characters that a new password has at least, 8 to 64.
  public var passwordLengthMin = 8
  /// How long a mailed token is good.
  public var mailTokenSeconds: Int64 = 3_600
  /// Memory of a new Argon2id hash in KiB, 8 to 1048576; older hashes are replaced at their user's next login.
  public var argonMemoryKiB = 19_456
  /// Passes of a new Argon2id hash, 1 to 64.
  public var argonPasses = 2
  /// Whether the cookie is for encrypted connections alone; false is for trying things out on loopback.
  public var cookieIsSecure = true
  /// How long rows are kept that nobody needs for a decision.
  public var retention = Retention()
  /// The things that are counted, each of a name of its own; the first is meant by a call that names none.
  public var metrics: [AllowanceTable.Metric] = [.init(name: "video_analysis", kind: .day)]
  /// The default plan first.
  public var plans: [Plan] = [
    Plan(name: "free", sessionsMax: 10, allowances: ["video_analysis": 1]),
    Plan(name: "pro", sessionsMax: 25, allowances: ["video_analysis": nil]),
    Plan(name: "coach", sessionsMax: 25, allowances: ["video_analysis": nil]),
  ]
  /// The rate limits, each of a name of its own; those of `Policy.Internal` are always among them once a configuration was read.
  public var policies: [Policy] = [
    Policy(name: "api", by: .user, windowSeconds: 60, cells: 60, limits: PlanLimits(60, byPlan: ["pro": 600, "coach": 600])),
    Policy(name: "upload", by: .user, windowSeconds: 3_600, cells: 60, limits: PlanLimits(10, byPlan: ["pro": 100, "coach": 100])),
    Policy(name: "login_pair", by: .subject, windowSeconds: 900, cells: 250, limits: PlanLimits(10)),
    Policy(name: "login_account", by: .subject, windowSeconds: 3_600, cells: 250, limits: PlanLimits(100)),
    Policy(name: "login_network", by: .ip, windowSeconds: 900, cells: 250, limits: PlanLimits(60)),
    Policy(name: "signup_network", by: .ip, windowSeconds: 3_600, cells: 60, limits: PlanLimits(10)),
    Policy(name: "mail_account", by: .subject, windowSeconds: 3_600, cells: 60, limits: PlanLimits(3)),
    Policy(name: "email_change", by: .subject, windowSeconds: 3_600, cells: 60, limits: PlanLimits(10)),
  ]
  /// The profiles that proxies may ask for at `/v1/auth/{profile}`.
  public var profiles: [Profile] = [Profile(name: "api", policies: ["api"])]
  /// How long sessions live, by their class.
  public var timeouts: [SessionClass: SessionTimeouts] = [
    .web: SessionTimeouts(idleMilliseconds: Day.milliseconds, absoluteMilliseconds: 7 * Day.milliseconds),
    .remember: SessionTimeouts(idleMilliseconds: 14 * Day.milliseconds, absoluteMilliseconds: 30 * Day.milliseconds),
    .mobile: SessionTimeouts(idleMilliseconds: 30 * Day.milliseconds, absoluteMilliseconds: 90 * Day.milliseconds),
  ]

  /// The defaults.
  public init() {}

  /// How long the sessions of a class live; a day idle and a week in all for a class that is not configured.
  public func timeouts(_ kind: SessionClass) -> SessionTimeouts {
    timeouts[kind] ?? SessionTimeouts(idleMilliseconds: Day.milliseconds, absoluteMilliseconds: 7 * Day.milliseconds)
  }

  /// The rate limit of a name; nil without one.
  public func policy(_ name: String) -> Policy? { policies.first { $0.name == name } }

  /// The profile of a name; nil without one.
  public func profile(_ name: String) -> Profile? { profiles.first { $0.name == name } }

  /// The cost of the hashes that are made now; the standard one where the configured costs are none that Argon2 takes.
  public var passwordCost: Argon2Parameters { Argon2Parameters(memoryKiB: argonMemoryKiB, passes: argonPasses, lanes: 1) ?? .standard }

  /// The allowances of each plan.
  public var allowanceTable: AllowanceTable {
    var rules: [String: [String: AllowanceTable.Rule]] = [:]
    for plan in plans { rules[plan.name] = plan.allowances.mapValues { AllowanceTable.Rule(limit: $0) } }
    return AllowanceTable(defaultPlan: plans.first?.name ?? "free", plans: plans.map(\.name), metrics: metrics, rules: rules)
  }

  /// Live sessions of a user whose plan this is; those of the default plan for one that is not configured.
  public func sessionsMax(plan: String) -> Int { plans.first { $0.name == plan }?.sessionsMax ?? plans.first?.sessionsMax ?? 10 }

  /// The keys whose values differ from `other`'s and take effect only when a process starts.
  public func keysThatNeedRestart(since other: Settings) -> [String] {
    let pairs: [(String, Bool)] = [
      ("data", dataFolder == other.dataFolder), ("processes", processes == other.processes),
      ("ledger.cache_mib", ledgerCacheMiB == other.ledgerCacheMiB), ("http.host", http.host == other.http.host),
      ("http.port", http.port == other.http.port), ("http.ops_host", http.opsHost == other.http.opsHost),
      ("http.ops_port", http.opsPort == other.http.opsPort),
      ("http.connections_max", http.connectionsMax == other.http.connectionsMax),
      ("http.drain", http.drainSeconds == other.http.drainSeconds),
    ]
    return pairs.filter { !$0.1 }.map(\.0)
  }
}
