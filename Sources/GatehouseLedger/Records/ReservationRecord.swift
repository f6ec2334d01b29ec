import GatehouseCore

extension Reservation {
  init(row: LedgerRow) throws(LedgerFailure) {
    let status = try ReservationStatus(rawValue: row["status"]) ?? .released
    try self.init(
      id: ReservationID(unchecked: row["id"]), userID: UserID(unchecked: row["user_id"]), metric: row["metric"], amount: row["amount"],
      committed: row["committed"], status: status, periodStartsAtMilliseconds: row["period_start"],
      periodEndsAtMilliseconds: row["period_end"], leaseExpiresAtMilliseconds: status == .held ? row["lease_expires_at"] : nil,
      createdAtMilliseconds: row["created_at"], finishedAtMilliseconds: row["finished_at"])
  }
}

/// Reservations and what they add up to. Held is the sum of the open ones: there is no counter to go wrong.
enum ReservationRecord {
  static let byID = "SELECT * FROM reservations WHERE id = ?"
  static let held = """
    SELECT coalesce(sum(amount), 0) AS held, min(lease_expires_at) AS lease FROM reservations
    WHERE user_id = ? AND metric = ? AND period_start = ? AND status = 'held' AND lease_expires_at > ?
    """
  static let used = "SELECT used FROM usage_daily WHERE user_id = ? AND metric = ? AND period_start = ?"
  static let overrides = "SELECT * FROM overrides WHERE user_id = ? AND metric = ? AND ends_at > ?"
  static let overdue = "SELECT * FROM reservations WHERE status = 'held' AND lease_expires_at <= ? ORDER BY lease_expires_at LIMIT ?"
  /// By the user's own index: with the sign the column's is not looked at.
  static let overdueOfUser = """
    SELECT * FROM reservations WHERE user_id = ? AND metric = ? AND status = 'held' AND +lease_expires_at <= ?
    """

  static let ownerByID = "SELECT * FROM users WHERE id = ?"
  static let insertRow = """
    INSERT INTO reservations (id, user_id, metric, amount, status, period_start, period_end, lease_expires_at, created_at)
    VALUES (?, ?, ?, ?, 'held', ?, ?, ?, ?)
    """
  static let setCommitted = """
    UPDATE reservations SET status = 'committed', committed = ?, finished_at = ? WHERE id = ? AND status = 'held'
    """
  static let setReleased = "UPDATE reservations SET status = 'released', finished_at = ? WHERE id = ? AND status = 'held'"
  static let setExpired = "UPDATE reservations SET status = 'expired', finished_at = ? WHERE id = ? AND status = 'held'"
  static let setLease = "UPDATE reservations SET lease_expires_at = ? WHERE id = ? AND status = 'held'"
  static let holdAgain = """
    UPDATE reservations SET status = 'held', period_start = ?, period_end = ?, lease_expires_at = ?, finished_at = NULL
    WHERE id = ? AND status = 'expired'
    """
  static let use = """
    INSERT INTO usage_daily (user_id, metric, period_start, used, limit_units) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (user_id, metric, period_start) DO UPDATE SET used = usage_daily.used + excluded.used, limit_units = excluded.limit_units
    """

  static let newestUsed = "SELECT max(period_start) FROM usage_daily WHERE user_id = ? AND metric = ?"
  static let newestHeld = "SELECT max(period_start) FROM reservations WHERE user_id = ? AND metric = ? AND status = 'held'"

  /// The period that units are taken in: the one that is open, but none older than the newest that the user has taken units in. A
  /// clock that was set back opens no period again, whoever accepted it.
  /// - Parameter named: the period that the gate counted in.
  static func period(
    of user: User, _ metric: AllowanceTable.Metric, named: Period? = nil, _ db: any LedgerTransaction, now: Int64
  ) throws -> Period {
    let newest = try [newestUsed, newestHeld].compactMap { try db.number($0, [user.id.text, metric.name]) }.max() ?? 0
    if let named, named.endMilliseconds > newest { return named }
    return user.period(metric.kind, atMilliseconds: max(now, newest))
  }

  /// A user's standing with one metric in the period that is open, and when it changes by itself.
  static func quota(
    _ user: User, _ metric: AllowanceTable.Metric, _ db: any LedgerTransaction, period: Period? = nil, now: Int64
  ) throws -> (quota: HotSnapshot.Quota, changesAt: Int64) {
    let period = try period ?? self.period(of: user, metric, db, now: now)
    let used = try db.number(Self.used, [user.id.text, metric.name, period.startMilliseconds]) ?? 0
    let open = try db.row(held, [user.id.text, metric.name, period.startMilliseconds, now])
    var changesAt = period.endMilliseconds
    var override: Int64??
    var bonus: Int64 = 0
    // A handful a user: the newest override is the last.
    for row in try db.rows(overrides, [user.id.text, metric.name, now]).sorted(by: { try ($0["id"] as Int64) < ($1["id"] as Int64) }) {
      let starts: Int64 = try row["starts_at"]
      guard starts <= now else {
        changesAt = min(changesAt, starts)
        continue
      }
      changesAt = min(changesAt, try row["ends_at"])
      let units: Int64? = try row["units"]
      if try row["kind"] == "limit" { override = .some(units) } else { bonus += units ?? 0 }
    }
    let quota = try HotSnapshot.Quota(
      metric: metric.name, period: period, used: used, held: open?["held"] ?? 0, leaseEndsAtMilliseconds: open?["lease"],
      override: override, bonus: bonus)
    return (quota, changesAt)
  }

  static func allowance(_ quota: HotSnapshot.Quota, plan: String, _ table: AllowanceTable) -> Allowance {
    Allowance(
      metric: quota.metric, limit: quota.override ?? table.limit(plan: plan, metric: quota.metric), bonus: quota.bonus, used: quota.used,
      held: quota.held, periodStartsAtMilliseconds: quota.period.startMilliseconds, resetsAtMilliseconds: quota.period.endMilliseconds)
  }

  static func allowances(_ user: User, _ db: any LedgerTransaction, _ rules: SQLLedger.Rules, now: Int64) throws -> [Allowance] {
    let table = rules.allowances()
    let plan = rules.plan(of: user, now: now)
    return try table.metrics.map { allowance(try quota(user, $0, db, now: now).quota, plan: plan, table) }
  }

  /// The standing in a reservation's own period.
  static func standing(_ reservation: Reservation, _ db: any LedgerTransaction, _ rules: SQLLedger.Rules, now: Int64) throws -> Allowance {
    let table = rules.allowances()
    guard let row = try db.row(ownerByID, [reservation.userID.text]) else { throw ServiceError.noUser(reservation.userID) }
    let user = try User(row: row)
    let kind = table.metric(reservation.metric)?.kind ?? .day
    let period = Period(
      kind: kind, startMilliseconds: reservation.periodStartsAtMilliseconds, endMilliseconds: reservation.periodEndsAtMilliseconds)
    let found = try quota(user, .init(name: reservation.metric, kind: kind), db, period: period, now: now)
    return allowance(found.quota, plan: rules.plan(of: user, now: now), table)
  }

  /// Ends an open reservation whose lease is over, and its job.
  static func expire(_ reservation: Reservation, _ db: any LedgerTransaction, now: Int64) throws {
    try db.run(setExpired, [now, reservation.id.text])
    try db.run(AnalysisRecord.expire, [now, reservation.id.text])
  }

  /// Ends the user's open reservations of one metric whose leases are over; whether there were any. Grants of units call this
  /// first: a reservation that is not counted any more must not be committed later.
  static func expireOverdue(of user: UserID, _ metric: String, _ db: any LedgerTransaction, now: Int64) throws -> Bool {
    let overdue = try db.rows(overdueOfUser, [user.text, metric, now]).map(Reservation.init(row:))
    for reservation in overdue { try expire(reservation, db, now: now) }
    return !overdue.isEmpty
  }

  /// Whether hot state that was read by another process may have left `held` out already, because its lease is over or about to be:
  /// then what it becomes must be told. A process's clock is Redis's, carried on for as long as the gate's lease.
  static func mayBeForgotten(_ held: Reservation, now: Int64) -> Bool {
    (held.leaseExpiresAtMilliseconds ?? 0) <= now + clockSpreadMilliseconds
  }

  private static let clockSpreadMilliseconds: Int64 = 5_000

  /// Turns a held reservation into `amount` used units of its own period. Throws `invalidTransition`, `reservationExpired`.
  static func commit(
    _ held: Reservation, amount: Int64, limit: Int64?, action: String, event: UsageEventID, _ db: any LedgerTransaction, now: Int64
  ) throws -> Reservation {
    guard try db.run(setCommitted, [amount, now, held.id.text]) == 1 else { throw refusal(held) }
    try db.run(use, [held.userID.text, held.metric, held.periodStartsAtMilliseconds, amount, limit])
    try UsageRecord.insert(
      UsageEvent(
        id: event, userID: held.userID, action: action, metric: held.metric, amount: amount, occurredAtMilliseconds: now,
        metadata: "{\"reservation_id\":\"\(held.id)\"}"), db)
    var done = held
    done.status = .committed
    done.committed = amount
    done.leaseExpiresAtMilliseconds = nil
    done.finishedAtMilliseconds = now
    return done
  }

  static func insert(_ reservation: Reservation, _ db: any LedgerTransaction) throws {
    try db.run(
      insertRow,
      [
        reservation.id.text, reservation.userID.text, reservation.metric, reservation.amount, reservation.periodStartsAtMilliseconds,
        reservation.periodEndsAtMilliseconds, reservation.leaseExpiresAtMilliseconds, reservation.createdAtMilliseconds,
      ])
  }

  static func require(_ id: ReservationID, _ db: any LedgerTransaction) throws -> Reservation {
    guard let row = try db.row(byID, [id.text]) else { throw ServiceError.noReservation(id) }
    return try Reservation(row: row)
  }

  /// Finishes a held reservation without using it. Throws `invalidTransition`, `reservationExpired`.
  static func release(_ held: Reservation, _ db: any LedgerTransaction, now: Int64) throws -> Reservation {
    guard try db.run(setReleased, [now, held.id.text]) == 1 else { throw refusal(held) }
    var done = held
    done.status = .released
    done.leaseExpiresAtMilliseconds = nil
    done.finishedAtMilliseconds = now
    return done
  }

  /// The refusal of a change that its state does not allow.
  static func refusal(_ reservation: Reservation) -> ServiceError {
    reservation.status == .expired
      ? ServiceError(.reservationExpired, "The lease of \(reservation.id) ran out and its units were returned. Reserve again.")
      : ServiceError(.invalidTransition, "Reservation \(reservation.id) is \(reservation.status.rawValue) already.")
  }
}

extension SQLLedger {
  /// Holds units, or takes them at once, with the analysis and the stored answer of `call` if given, in one transaction. Throws `notFound`,
  /// `suspended`, `allowanceExhausted`, `idempotencyKeyReused`.
  public func reserve(
    _ request: ReservationRequest, call: IdempotentCall?, now: Int64, encode: @escaping @Sendable (Reserved) -> StoredAnswer
  ) async throws -> Unacknowledged<Once<Reserved>> {
    let rules = rules
    let event = UsageEventID.random()
    return try await write { db in
      if let call, let stored = try Idempotency.find(call, db, now: rules.aging(now)) {
        return Unacknowledged(.replay(stored), pending: [])
      }
      let user = try Self.require(request.userID, db)
      guard user.status == .active else { throw ServiceError(.suspended, ServiceError.suspendedDetail) }
      let table = rules.allowances()
      guard let metric = table.metric(request.metric) else { throw ServiceError(.notFound, "There is no metric \(request.metric).") }
      let expired = try ReservationRecord.expireOverdue(of: user.id, metric.name, db, now: now)
      let plan = rules.plan(of: user, now: now)
      let period = try ReservationRecord.period(of: user, metric, named: request.period, db, now: now)
      let quota = try ReservationRecord.quota(user, metric, db, period: period, now: now).quota
      let before = ReservationRecord.allowance(quota, plan: plan, table)
      guard before.admits(request.amount) else {
        throw ServiceError.exhausted(before, of: request.amount, plan: plan, now: now)
      }
      var reservation = Reservation(
        id: request.id, userID: user.id, metric: metric.name, amount: request.amount,
        periodStartsAtMilliseconds: quota.period.startMilliseconds, periodEndsAtMilliseconds: quota.period.endMilliseconds,
        leaseExpiresAtMilliseconds: now + request.leaseMilliseconds, createdAtMilliseconds: now)
      try ReservationRecord.insert(reservation, db)
      if request.commit {
        reservation = try ReservationRecord.commit(
          reservation, amount: request.amount, limit: before.limit, action: "committed", event: event, db, now: now)
      }
      let analysis = try request.analysis.map { try AnalysisRecord.insert($0, on: reservation, db) }
      let after = ReservationRecord.allowance(
        try ReservationRecord.quota(user, metric, db, period: quota.period, now: now).quota, plan: plan, table)
      if request.commit { try db.exhausted(after, user.id, now: now) }
      let reserved = Reserved(reservation: reservation, allowance: after, analysis: analysis)
      if let call { try Idempotency.keep(call, of: user.id, encode(reserved), db, now: now) }
      try db.stamp(now)
      let isKnown = request.isHeld || before.limit == nil
      let pending = expired || !isKnown ? [try db.pending(user.id, now: now)] : []
      return Unacknowledged(.first(reserved), pending: pending)
    }
  }

  /// Commits `amount` units of a held reservation (nil: all) and releases the rest, in one transaction. The same commit again answers the
  /// same; throws `notFound`, `invalidTransition`, `reservationExpired`, a field error beyond the held units.
  public func commit(_ id: ReservationID, amount: Int64?, now: Int64) async throws -> Unacknowledged<Reserved> {
    let rules = rules
    let event = UsageEventID.random()
    return try await write { db in
      let held = try ReservationRecord.require(id, db)
      let units = amount ?? held.amount
      if held.status == .committed, held.committed == units {
        return Unacknowledged(
          Reserved(reservation: held, allowance: try ReservationRecord.standing(held, db, rules, now: now), analysis: nil), pending: [])
      }
      guard held.status == .held else { throw ReservationRecord.refusal(held) }
      guard units <= held.amount else {
        throw ServiceError.field("amount", "out_of_range", "At most the \(held.amount) units that are held can be committed.")
      }
      let limit = try ReservationRecord.standing(held, db, rules, now: now).limit
      let done = try ReservationRecord.commit(held, amount: units, limit: limit, action: "committed", event: event, db, now: now)
      let allowance = try ReservationRecord.standing(done, db, rules, now: now)
      try db.exhausted(allowance, done.userID, now: now)
      try db.stamp(now)
      let isSeen = units == held.amount && !ReservationRecord.mayBeForgotten(held, now: now)
      let pending = isSeen ? [] : [try db.pending(held.userID, now: now)]
      return Unacknowledged(Reserved(reservation: done, allowance: allowance, analysis: nil), pending: pending)
    }
  }

  /// Gives all units of a held reservation back and cancels its open analysis, in one transaction. The same release again answers the same;
  /// throws `notFound`, `invalidTransition`, `reservationExpired`.
  public func release(_ id: ReservationID, now: Int64) async throws -> Unacknowledged<Reserved> {
    let rules = rules
    return try await write { db in
      let held = try ReservationRecord.require(id, db)
      if held.status == .released {
        return Unacknowledged(
          Reserved(reservation: held, allowance: try ReservationRecord.standing(held, db, rules, now: now), analysis: nil), pending: [])
      }
      guard held.status == .held else { throw ReservationRecord.refusal(held) }
      let done = try ReservationRecord.release(held, db, now: now)
      // A job without its units is over.
      try db.run(AnalysisRecord.cancel, [now, id.text])
      let allowance = try ReservationRecord.standing(done, db, rules, now: now)
      return Unacknowledged(
        Reserved(reservation: done, allowance: allowance, analysis: nil), pending: [try db.pending(held.userID, now: now)])
    }
  }

  /// Sets the end of a held reservation's lease to `now` + `leaseMilliseconds`, which may be earlier than before. Throws `notFound`,
  /// `invalidTransition`, `reservationExpired`.
  public func extend(_ id: ReservationID, leaseMilliseconds: Int64, now: Int64) async throws -> Unacknowledged<Reserved> {
    let rules = rules
    return try await write { db in
      var held = try ReservationRecord.require(id, db)
      guard held.status == .held else { throw ReservationRecord.refusal(held) }
      held.leaseExpiresAtMilliseconds = now + leaseMilliseconds
      try db.run(ReservationRecord.setLease, [held.leaseExpiresAtMilliseconds, id.text])
      let allowance = try ReservationRecord.standing(held, db, rules, now: now)
      return Unacknowledged(
        Reserved(reservation: held, allowance: allowance, analysis: nil), pending: [try db.pending(held.userID, now: now)])
    }
  }

  /// The reservation as it is stored, whatever its status; nil for an unknown id.
  public func reservation(_ id: ReservationID) async throws -> Reservation? {
    try await read { db in try db.row(ReservationRecord.byID, [id.text]).map(Reservation.init(row:)) }
  }

  /// Expires at most `rowsMax` reservations, those whose lease ended first, in one transaction; gives how many.
  public func expireOverdue(rowsMax: Int, now: Int64) async throws -> Unacknowledged<Int> {
    try await write { db in
      let overdue = try db.rows(ReservationRecord.overdue, [now, rowsMax]).map(Reservation.init(row:))
      for reservation in overdue { try ReservationRecord.expire(reservation, db, now: now) }
      let users = Set(overdue.map(\.userID))
      return Unacknowledged(overdue.count, pending: try users.map { try db.pending($0, now: now) })
    }
  }

  /// The standings of all configured metrics in their open periods, in one read transaction; nil for an unknown or deleted user.
  public func allowances(of user: UserID, now: Int64) async throws -> [Allowance]? {
    let rules = rules
    return try await read { db in
      guard let row = try db.row(UserRecord.byID, [user.text]) else { return nil }
      return try ReservationRecord.allowances(User(row: row), db, rules, now: now)
    }
  }
}
