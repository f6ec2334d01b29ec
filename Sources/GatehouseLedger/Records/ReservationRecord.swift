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

/// Reservations: how they are made, and how each of them ends.
enum ReservationRecord {
  static let byID = "SELECT * FROM reservations WHERE id = ?"
  static let overdue = "SELECT * FROM reservations WHERE status = 'held' AND lease_expires_at <= ? ORDER BY lease_expires_at LIMIT ?"
  /// By the user's own index: with the sign the column's is not looked at.
  static let overdueOfUser = """
    SELECT * FROM reservations WHERE user_id = ? AND metric = ? AND status = 'held' AND +lease_expires_at <= ?
    """

  static let insertRow = """
    INSERT INTO reservations (id, user_id, metric, amount, committed, status, period_start, period_end, lease_expires_at, created_at,
      finished_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
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

  /// Ends an open reservation whose lease is over, and its job.
  static func expire(_ reservation: Reservation, _ db: any LedgerTransaction, now: Int64) throws {
    try db.run(setExpired, [now, reservation.id.text])
    try db.run(AnalysisRecord.expire, [now, reservation.id.text])
  }

  /// Ends the user's open reservations of one metric whose leases are over.
  static func expireOverdue(of user: UserID, _ metric: String, _ db: any LedgerTransaction, now: Int64) throws {
    for row in try db.rows(overdueOfUser, [user.text, metric, now]) { try expire(Reservation(row: row), db, now: now) }
  }

  /// Where a user stands to whom `units` are to be granted, with the period, and whether reservations were ended for it.
  ///
  /// Open reservations whose leases are over are ended before units are granted: one that is not counted any more must not be committed
  /// later. Where the units don't fit nothing is written while the period is the present one: a call that fails after it has written makes
  /// its whole batch run again.
  static func standing(
    for units: Int64, of user: User, _ metric: AllowanceTable.Metric, named: Period? = nil, plan: String, _ table: AllowanceTable,
    _ db: any LedgerTransaction, now: Int64
  ) throws -> (period: Period, allowance: Allowance, expired: Bool) {
    let found = try StandingRecord.find(user, metric, db, named: named, now: now)
    let allowance = found.allowance(plan: plan, table)
    // They are not counted: without them the standing is the same, unless they are what keeps a later period open.
    guard found.hasOverdue, allowance.admits(units) || !found.isOfPresent else { return (found.quota.period, allowance, false) }
    try expireOverdue(of: user.id, metric.name, db, now: now)
    let left = try StandingRecord.find(user, metric, db, named: named, now: now)
    return (left.quota.period, left.allowance(plan: plan, table), true)
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
    let done = held.committed(amount, now: now)
    try use(done, limit: limit, action: action, event: event, db)
    return done
  }

  /// Counts the units of a committed reservation, and notes them in the user's history.
  static func use(_ done: Reservation, limit: Int64?, action: String, event: UsageEventID, _ db: any LedgerTransaction) throws {
    try db.run(use, [done.userID.text, done.metric, done.periodStartsAtMilliseconds, done.committed, limit])
    try UsageRecord.insert(
      UsageEvent(
        id: event, userID: done.userID, action: action, metric: done.metric, amount: done.committed,
        occurredAtMilliseconds: done.finishedAtMilliseconds ?? done.createdAtMilliseconds,
        metadata: "{\"reservation_id\":\"\(done.id)\"}"), db)
  }

  static func insert(_ made: Reservation, _ db: any LedgerTransaction) throws {
    try db.run(
      insertRow,
      [
        made.id.text, made.userID.text, made.metric, made.amount, made.committed, made.status.rawValue, made.periodStartsAtMilliseconds,
        made.periodEndsAtMilliseconds, made.leaseExpiresAtMilliseconds, made.createdAtMilliseconds, made.finishedAtMilliseconds,
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

extension Reservation {
  /// This reservation once `amount` of its units were used.
  func committed(_ amount: Int64, now: Int64) -> Reservation {
    var done = self
    done.status = .committed
    done.committed = amount
    done.leaseExpiresAtMilliseconds = nil
    done.finishedAtMilliseconds = now
    return done
  }

  /// The units that a standing counts as held for it.
  func counted(at now: Int64) -> Int64 { status == .held && (leaseExpiresAtMilliseconds ?? 0) > now ? amount : 0 }
}

extension SQLLedger {
  /// Holds units, or takes them at once, with the analysis and the stored answer of `call` if given, in one transaction. Throws `notFound`,
  /// `suspended`, `allowanceExhausted`, `idempotencyKeyReused`.
  public func reserve(
    _ request: ReservationRequest, call: IdempotentCall?, now: Int64, encode: ReservedAnswer
  ) async throws -> Unacknowledged<Once<Reserved>> {
    let (rules, table) = (rules, rules.allowances())
    let draft = ReservationDraft(request, now: now, begin: call == nil ? nil : encode.begin)
    return try await write(under: draft, or: { draft.renamed() }) { db, draft in
      if let call, let stored = try Idempotency.find(call, db, now: rules.aging(now)) {
        return Unacknowledged(.replay(stored), pending: [])
      }
      let user = try Self.require(request.userID, db)
      guard user.status == .active else { throw ServiceError(.suspended, ServiceError.suspendedDetail) }
      guard let metric = table.metric(request.metric) else { throw ServiceError(.notFound, "There is no metric \(request.metric).") }
      let plan = rules.plan(of: user, now: now)
      let (period, before, expired) = try ReservationRecord.standing(
        for: request.amount, of: user, metric, named: request.period, plan: plan, table, db, now: now)
      guard before.admits(request.amount) else {
        throw ServiceError.exhausted(before, of: request.amount, plan: plan, now: now)
      }
      let made = draft.made(in: period)
      try ReservationRecord.insert(made.reservation, db)
      if request.commit { try ReservationRecord.use(made.reservation, limit: before.limit, action: "committed", event: draft.event, db) }
      if let analysis = made.analysis { try AnalysisRecord.insert(analysis, db) }
      let after = request.commit ? before.adding(used: request.amount) : before.adding(held: request.amount)
      if request.commit { try db.exhausted(after, user.id, now: now) }
      let answer = made.end?(after)
      if let call, let answer { try Idempotency.keep(call, of: user.id, answer, of: made.analysis, db, now: now) }
      let isKnown = request.isHeld || before.limit == nil
      let pending = try db.made(changesHotState: expired || !isKnown, user.id, now: now)
      let reserved = Reserved(reservation: made.reservation, allowance: after, analysis: made.analysis, answer: answer)
      return Unacknowledged(.first(reserved), pending: pending)
    }
  }

  /// Commits `amount` units of a held reservation (nil: all) and releases the rest, in one transaction. The same commit again answers the
  /// same; throws `notFound`, `invalidTransition`, `reservationExpired`, a field error beyond the held units.
  public func commit(_ id: ReservationID, amount: Int64?, now: Int64) async throws -> Unacknowledged<Reserved> {
    let rules = rules
    return try await write(under: UsageEventID.made(at: now), or: { .made(at: now) }) { db, event in
      let held = try ReservationRecord.require(id, db)
      let units = amount ?? held.amount
      let isRepeated = held.status == .committed && held.committed == units
      guard isRepeated || held.status == .held else { throw ReservationRecord.refusal(held) }
      guard isRepeated || units <= held.amount else {
        throw ServiceError.field("amount", "out_of_range", "At most the \(held.amount) units that are held can be committed.")
      }
      let before = try StandingRecord.allowance(of: held, db, rules, now: now)
      if isRepeated { return Unacknowledged(Reserved(reservation: held, allowance: before, analysis: nil), pending: []) }
      let done = try ReservationRecord.commit(held, amount: units, limit: before.limit, action: "committed", event: event, db, now: now)
      let allowance = before.adding(used: units, held: -held.counted(at: now))
      try db.exhausted(allowance, done.userID, now: now)
      let isSeen = units == held.amount && !ReservationRecord.mayBeForgotten(held, now: now)
      let pending = try db.made(changesHotState: !isSeen, held.userID, now: now)
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
          Reserved(reservation: held, allowance: try StandingRecord.allowance(of: held, db, rules, now: now), analysis: nil), pending: [])
      }
      guard held.status == .held else { throw ReservationRecord.refusal(held) }
      let done = try ReservationRecord.release(held, db, now: now)
      // A job without its units is over.
      try db.run(AnalysisRecord.cancel, [now, id.text])
      let allowance = try StandingRecord.allowance(of: done, db, rules, now: now)
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
      let allowance = try StandingRecord.allowance(of: held, db, rules, now: now)
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
      return try StandingRecord.allowances(User(row: row), db, rules, now: now)
    }
  }
}
