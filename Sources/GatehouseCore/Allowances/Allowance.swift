/// Where a user stands with one metric in the period that is open: limits and counts are units, instants milliseconds.
public struct Allowance: Sendable, Equatable {
  /// The metric that is counted, by its name in the configuration.
  public let metric: String
  /// Units a period, bonus not included; nil is unlimited.
  public let limit: Int64?
  /// Units on top of `limit` that were granted to this user and are in force now; 0 without any.
  public let bonus: Int64
  /// Units committed in this period.
  public let used: Int64
  /// Units of reservations that are open: neither used nor free.
  public let held: Int64
  /// The start of the period that is counted, in milliseconds since 1970 UTC.
  public let periodStartsAtMilliseconds: Int64
  /// The end of that period, exclusive: the next one begins with nothing used.
  public let resetsAtMilliseconds: Int64

  /// A standing; counts are never negative, and the period is the one that they were counted in.
  public init(
    metric: String, limit: Int64?, bonus: Int64 = 0, used: Int64, held: Int64, periodStartsAtMilliseconds: Int64,
    resetsAtMilliseconds: Int64
  ) {
    self.metric = metric
    self.limit = limit
    self.bonus = bonus
    self.used = used
    self.held = held
    self.periodStartsAtMilliseconds = periodStartsAtMilliseconds
    self.resetsAtMilliseconds = resetsAtMilliseconds
  }

  /// Units that can still be reserved; nil is unlimited.
  public var remaining: Int64? { limit.map { max(0, $0 + bonus - used - held) } }

  /// Units of the whole period, bonus included; nil is unlimited.
  public var total: Int64? { limit.map { $0 + bonus } }

  /// Whether `amount` units would fit if none were taken: if not, no wait helps.
  public func everAdmits(_ amount: Int64) -> Bool { total.map { amount <= $0 } ?? true }

  /// Whether `amount` more units fit.
  public func admits(_ amount: Int64) -> Bool { limit.map { used + held + amount <= $0 + bonus } ?? true }
}

/// The allowance table of the configuration: what each plan gives of each metric.
public struct AllowanceTable: Sendable, Equatable {
  /// The units that one plan gives of one metric.
  public struct Rule: Sendable, Equatable {
    /// Units a period; nil is unlimited.
    public let limit: Int64?
    /// A rule of so many units a period; nil is unlimited.
    public init(limit: Int64?) { self.limit = limit }
  }

  /// The plan of new users and of plans that ended or are no longer configured.
  public let defaultPlan: String
  /// Every plan, the default one first.
  public let plans: [String]
  /// Every metric, in the order of the configuration, with the kind of its period.
  public let metrics: [Metric]
  private let rules: [String: [String: Rule]]

  /// A thing that is counted, and over which kind of period.
  public struct Metric: Sendable, Equatable {
    /// The metric's name in the configuration: at most 32 of `a-z`, `0-9` and `_`.
    public let name: String
    /// The span after which the count starts again at zero.
    public let kind: Period.Kind
    /// A metric of a name that no other metric of the table has.
    public init(name: String, kind: Period.Kind) {
      self.name = name
      self.kind = kind
    }
  }

  /// A table whose `plans` begin with `defaultPlan`; `rules` are by plan, then by metric.
  public init(defaultPlan: String, plans: [String], metrics: [Metric], rules: [String: [String: Rule]]) {
    self.defaultPlan = defaultPlan
    self.plans = plans
    self.metrics = metrics
    self.rules = rules
  }

  /// The metric of a name; nil if the configuration has none.
  public func metric(_ name: String) -> Metric? { metrics.first { $0.name == name } }

  /// A configured plan as it is, any other as the default.
  public func known(_ plan: String) -> String { plans.contains(plan) ? plan : defaultPlan }

  /// Units of `metric` that `plan` gives a period; nil is unlimited. A plan that says nothing of a metric gives none of it.
  public func limit(plan: String, metric: String) -> Int64? {
    guard let rule = rules[known(plan)]?[metric] else { return 0 }
    return rule.limit
  }
}
