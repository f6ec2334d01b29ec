import GatehouseCore

extension FeedEvent {
  init(row: LedgerRow) throws(LedgerFailure) {
    try self.init(
      number: row["seq"], id: row["id"], type: row["type"], userID: UserID(unchecked: row["user_id"]), externalID: row["external_id"],
      occurredAtMilliseconds: row["occurred_at"], data: row["data"])
  }
}

/// The backend's feed. The writer holds SQLite's one write lock until its commit, so a higher number is never seen before a lower.
enum EventRecord {
  static let insert = """
    INSERT INTO events (id, type, user_id, external_id, occurred_at, data)
    VALUES (?1, ?2, ?3, (SELECT external_id FROM users WHERE id = ?3), ?4, ?5)
    """
  static let after = "SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?"
  static let ofUserAfter = "SELECT * FROM events WHERE user_id = ? AND seq > ? ORDER BY seq LIMIT ?"
  static func page(of user: UserID?, after number: Int64, limit: Int, _ db: any LedgerTransaction) throws -> [FeedEvent] {
    let rows = try user.map { try db.rows(ofUserAfter, [$0.text, number, limit]) }
    return try (rows ?? db.rows(after, [number, limit])).map(FeedEvent.init(row:))
  }

  static let setExhausted = """
    UPDATE usage_daily SET exhausted = 1 WHERE user_id = ? AND metric = ? AND period_start = ? AND exhausted = 0
    """
}

extension LedgerTransaction {
  /// Tells the feed of a change, in the change's own transaction.
  func event(_ kind: FeedEvent.EventType, _ user: UserID, now: Int64, _ data: KeyValuePairs<String, FeedEvent.Member> = [:]) throws {
    // Readers of the feed know an event again by its id, which no constraint keeps apart from others: all of it is random.
    try run(EventRecord.insert, [UsageEventID.random().text, kind.rawValue, user.text, now, FeedEvent.data(data)])
  }

  /// Tells the feed once in a period that a user has used all of a metric.
  func exhausted(_ allowance: Allowance, _ user: UserID, now: Int64) throws {
    guard let limit = allowance.limit, allowance.used >= limit + allowance.bonus else { return }
    guard try run(EventRecord.setExhausted, [user.text, allowance.metric, allowance.periodStartsAtMilliseconds]) == 1 else { return }
    try event(
      .allowanceExhausted, user, now: now,
      [
        "metric": .text(allowance.metric), "limit": .number(limit + allowance.bonus), "used": .number(allowance.used),
        "resets_at": .text(Instants.text(allowance.resetsAtMilliseconds)),
      ])
  }
}

extension SQLLedger: EventLedger {
  /// At most `limit` events with a greater number than `number`, in the order of the commits; nil as user means all users.
  public func feed(of user: UserID?, after number: Int64, limit: Int) async throws -> [FeedEvent] {
    try await read(for: .lists) { db in try EventRecord.page(of: user, after: number, limit: limit, db) }
  }
}
