import GRDB
import GatehouseCore

/// Rows that nobody needs any more, in batches that leave the writer free: each statement takes an instant and how many may go.
enum Pruning {
  static let idempotency = """
    DELETE FROM idempotency WHERE (scope, key) IN (SELECT scope, key FROM idempotency WHERE created_at < ? LIMIT ?)
    """
  static let endedSessions = "DELETE FROM sessions WHERE rowid IN (SELECT rowid FROM sessions WHERE ended_at < ? LIMIT ?)"
  static let expiredSessions = "DELETE FROM sessions WHERE rowid IN (SELECT rowid FROM sessions WHERE expires_at < ? LIMIT ?)"
  static let reservations = """
    DELETE FROM reservations WHERE rowid IN (SELECT rowid FROM reservations WHERE finished_at < ? LIMIT ?)
    """
  static let usageEvents = "DELETE FROM usage_events WHERE rowid IN (SELECT rowid FROM usage_events WHERE occurred_at < ? LIMIT ?)"
  static let events = "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE occurred_at < ? LIMIT ?)"
  static let tokens = "DELETE FROM single_use_tokens WHERE hash IN (SELECT hash FROM single_use_tokens WHERE expires_at < ? LIMIT ?)"
  static let addressUsage = """
    DELETE FROM address_usage WHERE (address, metric) IN (SELECT address, metric FROM address_usage WHERE period_end < ? LIMIT ?)
    """
  static let audit = "DELETE FROM audit WHERE rowid IN (SELECT rowid FROM audit WHERE occurred_at < ? LIMIT ?)"
}

extension SQLiteLedger {
  public func prune(rowsMax: Int, now: Int64) async throws -> Int {
    let retention = rules.retention()
    let day: Int64 = 86_400_000
    var prunes = [
      (Pruning.idempotency, now - Idempotency.keptMilliseconds), (Pruning.endedSessions, now - day), (Pruning.expiredSessions, now - day),
      (Pruning.tokens, now), (Pruning.addressUsage, now),
    ]
    if let days = retention.eventDays { prunes.append((Pruning.events, now - Int64(days) * day)) }
    if let days = retention.reservationDays { prunes.append((Pruning.reservations, now - Int64(days) * day)) }
    if let days = retention.usageEventDays { prunes.append((Pruning.usageEvents, now - Int64(days) * day)) }
    if let days = retention.auditDays { prunes.append((Pruning.audit, now - Int64(days) * day)) }
    return try await write { [prunes] db in
      var step = try BulkDelete(db, rowsMax: rowsMax)
      for (sql, before) in prunes { try step.run(sql, [before]) }
      return step.removed
    }
  }
}
