/// Where a user stands with one metric in the period that is open: limits and counts are units, instants milliseconds.
public struct Allowance: Sendable, Equatable {
  public let metric: String
  /// Units a period, bonus not included; nil is unlimited.
  public let limit: Int64?
  public let bonus: Int64
  public let used: Int64
  public let held: Int64
  public let periodStartsAtMilliseconds: Int64
  public let resetsAtMilliseconds: Int64

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

  /// Whether `amount` more units fit.
  public func admits(_ amount: Int64) -> Bool { limit.map { used + held + amount <= $0 + bonus } ?? true }
}

/// The allowance table of the configuration: what each plan gives of each metric.
public struct AllowanceTable: Sendable, Equatable {
  /// The units that one plan gives of one metric.
  public struct Rule: Sendable, Equatable {
    /// Units a period; nil is unlimited.
    public let limit: Int64?
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
    public let name: String
    public let kind: Period.Kind
    public init(name: String, kind: Period.Kind) {
      self.name = name
      self.kind = kind
    }
  }

  public init(defaultPlan: String, plans: [String], metrics: [Metric], rules: [String: [String: Rule]]) {
    self.defaultPlan = defaultPlan
    self.plans = plans
    self.metrics = metrics
    self.rules = rules
  }

  public func metric(_ name: String) -> Metric? { metrics.first { $0.name == name } }

  /// A configured plan as it is, any other as the default.
  public func known(_ plan: String) -> String { plans.contains(plan) ? plan : defaultPlan }

  /// Units of `metric` that `plan` gives a period; nil is unlimited. A plan that says nothing of a metric gives none of it.
  public func limit(plan: String, metric: String) -> Int64? {
    guard let rule = rules[known(plan)]?[metric] else { return 0 }
    return rule.limit
  }
}
