/// Units used in one period.
public struct DailyUsage: Sendable, Equatable {
  public let periodStartsAtMilliseconds: Int64
  public let used: Int64
  /// The limit in force when the period was last written; nil is unlimited.
  public let limit: Int64?
  public init(periodStartsAtMilliseconds: Int64, used: Int64, limit: Int64?) {
    self.periodStartsAtMilliseconds = periodStartsAtMilliseconds
    self.used = used
    self.limit = limit
  }
}

/// Which analyses a list shows: `[from, to)` in milliseconds since 1970 UTC.
public struct AnalysisFilter: Sendable, Equatable {
  public var status: AnalysisStatus?
  public var from: Int64?
  public var to: Int64?
  /// Whether `result` is read.
  public var includesResult: Bool
  public init(status: AnalysisStatus? = nil, from: Int64? = nil, to: Int64? = nil, includesResult: Bool = false) {
    self.status = status
    self.from = from
    self.to = to
    self.includesResult = includesResult
  }
}
