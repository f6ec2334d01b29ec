extension Allowance {
  /// The kind of the period, told by its length: no day lasts a week, and no month less than four.
  public var periodKind: Period.Kind {
    resetsAtMilliseconds - periodStartsAtMilliseconds > 7 * Day.milliseconds ? .month : .day
  }

  /// The title of the problem of a used-up allowance.
  public var exhaustedTitle: String { periodKind == .month ? "Monthly allowance used up" : "Daily allowance used up" }

  /// The sentence that a person reads when the allowance has no room for `amount` units.
  /// - Parameters:
  ///   - plan: the plan in force.
  ///   - kind: the kind of the metric's period, where it is known.
  ///   - zone: the user's time zone, where it is known.
  public func exhaustedDetail(of amount: Int64, plan: String, kind: Period.Kind? = nil, zone: String? = nil) -> String {
    let period = kind?.rawValue ?? "period"
    let has = "Plan \(plan) has \(total ?? 0) \(metric) a \(period)"
    guard everAdmits(amount) else { return "\(has), and \(amount) \(amount == 1 ? "is" : "are") asked for. Waiting will not help." }
    let taken = "\(used) \(used == 1 ? "is" : "are") used" + (held > 0 ? " and \(held) \(held == 1 ? "is" : "are") held" : "")
    let start = zone.map { LocalDates.text(resetsAtMilliseconds, zone: $0, withDate: kind != .day) + " in \($0)" }
    let next = start.map { "The next \(period) begins at \($0)." } ?? "It starts again with the next \(period)."
    return "\(has); \(taken). \(next)"
  }

  /// Whole seconds after which `amount` units may fit: when the period ends; nil if no period ever has so many.
  public func secondsToRetry(_ amount: Int64, now: Int64) -> Int? { everAdmits(amount) ? secondsToReset(now) : nil }

  /// Whole seconds, rounded up, until the period ends.
  public func secondsToReset(_ nowMilliseconds: Int64) -> Int { Int(max(1, (resetsAtMilliseconds - nowMilliseconds + 999) / 1000)) }
}
