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

/// All the wiring of a process.
struct Assembly: Sendable {
  let settings: Settings
  let folder: DataFolder
  let group: MultiThreadedEventLoopGroup
  let ledger: SQLiteLedger
  let redis: RedisClient
  let hot: HotState
  let hashing: HashPool
  let keeper: LeaseKeeper<SQLiteLedger>
  let clock: ServiceClock
  let changes: Changes<SQLiteLedger>
  let api: API<SQLiteLedger>
  let readiness: Readiness
  let log: Logger

  init(settings: Settings, folder: DataFolder, log: Logger) throws {
    let group = MultiThreadedEventLoopGroup.singleton
    let secret = try ServerSecret.loadOrCreate(path: folder.secret)
    let table = settings.allowanceTable
    let allowances: @Sendable () -> AllowanceTable = { table }
    let timeouts: @Sendable (Session.Class) -> SessionTimeouts = { settings.timeouts($0) }
    let ledger = try SQLiteLedger(
      path: folder.ledger, allowances: allowances, timeouts: timeouts,
      onFatal: { _ in
        // Nothing may be acknowledged after a commit of unknown outcome: the file tells at the next start.
        exit(70)
      }, log: log)
    let redis = RedisClient(
      configuration: RedisConfiguration(address: .unix(path: folder.redisSocket), username: "gatehouse", password: "nopass"),
      scripts: Scripts.all, group: group, logger: log)
    let hot = HotState(redis: redis, group: group, plans: allowances, timeouts: timeouts)
    let clock = ServiceClock(wallMilliseconds: Int64(Date().timeIntervalSince1970 * 1000))
    let lease = Lease()
    let keys = KeyRing()
    let changes = Changes(ledger: ledger, hot: hot)
    let limits = SubjectLimits(window: LocalWindow(processes: settings.processes))
    let fallback = LedgerGate(ledger: ledger, clock: clock, limits: limits, allowances: allowances, timeouts: timeouts)
    let gate = Gatekeeper(
      ledger: ledger, hot: hot, lease: lease, clock: clock, changes: changes, fallback: fallback, allowances: allowances, log: log)
    let hashing = HashPool()
    let parameters = Argon2Parameters(memoryKiB: settings.argonMemoryKiB, passes: settings.argonPasses, lanes: 1) ?? .standard
    let loginLimits = LoginLimits(
      limits: limits, hot: hot, lease: lease, subjects: secret.key(.subjects), policy: { settings.policy($0) })
    let accounts = Accounts(
      ledger: ledger, changes: changes, clock: clock, secret: secret, passwords: Passwords(pool: hashing, parameters: parameters),
      limits: loginLimits,
      rules: .init(
        passwords: PasswordRules(minLength: settings.passwordLengthMin), loginFloor: .milliseconds(settings.loginFloorMilliseconds),
        sessionsMax: { settings.sessionsMax(plan: $0) }, timeouts: timeouts, allowances: allowances))
    var contract = API<SQLiteLedger>.Contract()
    contract.trustedProxies = TrustedProxies((settings.http.trustedProxies + ["127.0.0.0/8", "::1"]).compactMap(AddressRange.init))
    contract.allowedOrigins = settings.http.allowedOrigins
    contract.cookieIsSecure = settings.cookieIsSecure
    contract.signUpIsPublic = settings.signUpIsPublic
    let readiness = Readiness()
    self.settings = settings
    self.folder = folder
    self.group = group
    self.ledger = ledger
    self.redis = redis
    self.hot = hot
    self.hashing = hashing
    self.clock = clock
    self.changes = changes
    self.readiness = readiness
    self.log = log
    keeper = LeaseKeeper(ledger: ledger, hot: hot, lease: lease, keys: keys, clock: clock)
    api = API(
      ledger: ledger, gate: gate, accounts: accounts, changes: changes, limits: limits, loginLimits: loginLimits, hot: hot, lease: lease,
      clock: clock, keys: keys, secret: secret, allowances: allowances, policy: { settings.policy($0) }, timeouts: timeouts,
      contract: contract, readiness: readiness)
  }
}
