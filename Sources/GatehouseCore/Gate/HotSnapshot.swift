/// All of a user's state that Redis holds a copy of, read in one transaction of the ledger. Instants are milliseconds.
public struct HotSnapshot: Sendable, Equatable {
  /// The standing with one metric: reservations whose lease is over count as returned.
  public struct Quota: Sendable, Equatable {
    /// The metric that is counted.
    public let metric: String
    /// The period that is open, in which the units were counted.
    public let period: Period
    /// Units committed in the period.
    public let used: Int64
    /// Units of open reservations of the period whose lease goes on.
    public let held: Int64
    /// The earliest lease end among the open reservations, nil if there is none.
    public let leaseEndsAtMilliseconds: Int64?
    /// A limit of the user's own in place of the plan's: `.some(nil)` is unlimited.
    public let override: Int64??
    /// Units on top of the limit that are granted now; 0 without any.
    public let bonus: Int64

    /// A standing, read in the transaction of its snapshot.
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

  /// The account as the ledger has it.
  public let user: User
  /// The user's plan as the ledger has it, "" once it has ended. The configuration's view of it is looked up at each answer: a
  /// configuration that lacks a plan or a metric for a moment must leave nothing behind.
  public let plan: String
  /// Sessions that are neither ended nor past their absolute or idle end, once for each of their live tokens.
  public let sessions: [Session]
  /// The standing with each metric of the configuration, in its open period.
  public let quotas: [Quota]
  /// When the copy must be made anew at the latest: the next period end, plan end, override or grant end, or end of a rotation grace.
  public let validUntilMilliseconds: Int64

  /// A snapshot; all parts must be read in one transaction of the ledger.
  public init(user: User, plan: String, sessions: [Session], quotas: [Quota], validUntilMilliseconds: Int64) {
    self.user = user
    self.plan = plan
    self.sessions = sessions
    self.quotas = quotas
    self.validUntilMilliseconds = validUntilMilliseconds
  }
}
