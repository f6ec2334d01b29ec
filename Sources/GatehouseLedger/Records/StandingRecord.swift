import GatehouseCore

/// Where a user stands with a metric in one period.
struct Standing {
  let quota: HotSnapshot.Quota
  /// When it changes by itself.
  let changesAtMilliseconds: Int64
  /// Whether there are open reservations whose lease is over, which count no more.
  let hasOverdue: Bool
  /// Whether its period is the one that was asked for: the named one, or that of the present instant. Units that were taken in a later one
  /// keep that open.
  var isOfPresent = true

  func allowance(plan: String, _ table: AllowanceTable) -> Allowance {
    Allowance(
      metric: quota.metric, limit: quota.override ?? table.limit(plan: plan, metric: quota.metric), bonus: quota.bonus, used: quota.used,
      held: quota.held, periodStartsAtMilliseconds: quota.period.startMilliseconds, resetsAtMilliseconds: quota.period.endMilliseconds)
  }
}

/// The sums of reservations and usage. Held is the sum of the open reservations: there is no counter to go wrong.
enum StandingRecord {
  /// All of one user and metric at once: ?3 is the start of the period that is counted, ?4 the present instant.
  static let one = """
    SELECT max(period_start) AS newest_held,
      coalesce(sum(CASE WHEN period_start = ?3 AND lease_expires_at > ?4 THEN amount END), 0) AS held,
      min(CASE WHEN period_start = ?3 AND lease_expires_at > ?4 THEN lease_expires_at END) AS lease,
      min(lease_expires_at) AS first_lease,
      (SELECT max(period_start) FROM usage_daily WHERE user_id = ?1 AND metric = ?2) AS newest_used,
      (SELECT used FROM usage_daily WHERE user_id = ?1 AND metric = ?2 AND period_start = ?3) AS used,
      EXISTS (SELECT 1 FROM overrides WHERE user_id = ?1 AND metric = ?2 AND ends_at > ?4) AS has_overrides
    FROM reservations WHERE user_id = ?1 AND metric = ?2 AND status = 'held'
    """
  static let overrides = "SELECT * FROM overrides WHERE user_id = ? AND metric = ? AND ends_at > ?"
  static let owner = "SELECT \(UserRecord.columns) FROM users WHERE id = ?"

  /// A user's standing with one metric in the period that is open, and none older than the newest that the user has taken units in: a
  /// clock that was set back opens no period again, whoever accepted it.
  /// - Parameter named: the period that the gate counted in.
  static func find(
    _ user: User, _ metric: AllowanceTable.Metric, _ db: any LedgerTransaction, named: Period? = nil, now: Int64
  ) throws -> Standing {
    let guess = named ?? user.period(metric.kind, atMilliseconds: now)
    let row = try row(of: user.id, metric.name, guess, db, now: now)
    let newest: Int64 = try max(row["newest_held"] ?? 0, row["newest_used"] ?? 0)
    let isOpen = named.map { $0.endMilliseconds > newest } ?? (newest <= now)
    let period = isOpen ? guess : user.period(metric.kind, atMilliseconds: max(now, newest))
    guard period != guess else { return try standing(row, of: user.id, metric.name, period, db, now: now) }
    var later = try find(of: user.id, metric.name, in: period, db, now: now)
    later.isOfPresent = false
    return later
  }

  /// A user's standing with one metric in any period.
  static func find(of user: UserID, _ metric: String, in period: Period, _ db: any LedgerTransaction, now: Int64) throws -> Standing {
    try standing(row(of: user, metric, period, db, now: now), of: user, metric, period, db, now: now)
  }

  private static func row(of user: UserID, _ metric: String, _ period: Period, _ db: any LedgerTransaction, now: Int64) throws -> LedgerRow
  {
    guard let row = try db.row(one, [user.text, metric, period.startMilliseconds, now]) else {
      throw LedgerFailure(.internal("A sum of the ledger has no row."))
    }
    return row
  }

  private static func standing(
    _ row: LedgerRow, of user: UserID, _ metric: String, _ period: Period, _ db: any LedgerTransaction, now: Int64
  ) throws -> Standing {
    var changesAt = period.endMilliseconds
    var override: Int64??
    var bonus: Int64 = 0
    let exceptions = try row["has_overrides"] ? db.rows(overrides, [user.text, metric, now]) : []
    // A handful a user: the newest override is the last.
    for row in try exceptions.sorted(by: { try ($0["id"] as Int64) < ($1["id"] as Int64) }) {
      let starts: Int64 = try row["starts_at"]
      guard starts <= now else {
        changesAt = min(changesAt, starts)
        continue
      }
      changesAt = min(changesAt, try row["ends_at"])
      let units = try (row["units"] as Int64?).map(bounded)
      if try row["kind"] == "limit" { override = .some(units) } else { bonus = bounded(bonus + (units ?? 0)) }
    }
    let quota = try HotSnapshot.Quota(
      metric: metric, period: period, used: bounded(row["used"] ?? 0), held: bounded(row["held"]), leaseEndsAtMilliseconds: row["lease"],
      override: override, bonus: bonus)
    let firstLease: Int64? = try row["first_lease"]
    return Standing(quota: quota, changesAtMilliseconds: changesAt, hasOverdue: firstLease.map { $0 <= now } ?? false)
  }

  /// Units as they can be counted with, here and by Redis's numbers: somebody may have written any number by hand.
  private static func bounded(_ units: Int64) -> Int64 { min(max(0, units), unitsMax) }
  private static let unitsMax: Int64 = 1_000_000_000_000_000

  static func allowances(_ user: User, _ db: any LedgerTransaction, _ rules: SQLLedger.Rules, now: Int64) throws -> [Allowance] {
    let table = rules.allowances()
    let plan = rules.plan(of: user, now: now)
    return try table.metrics.map { try find(user, $0, db, now: now).allowance(plan: plan, table) }
  }

  /// The standing in a reservation's own period.
  static func allowance(
    of reservation: Reservation, _ db: any LedgerTransaction, _ rules: SQLLedger.Rules, now: Int64
  ) throws -> Allowance {
    guard let row = try db.row(owner, [reservation.userID.text]) else { throw ServiceError.noUser(reservation.userID) }
    let user = try User(row: row)
    let table = rules.allowances()
    let period = Period(
      kind: table.metric(reservation.metric)?.kind ?? .day, startMilliseconds: reservation.periodStartsAtMilliseconds,
      endMilliseconds: reservation.periodEndsAtMilliseconds)
    return try find(of: user.id, reservation.metric, in: period, db, now: now).allowance(plan: rules.plan(of: user, now: now), table)
  }
}

extension Allowance {
  /// The standing once so many more units are used and held: what a transaction that has read it makes of it.
  func adding(used: Int64 = 0, held: Int64 = 0) -> Allowance {
    Allowance(
      metric: metric, limit: limit, bonus: bonus, used: self.used + used, held: self.held + held,
      periodStartsAtMilliseconds: periodStartsAtMilliseconds, resetsAtMilliseconds: resetsAtMilliseconds)
  }
}
