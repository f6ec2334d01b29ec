import GatehouseCore
import RedisClient

/// The gate script's answers; the layout is written in `gate.lua`.
enum GateReply {
  /// The answer to a query, whatever its time.
  static func read(_ result: Result<RedisReply, RedisError>, _ query: HotQuery, table: AllowanceTable) -> Result<HotReply, HotFailure> {
    switch result {
    case .failure(let error): return .failure(HotFailure(reason: error.reason))
    case .success(let reply):
      guard let reply = parse(reply, query, table: table) else { return .failure(HotFailure(reason: "unreadable_reply")) }
      return .success(reply)
    }
  }

  /// The time that a script went by, and whether that was all that it said; nil for what is no answer of a script.
  static func time(_ reply: RedisReply) -> (now: Int64, isAll: Bool)? {
    switch reply {
    case .array(let parts):
      guard parts.count >= 2, let now = parts[0].integerValue ?? parts[1].integerValue else { return nil }
      return (now, parts[0].text == "CLOCK")
    case .bytes(let bytes):
      return bytes.withUnsafeBytes { bytes in
        var text = ReplyText(bytes)
        _ = text.word(before: .blank)
        return text.time().map { ($0, false) }
      }
    default: return nil
    }
  }

  private static func parse(_ reply: RedisReply, _ query: HotQuery, table: AllowanceTable) -> HotReply? {
    switch reply {
    case .bytes(let bytes):
      return bytes.withUnsafeBytes { bytes in
        var text = ReplyText(bytes)
        return decided(&text, query, table: table).map { .decided($0) }
      }
    case .array(let parts):
      guard parts.count >= 2, let now = parts[1].integerValue else { return nil }
      switch parts[0].text {
      case "COLD": return parts.count == 3 ? parts[2].text.map { .cold(ticket: $0, nowMilliseconds: now) } : nil
      case "ABSENT": return .absent
      case "ROTATED": return .rotated
      default: return nil
      }
    default: return nil
    }
  }

  private static func decided(_ text: inout ReplyText, _ query: HotQuery, table: AllowanceTable) -> HotDecision? {
    guard let decision = text.word(before: .blank)?.value(Decision.self), let now = text.time(),
      var tail = text.word(before: .newline), let touched = tail.word(before: .blank, orEnd: true)?.number,
      let session = text.word(before: .newline), let quota = text.word(before: .newline), var account = text.word(before: .newline)
    else { return nil }
    let sessionFacts = sessionFacts(session)
    guard session.isEmpty || sessionFacts != nil, let caller = caller(&account, query.userID, table: table) else { return nil }
    var windows: [PackedWindow] = []
    if decision.countsLimits {
      windows.reserveCapacity(query.charges.count)
      for _ in query.charges {
        // The only window is all that is left; of several the lengths are told.
        let told = query.charges.count == 1 ? Int64(text.count) : tail.word(before: .blank, orEnd: true)?.number
        guard let length = told.flatMap(Int.init(exactly:)), let window = text.take(length) else { return nil }
        windows.append(PackedWindow(bytes: Array(window.bytes)))
      }
    }
    let standing = standings(windows, query, decision: decision, plan: caller.plan, now: now)
    return HotDecision(
      decision: decision, nowMilliseconds: now, caller: caller, sessionFacts: sessionFacts, standings: standing.standings,
      retryAfterSeconds: standing.retryAfterSeconds, allowance: allowance(quota, query, plan: caller.plan, table: table),
      touched: touched == 1, windows: windows)
  }

  /// `until|plan|status|mail|ext`
  private static func caller(_ account: inout ReplyText, _ id: UserID, table: AllowanceTable) -> HotDecision.Caller? {
    guard account.word(before: .bar) != nil, let stored = account.word(before: .bar),
      let status = account.word(before: .bar)?.value(UserStatus.self), let mail = account.word(before: .bar)
    else { return nil }
    // A plan that has ended, or is not configured, counts as the default one, as in the script.
    let plan = table.plans.first { stored.spells($0) } ?? table.defaultPlan
    return HotDecision.Caller(
      id: id, externalID: account.isEmpty ? nil : UserHash.externalID(account.string), plan: plan, status: status,
      emailVerified: mail.spells("1"))
  }

  /// `class|sid|created|auth|seen|abs`
  private static func sessionFacts(_ value: ReplyText) -> HotDecision.SessionFacts? {
    var value = value
    guard let kind = value.word(before: .bar)?.value(SessionClass.self), let id = value.word(before: .bar),
      let created = value.word(before: .bar)?.number, let auth = value.word(before: .bar)?.number,
      let seen = value.word(before: .bar)?.number, let end = value.word(before: .bar, orEnd: true)?.number
    else { return nil }
    return HotDecision.SessionFacts(
      id: SessionID(unchecked: id.string), sessionClass: kind, createdAtMilliseconds: created, authenticatedAtMilliseconds: auth,
      seenAtMilliseconds: seen, expiresAtMilliseconds: end)
  }

  private static func standings(
    _ windows: [PackedWindow], _ query: HotQuery, decision: Decision, plan: String, now: Int64
  ) -> (standings: [PolicyStanding], retryAfterSeconds: Int?) {
    var standings: [PolicyStanding] = []
    standings.reserveCapacity(windows.count)
    var wait: Int?
    for (charge, window) in zip(query.charges, windows) {
      let policy = charge.policy
      let limit = policy.limits.limit(plan: plan)
      var exceeded = false
      if policy.shadow {
        // Of a call that passed, a shadow policy's window holds the costs already.
        let toCome = decision == .allow && !query.peek ? 0 : charge.cost
        exceeded = !window.admits(toCome, nowMilliseconds: now, policy: policy, limit: limit)
      } else if decision != .allow {
        // The script's own rule on the window that it decided by.
        exceeded = charge.cost > limit || !window.admits(charge.cost + charge.besides, nowMilliseconds: now, policy: policy, limit: limit)
        if exceeded, decision == .rateLimited,
          let seconds = window.retryAfterSeconds(charge.cost, nowMilliseconds: now, policy: policy, limit: limit)
        {
          wait = max(wait ?? 0, seconds)
        }
      }
      standings.append(window.standing(nowMilliseconds: now, policy: policy, limit: limit, exceeded: exceeded))
    }
    return (standings, wait)
  }

  /// `start|end|used|held|min_lease|override|bonus`
  private static func allowance(_ value: ReplyText, _ query: HotQuery, plan: String, table: AllowanceTable) -> Allowance? {
    var value = value
    guard let metric = query.hold?.metric, let start = value.word(before: .bar)?.number, let end = value.word(before: .bar)?.number,
      let used = value.word(before: .bar)?.number, let held = value.word(before: .bar)?.number, value.word(before: .bar) != nil,
      let own = value.word(before: .bar), let bonus = value.word(before: .bar, orEnd: true)?.number
    else { return nil }
    let limit: Int64? = own.spells("*") ? nil : own.number ?? table.limit(plan: plan, metric: metric)
    return Allowance(
      metric: metric, limit: limit, bonus: bonus, used: used, held: held, periodStartsAtMilliseconds: start, resetsAtMilliseconds: end)
  }
}

extension Decision {
  /// Whether the script came as far as the limits, so that it tells the windows.
  fileprivate var countsLimits: Bool {
    switch self {
    case .unauthenticated, .suspended, .reauthenticationRequired, .emailUnverified, .planRequired: false
    case .costExceedsLimit, .rateLimited, .allowanceExhausted, .allow: true
    }
  }
}
