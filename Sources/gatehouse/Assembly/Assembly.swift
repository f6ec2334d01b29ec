import Foundation
import GatehouseCore
import GatehouseCrypto
import GatehouseHTTP
import GatehouseLedger
import GatehouseRedis
import Logging
import NIOCore
import NIOPosix
import RedisClient
import Synchronization

/// All the wiring of a process.
final class Assembly: Sendable {
  /// What answers on each listener, by the settings in force.
  struct Responders: Sendable {
    let `public`, operations, owner: Edge
  }

  let live: LiveSettings
  let folder: DataFolder
  let group = MultiThreadedEventLoopGroup.singleton
  let ledger: SQLiteLedger
  let redis: RedisClient
  let keeper: LeaseKeeper<SQLiteLedger>
  let clock: ServiceClock
  let changes: Changes<SQLiteLedger>
  let readiness = Readiness()
  let hashing = HashPool()
  let loginFloor: LoginFloor
  let refusals: RefusalLog
  let log: Logger

  let secret: LiveSecret
  let hot: HotState
  let lease = Lease()
  private let exports: Exports
  private let keys = KeyRing()
  private let limits: SubjectLimits
  private let gate: Gatekeeper<SQLiteLedger>
  private let current: Mutex<Responders?> = Mutex(nil)

  /// - Parameter acceptsNewSecret: whether a secret is taken that can't verify what the ledger's sessions have, or made for them.
  init(settings: Settings, folder: DataFolder, acceptsNewSecret: Bool = false, log: Logger) throws {
    let live = LiveSettings(settings)
    let allowances: @Sendable () -> AllowanceTable = { live.now.allowances }
    let timeouts: @Sendable (Session.Class) -> SessionTimeouts = { live.settings.timeouts($0) }
    let clock = ServiceClock(wallMilliseconds: ServiceClock.hostMilliseconds)
    self.live = live
    self.clock = clock
    self.folder = folder
    self.log = log
    exports = Exports(folder: folder.path)
    loginFloor = LoginFloor(pool: hashing, log: log)
    refusals = RefusalLog(log: log)
    try Self.checkMemory(settings, threads: hashing.threads)
    let file = try LedgerFile(
      path: folder.ledger,
      onFatal: { _ in
        // Nothing may be acknowledged after a commit of unknown outcome: the file tells at the next start. Not exit(), which takes
        // down what OpenSSL and others keep while threads still use it.
        LogSink.standardError.flush(within: LogSink.endPatience)
        _exit(70)
      }, log: log)
    secret = LiveSecret(try SecretRules(path: folder.secret, file: file, acceptsNew: acceptsNewSecret).secret())
    ledger = try SQLiteLedger(
      file: file, secret: secret,
      retention: {
        let kept = live.settings.retention
        return LedgerRetention(
          usageEventDays: kept.usageEventDays, auditDays: kept.auditDays, reservationDays: kept.reservationDays,
          eventDays: kept.eventDays)
      }, allowances: allowances, timeouts: timeouts, isQuiet: { clock.isQuiet }, log: log)
    var server = RedisConfiguration(address: .unix(path: folder.redisSocket), username: "gatehouse", password: "nopass")
    // As often as the lease is polled: a Redis that was put on another timeline in place is believed no longer than that.
    server.timelineInterval = .nanoseconds(Lease.pollIntervalMilliseconds * 1_000_000)
    redis = RedisClient(
      configuration: server, scripts: Scripts.all, group: group, logger: log)
    hot = HotState(redis: redis, group: group, plans: allowances, timeouts: timeouts, clock: clock)
    changes = Changes(ledger: ledger, hot: hot, lease: lease)
    limits = SubjectLimits(window: LocalWindow(processes: settings.processes))
    let fallback = LedgerGate(ledger: ledger, clock: clock, limits: limits, allowances: allowances, timeouts: timeouts)
    gate = Gatekeeper(
      ledger: ledger, hot: hot, lease: lease, clock: clock, changes: changes, fallback: fallback, allowances: allowances, log: log,
      onDecision: GateMetrics().count)
    keeper = LeaseKeeper(ledger: ledger, hot: hot, lease: lease, changes: changes, keys: keys, clock: clock, log: log)
    try apply(settings)
  }

  /// No other process has the folder's ledger open: whatever Redis was registered, nobody serves from it. The one that answers is then
  /// used at once.
  func isAlone() async {
    do { try await ledger.vacate() } catch {
      log.warning("The ledger can't be written: Redis is used a little later than it could be", metadata: ["error": "\(error)"])
    }
  }

  var leasePolls: LeasePolls { LeasePolls(keeper: keeper, log: log) }

  /// Puts settings in force: requests that come from now on are answered by them.
  func apply(_ settings: Settings) throws {
    try Self.checkMemory(settings, threads: hashing.threads)
    let api = api(settings)
    let next = Responders(
      public: api.publicResponder(), operations: api.operationsResponder(.key), owner: api.operationsResponder(.owner))
    live.replace(with: settings)
    current.withLock { $0 = next }
  }

  /// Goes on with the time that the ledger keeps: before anything is answered.
  func startClock() async throws {
    let poll = try await ledger.leasePoll()
    clock.follow(poll.clock, newestStampMilliseconds: poll.newestStampMilliseconds)
  }

  /// Throws a sentence for a cost of hashing that the process has no memory for: tried before it is taken.
  private static func checkMemory(_ settings: Settings, threads: Int) throws {
    guard !settings.argon2.fits(threads: threads) else { return }
    throw ConfigurationProblems(sentences: [
      "password.argon_memory_kib is \(settings.argonMemoryKiB): \(threads) hashing thread\(threads == 1 ? "" : "s") at once would need more "
        + "memory than this process may have. Lower it, or allow the process more."
    ])
  }

  /// Whether Redis may forget what it counts.
  var memory: HotMemory { limits.memory }

  /// The responders in force.
  var responders: Responders? { current.withLock { $0 } }

  private func api(_ settings: Settings) -> API<SQLiteLedger> {
    let live = live
    let allowances: @Sendable () -> AllowanceTable = { live.now.allowances }
    let timeouts: @Sendable (Session.Class) -> SessionTimeouts = { live.settings.timeouts($0) }
    let policy: @Sendable (String) -> Policy? = { live.settings.policy($0) }
    let loginLimits = LoginLimits(limits: limits, hot: hot, lease: lease, subjects: ledger.subjects, policy: policy)
    let secret = secret.now
    let accounts = Accounts(
      ledger: ledger, changes: changes, clock: clock, secret: secret,
      passwords: Passwords(pool: hashing, floor: loginFloor, parameters: settings.argon2), limits: loginLimits,
      rules: .init(
        passwords: PasswordRules(minLength: settings.passwordLengthMin), loginFloorMin: .milliseconds(settings.loginFloorMillisecondsMin),
        sessionsMax: { live.settings.sessionsMax(plan: $0) }, timeouts: timeouts, allowances: allowances,
        mailMilliseconds: settings.mailTokenSeconds * 1000))
    var contract = API<SQLiteLedger>.Contract()
    contract.trustedProxies = LiveSettings.Version(settings).trustedProxies
    contract.allowedOrigins = settings.http.origins
    contract.cookieIsSecure = settings.cookieIsSecure
    contract.signUpIsPublic = settings.signUpIsPublic
    contract.signUpTells = settings.signUpTells
    contract.exports = exports
    return API(
      ledger: ledger, gate: gate, accounts: accounts, changes: changes, limits: limits, loginLimits: loginLimits, hot: hot, lease: lease,
      clock: clock, keys: keys, secret: secret, allowances: allowances, policy: policy, profile: { live.settings.profile($0) },
      timeouts: timeouts, contract: contract, readiness: readiness, refusals: refusals)
  }
}
