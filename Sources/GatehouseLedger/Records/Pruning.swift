import GatehouseCore

/// Rows that nobody needs any more, in batches that leave the writer free: each statement takes an instant and how many may go.
enum Pruning {
  static let idempotency = "DELETE FROM idempotency WHERE id IN (SELECT id FROM idempotency WHERE created_at < ? LIMIT ?)"
  static func endedSessions(_ sql: Dialect) -> String {
    "DELETE FROM sessions WHERE \(sql.place) IN (SELECT \(sql.place) FROM sessions WHERE ended_at < ? LIMIT ?)"
  }
  static func expiredSessions(_ sql: Dialect) -> String {
    "DELETE FROM sessions WHERE \(sql.place) IN (SELECT \(sql.place) FROM sessions WHERE expires_at < ? LIMIT ?)"
  }
  static func reservations(_ sql: Dialect) -> String {
    "DELETE FROM reservations WHERE \(sql.place) IN (SELECT \(sql.place) FROM reservations WHERE finished_at < ? LIMIT ?)"
  }
  static func usageEvents(_ sql: Dialect) -> String {
    "DELETE FROM usage_events WHERE \(sql.place) IN (SELECT \(sql.place) FROM usage_events WHERE occurred_at < ? LIMIT ?)"
  }
  static let events = "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE occurred_at < ? LIMIT ?)"
  static let tokens = "DELETE FROM single_use_tokens WHERE hash IN (SELECT hash FROM single_use_tokens WHERE expires_at < ? LIMIT ?)"
  static let addressUsage = """
    DELETE FROM address_usage WHERE (address, metric) IN (SELECT address, metric FROM address_usage WHERE period_end < ? LIMIT ?)
    """
  static func audit(_ sql: Dialect) -> String {
    "DELETE FROM audit WHERE \(sql.place) IN (SELECT \(sql.place) FROM audit WHERE occurred_at < ? LIMIT ?)"
  }

  /// The statements whose rows `retention` no longer keeps, each with the instant that they are older than.
  static func due(_ retention: Settings.Retention, _ sql: Dialect, now: Int64) -> [(sql: String, before: Int64)] {
    let dayAgo = now - Day.milliseconds
    let prunes = [
      (idempotency, now - IdempotentCall.keptMilliseconds), (endedSessions(sql), dayAgo), (expiredSessions(sql), dayAgo), (tokens, now),
      (addressUsage, now),
    ]
    let kept = [
      (events, retention.eventDays), (reservations(sql), retention.reservationDays), (usageEvents(sql), retention.usageEventDays),
      (audit(sql), retention.auditDays),
    ]
    return prunes + kept.compactMap { sql, days in days.map { (sql, now - Int64($0) * Day.milliseconds) } }
  }
}

extension SQLLedger {
  /// Removes at most `rowsMax` rows that are older than the configured retention, fewer if they are large, in one transaction; gives how
  /// many.
  public func prune(rowsMax: Int, now: Int64) async throws -> Int {
    let retention = rules.retention()
    return try await write { db in
      var step = try BulkDelete(db, rowsMax: rowsMax)
      for (sql, before) in Pruning.due(retention, db.dialect, now: now) { try step.run(sql, before) }
      return step.removed
    }
  }
}
