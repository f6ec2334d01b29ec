/// All of a user's state that Redis holds a copy of, read in one transaction of the ledger. Instants are milliseconds.
public struct HotSnapshot: Sendable, Equatable {
  /// The standing with one metric: reservations whose lease is over count as returned.
  public struct Quota: Sendable, Equatable {
    public let metric: String
    public let period: Period
    public let used: Int64
    public let held: Int64
    /// The earliest lease end among the open reservations, nil if there is none.
    public let leaseEndsAtMilliseconds: Int64?
    /// A limit of the user's own in place of the plan's: `.some(nil)` is unlimited.
    public let override: Int64??
    public let bonus: Int64

    public init(metric: String, period: Period, used: Int64, held: Int64, leaseEndsAtMilliseconds: Int64?, override: Int64??, bonus: Int64)
    {
      self.metric = metric
      self.period = period
      self.used = used
      self.held = held
      self.leaseEndsAtMilliseconds = leaseEndsAtMilliseconds
      self.override = override
      self.bonus = bonus
    }
  }

  public let user: User
  /// The user's plan as the ledger has it, "" once it has ended. What the configuration makes of it is looked up at each answer: a
  /// configuration that lacks a plan or a metric for a moment must leave nothing behind.
  public let plan: String
  /// Sessions that are neither ended nor past their absolute or idle end, once for each of their live tokens.
  public let sessions: [Session]
  public let quotas: [Quota]
  /// When the copy must be made anew at the latest: the next period end, plan end, override or grant end, or end of a rotation grace.
  public let validUntilMilliseconds: Int64

  public init(user: User, plan: String, sessions: [Session], quotas: [Quota], validUntilMilliseconds: Int64) {
    self.user = user
    self.plan = plan
    self.sessions = sessions
    self.quotas = quotas
    self.validUntilMilliseconds = validUntilMilliseconds
  }
}

/// A user whose hot state must be dropped: `sequence` tells later changes of the same user apart.
public struct PendingChange: Sendable, Hashable {
  public let routingID: String
  public let sequence: Int64
  public init(routingID: String, sequence: Int64) {
    self.routingID = routingID
    self.sequence = sequence
  }
}

/// What a process reads every 100 ms, in one transaction, before it may go on serving from Redis.
public struct LeasePoll: Sendable, Equatable {
  public let pending: [PendingChange]
  /// Whether these are all: with more than one poll's bound the lease is not renewed until they are.
  public let isWhole: Bool
  /// Part of the epoch; rises with "end everyone's sessions" and with a restore of the ledger.
  public let era: Int64
  /// Rises with every change of the service keys.
  public let serviceKeysVersion: Int64
  /// The newest instant that a change was stamped with.
  public let newestStampMilliseconds: Int64
  /// What the ledger keeps of the time; nil before any clock was believed.
  public let clock: ClockRecord?
  /// Rises with every change that Redis could hold: smaller than before, the ledger is an older one.
  public let changeSequence: Int64
  /// The version of the registered timelines.
  public let topology: Int64
  /// The Redis that is registered; nil before the first.
  public let node: HotNode?

  public init(
    pending: [PendingChange], isWhole: Bool, era: Int64, serviceKeysVersion: Int64, newestStampMilliseconds: Int64, clock: ClockRecord?,
    changeSequence: Int64, topology: Int64, node: HotNode?
  ) {
    self.changeSequence = changeSequence
    self.topology = topology
    self.node = node
    self.pending = pending
    self.isWhole = isWhole
    self.era = era
    self.serviceKeysVersion = serviceKeysVersion
    self.newestStampMilliseconds = newestStampMilliseconds
    self.clock = clock
  }
}

/// A change that is durable, and the hot state that must now be dropped.
public struct Changed<Value: Sendable>: Sendable {
  public let value: Value
  /// Empty when nothing of a user's hot state changed.
  public let pending: [PendingChange]
  public init(_ value: Value, pending: [PendingChange]) {
    self.value = value
    self.pending = pending
  }
}
