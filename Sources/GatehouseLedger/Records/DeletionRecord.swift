import GatehouseCore

/// All that goes with a user: first what gives access and names the person, then in batches the rows.
enum DeletionRecord {
  static let forget = """
    UPDATE users SET status = 'deleted', email = '', canonical_email = NULL, sibling_email = NULL, sibling_of = NULL, external_id = NULL,
      pending_email = NULL, name = NULL, suspended_reason = NULL, password_hash = '' WHERE id = ?
    """
  /// One event says it for all of them.
  static let endSessions = "UPDATE sessions SET ended_at = ? WHERE user_id = ? AND ended_at IS NULL"
  static let next = "SELECT id FROM users WHERE status = 'deleted' LIMIT 1"
  /// In this order; each takes the user and how many rows may go.
  static func purges(_ sql: Dialect) -> [String] {
    [
      "DELETE FROM analyses WHERE \(sql.place) IN (SELECT \(sql.place) FROM analyses WHERE user_id = ? LIMIT ?)",
      "DELETE FROM usage_events WHERE \(sql.place) IN (SELECT \(sql.place) FROM usage_events WHERE user_id = ? LIMIT ?)",
      "DELETE FROM reservations WHERE \(sql.place) IN (SELECT \(sql.place) FROM reservations WHERE user_id = ? LIMIT ?)",
      "DELETE FROM sessions WHERE \(sql.place) IN (SELECT \(sql.place) FROM sessions WHERE user_id = ? LIMIT ?)",
      """
      DELETE FROM usage_daily WHERE (user_id, metric, period_start) IN (
        SELECT user_id, metric, period_start FROM usage_daily WHERE user_id = ? LIMIT ?)
      """,
      "DELETE FROM single_use_tokens WHERE hash IN (SELECT hash FROM single_use_tokens WHERE user_id = ? LIMIT ?)",
      // The event of the deletion stays, so that a backend can clean up.
      """
      DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE user_id = ? AND type <> 'user.deleted' LIMIT ?)
      """,
      "DELETE FROM overrides WHERE \(sql.place) IN (SELECT \(sql.place) FROM overrides WHERE user_id = ? LIMIT ?)",
      "DELETE FROM audit WHERE \(sql.place) IN (SELECT \(sql.place) FROM audit WHERE user_id = ? LIMIT ?)",
      "DELETE FROM idempotency WHERE id IN (SELECT id FROM idempotency WHERE scope = ? LIMIT ?)",
      "DELETE FROM idempotency WHERE id IN (SELECT id FROM idempotency WHERE user_id = ? AND user_id <> scope LIMIT ?)",
    ]
  }
  static let remove = "DELETE FROM users WHERE id = ?"
}

extension SQLLedger {
  /// Marks the account deleted, frees its email and external id, and ends its sessions and mailed tokens, in one transaction; its other
  /// rows go later. Throws `notFound`.
  public func deleteUser(_ id: UserID, by actor: AuditActor, reason: String?, now: Int64) async throws -> Unacknowledged<Void> {
    let rules = rules
    return try await write { [addresses] db in
      let user = try Self.require(id, db)
      try AddressRecord.keep(user, addresses, db, rules, now: now)
      try db.event(.userDeleted, id, now: now)
      try db.run(DeletionRecord.forget, [id.text])
      try UserRecord.pass(on: user.email, db)
      try db.run(DeletionRecord.endSessions, [now, id.text])
      try db.run(MailRecord.dropAll, [id.text])
      // Named in the detail alone: the trail of the deletion outlives the user's rows.
      try db.audit(nil, .userDeleted, by: actor, reason: reason, detail: "{\"user_id\":\"\(id)\"}", now: now)
      return Unacknowledged((), pending: [try db.pending(id, now: now)])
    }
  }

  /// Removes at most `rowsMax` rows of one deleted user, fewer if they are large, in one transaction; gives how many, 0 when none is left.
  public func purgeDeleted(rowsMax: Int) async throws -> Int {
    try await write { db in
      guard let row = try db.row(DeletionRecord.next, []) else { return 0 }
      let id: String = try row["id"]
      var step = try BulkDelete(db, rowsMax: rowsMax)
      for purge in DeletionRecord.purges(db.dialect) { try step.run(purge, id) }
      guard try step.goesOn() else { return step.removed }
      try db.run(DeletionRecord.remove, [id])
      return step.removed + 1
    }
  }
}
