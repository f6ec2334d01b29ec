import GatehouseCore
import GatehouseCrypto
import RedisClient

/// The gate script's arguments and replies; the layout is written in `gate.lua`.
enum GateCommand {
  static let ticketCharacters = 16

  static func arguments(
    _ query: HotQuery, epoch: String, table: AllowanceTable, timeouts: (SessionClass) -> SessionTimeouts, at span: ClosedRange<Int64>
  ) -> [String] {
    let needs = query.requirements
    var words = [epoch, SecureRandom.identifier(length: ticketCharacters), query.tokenHash?.hex ?? "", query.peek ? "1" : "0"]
    for kind in [SessionClass.web, .remember, .mobile] { words.append(String(timeouts(kind).idleMilliseconds)) }
    words.append(needs.authenticatedWithinMilliseconds.map(String.init) ?? "")
    words.append(needs.emailVerified ? "1" : "0")
    words.append(String(table.plans.map { needs.plans?.contains($0) ?? true ? "1" : "0" }))
    words += table.plans
    words.append(String(query.charges.count))
    for charge in query.charges {
      let policy = charge.policy
      words += [policy.fieldName, String(policy.windowSeconds * 1000), String(policy.cells), String(charge.cost), String(charge.besides)]
      words += table.plans.map { policy.shadow ? "" : String(policy.limits.limit(plan: $0)) }
    }
    let times = [String(span.lowerBound), String(span.upperBound)]
    guard let hold = query.hold else { return words + [""] + times }
    let metric = KeySpace.metricWord(hold.metric, table.metric(hold.metric)?.kind ?? .day)
    words += [hold.holdID, metric, String(hold.amount), String(min(hold.leaseMilliseconds, HotSpans.holdMax))]
    words += table.plans.map { table.limit(plan: $0, metric: hold.metric).map(String.init) ?? "" }
    return words + times
  }

  static func reply(_ result: Result<RedisReply, RedisError>, _ query: HotQuery, table: AllowanceTable) -> Result<HotReply, HotFailure> {
    switch result {
    case .failure(let error): return .failure(HotFailure(reason: error.reason))
    case .success(let reply):
      guard let reply = parse(reply, query, table: table) else { return .failure(HotFailure(reason: "unreadable_reply")) }
      return .success(reply)
    }
  }

  private static func parse(_ reply: RedisReply, _ query: HotQuery, table: AllowanceTable) -> HotReply? {
    guard case .array(let parts) = reply, parts.count >= 2, let word = parts[0].text, let now = parts[1].integerValue else { return nil }
    switch word {
    case "COLD": return parts.count == 3 ? parts[2].text.map { .cold(ticket: $0, nowMilliseconds: now) } : nil
    case "ABSENT": return .absent
    case "ROTATED": return .rotated
    default: break
    }
    guard let decision = Decision(rawValue: word), parts.count >= 10, let id = parts[2].text, id == query.userID.text,
      let external = parts[3].text, let mail = parts[4].text, let stored = parts[5].text,
      let status = parts[6].text.flatMap(UserStatus.init), let session = parts[7].text, let quota = parts[9].text
    else { return nil }
    let sessionFacts = sessionFacts(session)
    guard session.isEmpty || sessionFacts != nil else { return nil }
    // A plan that has ended, or is not configured, counts as the default one, as in the script.
    let plan = table.known(stored)
    let caller = HotDecision.Caller(
      id: query.userID, externalID: external.isEmpty ? nil : external, plan: plan, status: status, emailVerified: mail == "1")
    let windows = windows(parts, query, decision: decision, plan: plan, now: now)
    return .decided(
      HotDecision(
        decision: decision, nowMilliseconds: now, caller: caller, sessionFacts: sessionFacts, standings: windows.standings,
        retryAfterSeconds: decision == .rateLimited ? windows.retryAfterSeconds : nil,
        allowance: allowance(quota, query, plan: plan, table: table), touched: parts[8].integerValue == 1, windows: windows.windows))
  }

  private static func windows(
    _ parts: [RedisReply], _ query: HotQuery, decision: Decision, plan: String, now: Int64
  ) -> (standings: [PolicyStanding], windows: [PackedWindow], retryAfterSeconds: Int?) {
    var standings: [PolicyStanding] = []
    var windows: [PackedWindow] = []
    var wait: Int?
    for (index, charge) in query.charges.enumerated() {
      let at = 10 + 2 * index
      guard parts.count > at + 1, let verdict = parts[at].integerValue, let packed = parts[at + 1].byteValues else { break }
      let policy = charge.policy
      let limit = policy.limits.limit(plan: plan)
      let window = PackedWindow(bytes: packed)
      windows.append(window)
      // Of a call that passed, a shadow policy's window holds the costs already.
      let toCome = decision == .allow && !query.peek ? 0 : charge.cost
      let exceeded =
        policy.shadow
        ? !window.admits(toCome, nowMilliseconds: now, policy: policy, limit: limit) : verdict != 1 && decision != .allow
      standings.append(window.standing(nowMilliseconds: now, policy: policy, limit: limit, exceeded: exceeded))
      if verdict == 0, let seconds = window.retryAfterSeconds(charge.cost, nowMilliseconds: now, policy: policy, limit: limit) {
        wait = max(wait ?? 0, seconds)
      }
    }
    return (standings, windows, wait)
  }

  private static func sessionFacts(_ value: String) -> HotDecision.SessionFacts? {
    let parts = value.split(separator: "|", omittingEmptySubsequences: false)
    guard parts.count >= 6, let kind = SessionClass(rawValue: String(parts[0])), let created = Int64(parts[2]),
      let auth = Int64(parts[3]), let seen = Int64(parts[4]), let end = Int64(parts[5])
    else { return nil }
    return HotDecision.SessionFacts(
      id: SessionID(unchecked: String(parts[1])), sessionClass: kind, createdAtMilliseconds: created,
      authenticatedAtMilliseconds: auth, seenAtMilliseconds: seen, expiresAtMilliseconds: end)
  }

  private static func allowance(_ value: String, _ query: HotQuery, plan: String, table: AllowanceTable) -> Allowance? {
    let parts = value.split(separator: "|", omittingEmptySubsequences: false)
    guard let metric = query.hold?.metric, parts.count == 7, let start = Int64(parts[0]), let end = Int64(parts[1]),
      let used = Int64(parts[2]), let held = Int64(parts[3]), let bonus = Int64(parts[6])
    else { return nil }
    let limit: Int64? = parts[5] == "*" ? nil : Int64(parts[5]) ?? table.limit(plan: plan, metric: metric)
    return Allowance(
      metric: metric, limit: limit, bonus: bonus, used: used, held: held, periodStartsAtMilliseconds: start, resetsAtMilliseconds: end)
  }
}
