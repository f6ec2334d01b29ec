import Foundation
import GatehouseCore
import GatehouseCrypto
import GatehouseHTTP
import GatehouseLedger
import GatehouseRedis
import LedgerSQLite
import Logging
import NIOCore
import NIOPosix
import RedisClient
import Synchronization

/// All the wiring of a process.
final class Assembly: Sendable {
  /// The responder of each listener, and the origins and proxies that are believed, by the settings in force.
  final class Responders: Sendable {
    let `public`, operations, owner: Edge
    /// The public listener's short way for the gate and for proxies.
    let fast: FastPath
    let crossOrigin: CrossOrigin
    let trustedProxies: TrustedProxies

    init(_ api: API, crossOrigin: CrossOrigin, trustedProxies: TrustedProxies) {
      `public` = api.publicResponder()
      operations = api.operationsResponder(.key)
      owner = api.operationsResponder(.owner)
      fast = FastPath(api)
      self.crossOrigin = crossOrigin
      self.trustedProxies = trustedProxies
    }
  }

  /// The exit status of a process whose ledger stopped: nothing more may be acknowledged.
  static let statusAfterLedger: Int32 = 70

  let live: LiveSettings
  let folder: DataFolder
  let group = MultiThreadedEventLoopGroup.singleton
  let ledger: SQLLedger
  let redis: RedisClient
  let clock: ServiceClock
  let domain: Domain
  let readiness = Readiness()
  let hashing = HashPool()
  let loginFloor: LoginFloor
  let refusals: RefusalLog
  let orphans = OrphanedRequests()
  let log: Logger

  let secret: LiveSecret
  let hot: HotState
  let lease = Lease()
  private let exports: Exports
  private let current: Mutex<Responders?> = Mutex(nil)

  /// The losses that an operator accepts at a start.
  struct Accepted: Sendable {
    /// A ledger is made though something shows that there was one.
    var newLedger = false
    /// A secret is taken that can't verify what the ledger's sessions have, or made for them.
    var newSecret = false
  }

  /// - Parameter accepted: what may be made anew.
  init(settings: Settings, folder: DataFolder, accepted: Accepted = Accepted(), log: Logger) throws {
    let live = LiveSettings(settings)
    let clock = ServiceClock(wallMilliseconds: ServiceClock.hostMilliseconds)
    self.live = live
    self.clock = clock
    self.folder = folder
    self.log = log
    exports = Exports(folder: folder.path)
    loginFloor = LoginFloor(pool: hashing, log: log)
    refusals = RefusalLog(log: log)
    try Self.checkMemory(settings, threads: hashing.threads)
    var options = SQLiteOptions()
    options.companions = [folder.secretName]
    options.acceptsNew = accepted.newLedger
    options.cacheBytes = settings.ledgerCacheMiB << 20
    let database = try LedgerDatabase.sqlite(
      path: folder.ledger, options: options,
      onFatal: { _ in
        // Nothing may be acknowledged after a commit of unknown outcome: the file tells at the next start. Not exit(), which takes
        // down what OpenSSL and others keep while threads still use it.
        LogSink.standardError.flush(within: LogSink.endPatience)
        _exit(Self.statusAfterLedger)
      }, log: log)
    secret = LiveSecret(try SecretRules(path: folder.secret, ledger: database, acceptsNew: accepted.newSecret).secret())
    ledger = try SQLLedger(database: database, secret: secret, rules: live, isQuiet: { clock.isQuiet }, log: log)
    var server = RedisConfiguration(address: .unix(path: folder.redisSocket), username: "gatehouse", password: "nopass")
    // The quarantine of a term counts on it: no later answer is used.
    server.commandDeadline = .milliseconds(Lease.commandDeadlineMilliseconds)
    // As often as the lease is polled: a Redis that was put on another timeline in place is believed no longer than that.
    server.timelineInterval = .nanoseconds(Lease.pollIntervalMilliseconds * 1_000_000)
    redis = RedisClient(
      configuration: server, scripts: Scripts.all, group: group, logger: log)
    hot = HotState(redis: redis, group: group, rules: live, clock: clock)
    domain = Domain(
      ledger: ledger, hot: hot, lease: lease, clock: clock, rules: live, secret: secret,
      passwords: Passwords(pool: hashing, floor: loginFloor, rules: live), subjects: ledger.subjects, processes: settings.processes,
      log: log, onDecision: GateMetrics().count)
    try apply(settings)
  }

  /// No other process has the folder's ledger open: whatever Redis was registered, nobody serves from it. The one that answers is then
  /// used at once.
  func isAlone() async {
    do { try await ledger.vacate() } catch {
      log.warning("The ledger can't be written: Redis is used a little later than it could be", metadata: ["error": "\(error)"])
    }
  }

  var leasePolls: LeasePolls { LeasePolls(keeper: domain.keeper, log: log) }

  /// Puts settings in force: requests that come from now on are answered by them.
  func apply(_ settings: Settings) throws {
    try Self.checkMemory(settings, threads: hashing.threads)
    let crossOrigin = CrossOrigin(origins: settings.http.origins)
    let trustedProxies = TrustedProxies(settings.http.trustedProxies.compactMap(AddressRange.init))
    let next = Responders(api(settings, trustedProxies), crossOrigin: crossOrigin, trustedProxies: trustedProxies)
    live.replace(with: settings)
    current.withLock { $0 = next }
  }

  /// Goes on with the time that the ledger keeps: before anything is answered.
  func startClock() async throws {
    let poll = try await ledger.leasePoll()
    clock.follow(poll.clock, newestStampMilliseconds: poll.newestStampMilliseconds)
    clock.saw(hostMilliseconds: ServiceClock.hostMilliseconds)
  }

  /// Throws a sentence for a cost of hashing that the process has no memory for: tried before it is taken.
  private static func checkMemory(_ settings: Settings, threads: Int) throws {
    guard !settings.passwordCost.fits(threads: threads) else { return }
    throw ConfigurationProblems(sentences: [
      "password.argon_memory_kib is \(settings.argonMemoryKiB): \(threads) hashing thread\(threads == 1 ? "" : "s") at once would need more "
        + "memory than this process may have. Lower it, or allow the process more."
    ])
  }

  /// The responders in force.
  var responders: Responders? { current.withLock { $0 } }

  private func api(_ settings: Settings, _ trustedProxies: TrustedProxies) -> API {
    var contract = API.Contract()
    contract.trustedProxies = trustedProxies
    contract.allowedOrigins = settings.http.origins
    contract.cookieIsSecure = settings.cookieIsSecure
    contract.signUpIsPublic = settings.signUpIsPublic
    contract.signUpTells = settings.signUpTells
    return API(
      domain: domain, rules: live, secret: secret.now, contract: contract, readiness: readiness, refusals: refusals, exports: exports)
  }
}
