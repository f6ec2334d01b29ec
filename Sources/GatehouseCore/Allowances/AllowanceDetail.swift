extension Allowance {
  /// The kind of the period, told by its length: no day lasts a week, and no month less than four.
  public var periodKind: Period.Kind {
    resetsAtMilliseconds - periodStartsAtMilliseconds > 7 * Day.milliseconds ? .month : .day
  }

  /// The title of the problem of a used-up allowance.
  public var exhaustedTitle: String { periodKind == .month ? "Monthly allowance used up" : "Daily allowance used up" }

  /// The sentence that a person reads when the allowance is used up.
  /// - Parameters:
  ///   - plan: the plan in force.
  ///   - kind: the kind of the metric's period, where it is known.
  ///   - zone: the user's time zone, where it is known.
  public func exhaustedDetail(plan: String, kind: Period.Kind? = nil, zone: String? = nil) -> String {
    let period = kind?.rawValue ?? "period"
    let taken = "\(used) \(used == 1 ? "is" : "are") used" + (held > 0 ? " and \(held) \(held == 1 ? "is" : "are") held" : "")
    let start = zone.map { LocalDates.text(resetsAtMilliseconds, zone: $0, withDate: kind != .day) + " in \($0)" }
    let next = start.map { "The next \(period) begins at \($0)." } ?? "It starts again with the next \(period)."
    return "Plan \(plan) has \(total ?? 0) \(metric) a \(period); \(taken). \(next)"
  }

  /// The refusal of `amount` units that do not fit, now or ever, for a user whose plan in force is `plan`.
  public func refusal(of amount: Int64, plan: String, now: Int64) -> ServiceError {
    guard everAdmits(amount) else { return ServiceError(.costExceedsLimit, neverDetail(amount, plan: plan), allowance: self) }
    return ServiceError(
      .allowanceExhausted, exhaustedDetail(plan: plan), retryAfterSeconds: secondsToReset(now), allowance: self, violated: [metric])
  }

  /// The sentence about an amount that no period has.
  func neverDetail(_ amount: Int64, plan: String) -> String {
    let whole = total ?? 0
    let fault =
      whole == 0
      ? "Plan \(plan) has no \(metric)" : "Amount \(amount) is more \(metric) than plan \(plan) has in a \(periodKind.rawValue) (\(whole))"
    return "\(fault). Retrying will not help."
  }

  /// Whole seconds, rounded up, until the period ends.
  public func secondsToReset(_ nowMilliseconds: Int64) -> Int { Int(max(1, (resetsAtMilliseconds - nowMilliseconds + 999) / 1000)) }
}
