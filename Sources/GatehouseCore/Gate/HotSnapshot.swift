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
  /// The user's plan as the ledger has it, "" once it has ended. The configuration's view of it is looked up at each answer: a
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
