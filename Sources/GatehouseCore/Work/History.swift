/// Units used in one period.
public struct DailyUsage: Sendable, Equatable {
  /// The start of the period, in milliseconds since 1970 UTC; the period is the metric's, a day or a month.
  public let periodStartsAtMilliseconds: Int64
  /// Units committed in the period.
  public let used: Int64
  /// The limit in force when the period was last written; nil is unlimited.
  public let limit: Int64?
  /// The usage of one period.
  public init(periodStartsAtMilliseconds: Int64, used: Int64, limit: Int64?) {
    self.periodStartsAtMilliseconds = periodStartsAtMilliseconds
    self.used = used
    self.limit = limit
  }
}

/// Which analyses a list shows: `[from, to)` in milliseconds since 1970 UTC.
public struct AnalysisFilter: Sendable, Equatable {
  /// The one status that is shown; nil for all.
  public var status: AnalysisStatus?
  /// The first instant of creation that is shown; nil for no bound.
  public var from: Int64?
  /// The instant of creation after the last that is shown; nil for no bound.
  public var to: Int64?
  /// Whether `result` is read.
  public var includesResult: Bool
  /// A filter; without arguments it shows all analyses, without their results.
  public init(status: AnalysisStatus? = nil, from: Int64? = nil, to: Int64? = nil, includesResult: Bool = false) {
    self.status = status
    self.from = from
    self.to = to
    self.includesResult = includesResult
  }
}
