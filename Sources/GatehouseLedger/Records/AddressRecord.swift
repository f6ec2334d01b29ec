import GatehouseCore
import GatehouseCrypto

/// The keyed digests that stand for an address: one a key of the server secret, the newest first.
struct AddressDigests: Sendable {
  let keys: @Sendable () -> [MacKey]

  func all(_ canonicalEmail: String) -> [[UInt8]] { keys().map { $0.hmac(Array(canonicalEmail.utf8)) } }
}

/// The units that an address has used, kept after its account is gone, until the period ends: signing up again gives no unit twice.
///
/// Units that a job holds count as used, since the job may still end well. A new account with the address goes on in the period that
/// was open, as after a change of zone, and so gets nothing before the old account would have.
enum AddressRecord {
  static func keepRow(_ sql: Dialect) -> String {
    """
    INSERT INTO address_usage (address, metric, kind, period_start, period_end, used) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT (address, metric) DO UPDATE SET
      used = CASE WHEN address_usage.period_end > ?7 THEN \(sql.greatest)(address_usage.used, excluded.used) ELSE excluded.used END,
      kind = excluded.kind, period_start = excluded.period_start,
      period_end = \(sql.greatest)(address_usage.period_end, excluded.period_end)
    """
  }
  /// Metrics that a user has taken units of, with the newest period of each: also of those that are not configured now.
  static let metricsOfUser = """
    SELECT metric, max(period_start) AS newest FROM (
      SELECT metric, period_start FROM usage_daily WHERE user_id = ?1
      UNION ALL SELECT metric, period_start FROM reservations WHERE user_id = ?1 AND status = 'held') GROUP BY metric
    """
  static let find = "SELECT * FROM address_usage WHERE address = ? AND period_end > ?"

  /// The usage of one metric that a new account starts with.
  struct Start {
    let metric: String
    let kind: Period.Kind
    let periodStart: Int64
    let periodEnd: Int64
    let used: Int64
  }

  /// Keeps what `user` has used and holds, under its present address.
  static func keep(_ user: User, _ digests: AddressDigests, _ db: any LedgerTransaction, _ rules: SQLLedger.Rules, now: Int64) throws {
    guard let address = digests.all(EmailAddress.Forms(user.email).canonical).first else { return }
    for metric in try metrics(of: user, db, rules) {
      try ReservationRecord.expireOverdue(of: user.id, metric.name, db, now: now)
      let quota = try StandingRecord.find(user, metric, db, now: now).quota
      guard quota.used + quota.held > 0 else { continue }
      try db.run(
        keepRow(db.dialect),
        [
          address, metric.name, metric.kind.rawValue, quota.period.startMilliseconds, quota.period.endMilliseconds,
          quota.used + quota.held, now,
        ])
    }
  }

  /// A metric that the configuration lacks now may be back tomorrow: what it is counted by shows in its newest period.
  private static func metrics(of user: User, _ db: any LedgerTransaction, _ rules: SQLLedger.Rules) throws -> [AllowanceTable.Metric] {
    let table = rules.allowances()
    return try db.rows(metricsOfUser, [user.id.text]).map { row in
      let newest: Int64 = try row["newest"]
      let isMonth = user.period(.month, atMilliseconds: newest).startMilliseconds == newest
      let name: String = try row["metric"]
      return table.metric(name) ?? AllowanceTable.Metric(name: name, kind: isMonth ? .month : .day)
    }
  }

  /// The units that the address of `user` has used in periods that are open; `user` goes on in them.
  static func carry(to user: inout User, _ digests: AddressDigests, _ db: any LedgerTransaction, now: Int64) throws -> [Start] {
    var starts: [String: Start] = [:]
    // A row that was kept before domains became ASCII stands under the older form, for a month at most.
    let forms = EmailAddress.Forms(user.email)
    for digest in Set([forms.canonical, forms.older]).flatMap(digests.all) {
      for row in try db.rows(find, [digest, now]) {
        let start = try Start(
          metric: row["metric"], kind: Period.Kind(rawValue: row["kind"]) ?? .day, periodStart: row["period_start"],
          periodEnd: row["period_end"], used: row["used"])
        if start.used > starts[start.metric]?.used ?? 0 { starts[start.metric] = start }
      }
    }
    let kept = Array(starts.values)
    if let day = kept.filter({ $0.kind == .day }).max(by: { $0.periodEnd < $1.periodEnd }) {
      user.zoneOpenStartMilliseconds = day.periodStart
      user.zoneFloorMilliseconds = day.periodEnd
    }
    if let month = kept.filter({ $0.kind == .month }).max(by: { $0.periodEnd < $1.periodEnd }) {
      user.zoneMonthStartMilliseconds = month.periodStart
      user.zoneMonthFloorMilliseconds = month.periodEnd
    }
    return kept
  }
}
