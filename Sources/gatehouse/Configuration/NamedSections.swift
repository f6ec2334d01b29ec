import GatehouseCore

/// Metrics, plans, policies and profiles: one section a name. `names` is needed only where the order matters, or to leave a default out.
extension SettingsReader {
  static let sections = ["metrics", "plans", "policies", "profiles"]
  /// The range of a limit or an allowance.
  private static let units: ClosedRange<Int64> = 0...1_000_000_000
  /// Policies that the service itself asks for, with what they count.
  private static let builtIn: [(String, [Policy.Key])] =
    [("api", [.user, .plan])] + Policy.Internal.allCases.map { ($0.rawValue, [$0.by]) }

  mutating func readMetrics(_ settings: inout Settings) {
    settings.metrics = names("metrics").map { name in
      AllowanceTable.Metric(
        name: name, kind: given("metrics.\(name).period", or: .day) { $0.oneOf($1, ["day": .day, "month": .month]) })
    }
  }

  mutating func readPlans(_ settings: inout Settings) {
    let metrics = settings.metrics
    settings.plans = names("plans").map { name in
      let sessions = given("plans.\(name).sessions_max", or: 10) { $0.integer($1, 1...100) }
      var allowances: [String: Int64?] = [:]
      for metric in metrics {
        let key = "plans.\(name).allowances.\(metric.name)"
        guard has(key) else { continue }
        let units = value(key, "a whole number from 0 to \(Self.units.upperBound), or unlimited") { text -> Int64?? in
          text == "unlimited" ? .some(nil) : Int64(text).flatMap { Self.units.contains($0) ? .some($0) : nil }
        }
        allowances[metric.name] = units ?? .some(0)
      }
      return Settings.Plan(name: name, sessionsMax: Int(sessions), allowances: allowances)
    }
  }

  mutating func readPolicies(_ settings: inout Settings) {
    // The service's own policies count whether they are named or not: a file from before there was such a policy stays good.
    let named = names("policies")
    let names = named + Self.builtIn.map(\.0).filter { !named.contains($0) }
    let plans = settings.plans.map(\.name)
    settings.policies = names.map { policy($0, plans: plans) }
    for (name, kinds) in Self.builtIn {
      guard let policy = settings.policies.first(where: { $0.name == name }) else { continue }
      if !kinds.contains(policy.by) {
        refuse("policies.\(name).by", policy.by.rawValue, Self.either(kinds.map(\.rawValue)))
      }
    }
  }

  mutating func readProfiles(_ settings: inout Settings) {
    let plans = settings.plans.map(\.name)
    let policies = settings.policies
    settings.profiles = names("profiles").map { name in
      let section = "profiles.\(name)"
      let charged = list("\(section).policies") ?? []
      for word in charged {
        guard let policy = policies.first(where: { $0.name == word }) else {
          refuse("\(section).policies", word, "names from policies.names")
          continue
        }
        if Policy.isInternal(word) {
          refuse("\(section).policies", word, "a policy of the app: this one is Gatehouse's own, for logins, sign-ups and mails")
          continue
        }
        if policy.by == .subject { refuse("\(section).policies", word, "a policy by user, plan or ip: a proxy names no subject") }
      }
      if Set(charged).count < charged.count { refuse("\(section).policies", charged.joined(separator: ","), "each policy once") }
      let allowed = given("\(section).plans", or: []) { $0.list($1) }
      for word in allowed where !plans.contains(word) { refuse("\(section).plans", word, "names from plans.names") }
      let within = given("\(section).authenticated_within", or: nil) { reader, key in
        reader.value(key, "any or a duration from 1s to 365d, such as 15m") { text -> Int64?? in
          text == "any" ? .some(nil) : DurationText.seconds(text).flatMap { (1...365 * Day.seconds).contains($0) ? .some($0) : nil }
        }
      }
      return Profile(
        name: name, policies: charged,
        requirements: Requirements(
          authenticatedWithinMilliseconds: within.map { $0 * 1000 }, plans: allowed.isEmpty ? nil : allowed,
          emailVerified: given("\(section).email_verified", or: false) { $0.flag($1) }))
    }
  }

  private mutating func policy(_ name: String, plans: [String]) -> Policy {
    let section = "policies.\(name)"
    let limits: ClosedRange<Int64> = 1...Self.units.upperBound
    let by = oneOf("\(section).by", ["user": Policy.Key.user, "plan": .plan, "ip": .ip, "subject": .subject]) ?? .user
    let limit = integer("\(section).limit", limits) ?? 1
    var byPlan: [String: Int64] = [:]
    for plan in plans {
      let key = "\(section).limit_by_plan.\(plan)"
      if by == .user || by == .plan {
        if has(key) { byPlan[plan] = integer(key, limits) }
      } else if isWritten(key), has(key) {
        refuse("\(key)\(origin(key)) has no effect: a policy by \(by.rawValue) knows no plan. Take it out, or count by user or plan.")
      }
    }
    return Policy(
      name: name, by: by, windowSeconds: seconds("\(section).window", 1...31 * Day.seconds) ?? 60,
      cells: given("\(section).cells", or: 60) { $0.integer($1, 1...1_000) }, limits: PlanLimits(limit, byPlan: byPlan),
      shadow: given("\(section).shadow", or: false) { $0.flag($1) })
  }

  /// The value of a key that a section may leave out.
  private mutating func given<T>(_ key: String, or fallback: T, _ read: (inout Self, String) -> T?) -> T {
    has(key) ? read(&self, key) ?? fallback : fallback
  }

  /// The names of a section: words that a key and a header can hold, each once. First those of the list, or all defaults where there is
  /// none; then what else the file describes.
  private mutating func names(_ section: String) -> [String] {
    let key = "\(section).names"
    let listed = has(key) ? list(key) ?? [] : defaults.described(section)
    let own = (file?.described(section) ?? []).filter { !listed.contains($0) }
    if listed.isEmpty, own.isEmpty { refuse("\(key)\(origin(key)) is empty: at least one is needed.") }
    var seen: Set<String> = []
    return (listed + own.filter { isMeant($0, in: section, beside: listed) }).filter { name in
      guard name.wholeMatch(of: /[a-z][a-z0-9_]{0,31}/) != nil, name != "names" else {
        refuse(
          "\(key) has \(Quoted.text(name))\(origin(key)): a name is 1 to 32 of a-z, 0-9 and _, begins with a letter and is not \"names\".")
        return false
      }
      guard seen.insert(name).inserted else {
        refuse("\(key) has \(name) twice\(origin(key)): remove one.")
        return false
      }
      return describes(section, name)
    }
  }

  /// Whether a section that no list names is one of its own, and not a known one with a slip of the pen.
  private mutating func isMeant(_ name: String, in section: String, beside listed: [String]) -> Bool {
    let known = Set(listed + defaults.described(section))
    guard !known.contains(name), let near = known.sorted().first(where: { NearestWord.distance(name, $0) == 1 }) else { return true }
    refuse(
      "\(section).\(name)\(place("\(section).\(name)")) is nearly \(section).\(near): correct it, or list it in \(section).names if it is another."
    )
    return false
  }

  /// Whether any layer says something of a name; else one sentence instead of one for each of its keys.
  private mutating func describes(_ section: String, _ name: String) -> Bool {
    if isDescribed("\(section).\(name).") || file?.described(section).contains(name) == true { return true }
    refuse("\(section).names has \(name)\(origin("\(section).names")), but there is no section \(section).\(name) that describes it.")
    return false
  }
}
