extension Allowance {
  /// What a person reads when the allowance is used up.
  /// - Parameters:
  ///   - plan: the plan in force.
  ///   - kind: the kind of the metric's period, where it is known.
  ///   - zone: the user's time zone, where it is known.
  public func exhaustedDetail(plan: String, kind: Period.Kind? = nil, zone: String? = nil) -> String {
    let period = kind?.rawValue ?? "period"
    let taken = "\(used) \(used == 1 ? "is" : "are") used" + (held > 0 ? " and \(held) \(held == 1 ? "is" : "are") held" : "")
    let start = zone.map { LocalDates.text(resetsAtMilliseconds, zone: $0, withDate: kind != .day) + " in \($0)" }
    let next = start.map { "The next \(period) begins at \($0)." } ?? "It begins anew with the next \(period)."
    return "Plan \(plan) has \((limit ?? 0) + bonus) \(metric) a \(period); \(taken). \(next)"
  }
}
