import GatehouseCrypto
import Logging

/// All that can be asked of a process of Gatehouse. When one of these calls returns, its value is true: a change is
/// durable, and where it takes rights away, no process acts by what was before it.
public struct Domain: Sendable {
  /// Decides calls: from Redis while it is believed, else from the ledger.
  public let gate: Gatekeeper
  /// Makes, changes, finds and deletes accounts, and the mails about them.
  public let accounts: Accounts
  /// Logs users in, reads and rotates their sessions, and ends them.
  public let sessions: Sessions
  /// Commits, releases and extends reservations, runs analyses, and reads the usage history.
  public let work: Work
  /// The accounts' events, for the app's backend.
  public let feed: Feed
  /// Makes, checks and revokes service keys.
  public let keys: ServiceKeys
  /// Counts the app's own addresses and subjects under its policies.
  public let limits: AppLimits
  /// The remedies of an operator when a clock or a Redis has gone wrong.
  public let recovery: Recovery
  /// The time that every deadline and period of this process is computed from.
  public let clock: ServiceClock
  /// Polls the ledger: no process serves from Redis without it.
  public let keeper: LeaseKeeper
  /// Whether Redis may forget what it counts.
  public let memory: HotMemory

  private let ledger: any Ledger
  private let hot: any HotStore
  private let lease: Lease

  /// - Parameters:
  ///   - subjects: makes the digests of what limits count; the same for as long as the ledger lives.
  ///   - processes: how many processes share the rate limits while Redis is away.
  ///   - onDecision: see `Gatekeeper`.
  public init(
    ledger: any Ledger, hot: any HotStore, lease: Lease, clock: ServiceClock, rules: any LiveRules, secret: LiveSecret,
    passwords: Passwords, subjects: MacKey, processes: Int, log: Logger,
    onDecision: @escaping @Sendable (Result<GateAnswer, ServiceError>) -> Void = { _ in }
  ) {
    let changes = Changes(ledger: ledger, hot: hot, lease: lease)
    let counts = SubjectLimits(window: LocalWindow(processes: processes))
    let logins = LoginLimits(limits: counts, hot: hot, lease: lease, subjects: subjects, rules: rules)
    let ring = KeyRing()
    let fallback = LedgerGate(ledger: ledger, clock: clock, limits: counts, rules: rules)
    self.ledger = ledger
    self.hot = hot
    self.lease = lease
    self.clock = clock
    memory = counts.memory
    gate = Gatekeeper(
      ledger: ledger, hot: hot, lease: lease, clock: clock, changes: changes, fallback: fallback, rules: rules, log: log,
      onDecision: onDecision)
    accounts = Accounts(ledger: ledger, changes: changes, clock: clock, passwords: passwords, limits: logins, rules: rules)
    sessions = Sessions(
      ledger: ledger, changes: changes, clock: clock, secret: secret, passwords: passwords, limits: logins, rules: rules)
    work = Work(ledger: ledger, changes: changes, clock: clock)
    feed = Feed(ledger: ledger)
    keys = ServiceKeys(ledger: ledger, ring: ring, changes: changes, clock: clock)
    limits = AppLimits(limits: counts, hot: hot, lease: lease, key: subjects)
    recovery = Recovery(ledger: ledger, hot: hot, changes: changes, clock: clock)
    keeper = LeaseKeeper(ledger: ledger, hot: hot, lease: lease, changes: changes, follower: keys, clock: clock, log: log)
  }

  /// Reads one account in one snapshot; see `ExportLedger`.
  public func export<T: Sendable>(
    of user: UserID, _ body: @escaping @Sendable (any AccountRecords) throws -> T
  ) async throws -> T { try await ledger.export(of: user, body) }
}

extension Domain {
  /// The parts that work now.
  public struct Health: Sendable, Equatable {
    /// Whether Redis may serve. Without it the ledger does.
    public let redisIsUp: Bool
    /// Whether Redis answers what is needed of it with errors. The ledger does what it refuses.
    public let redisRefuses: Bool
    /// Whether Redis may forget what it counts: rate limits are then kept in each process as well.
    public let redisMayForget: Bool
    /// Without the ledger nothing is answered.
    public let ledgerIsUp: Bool
    /// False during an alarm: time goes on without Redis's clock.
    public let clockIsBelieved: Bool
  }

  /// The parts that work now; no round trip.
  public var health: Health {
    Health(
      redisIsUp: hot.isUsable && lease.isHeld, redisRefuses: hot.refuses, redisMayForget: memory.mayForget, ledgerIsUp: ledger.isUp,
      clockIsBelieved: clock.believesRedis)
  }
}
