import GatehouseCore
import GatehouseCrypto

extension UsageEvent {
  init(row: LedgerRow) throws(LedgerFailure) {
    try self.init(
      id: UsageEventID(unchecked: row["id"]), userID: UserID(unchecked: row["user_id"]), action: row["action"], metric: row["metric"],
      amount: row["amount"], occurredAtMilliseconds: row["occurred_at"], metadata: row["metadata"])
  }
}

enum UsageRecord {
  static let pageOfUser = """
    SELECT * FROM usage_events WHERE user_id = ? AND occurred_at >= ? AND (occurred_at, id) < (?, ?)
    ORDER BY occurred_at DESC, id DESC LIMIT ?
    """
  static let daily = """
    SELECT period_start, used, limit_units FROM usage_daily WHERE user_id = ? AND metric = ? AND period_start >= ? AND period_start < ?
    ORDER BY period_start
    """
  static let insertRow = """
    INSERT INTO usage_events (id, user_id, action, metric, amount, occurred_at, metadata) VALUES (?, ?, ?, ?, ?, ?, ?)
    """

  static func page(of user: UserID, from: Int64?, to: Int64?, _ page: PageRequest, _ db: any LedgerTransaction) throws -> Page<UsageEvent> {
    let bound = page.bound(before: to)
    return try db.rows(pageOfUser, [user.text, from ?? 0, bound.milliseconds, bound.id, page.limit + 1]).map(UsageEvent.init(row:))
      .page(limit: page.limit) { PageStart(milliseconds: $0.occurredAtMilliseconds, id: $0.id.text) }
  }

  static func insert(_ event: UsageEvent, _ db: any LedgerTransaction) throws {
    try db.run(
      insertRow,
      [event.id.text, event.userID.text, event.action, event.metric, event.amount, event.occurredAtMilliseconds, event.metadata])
  }
}

/// The first answers to calls with an `Idempotency-Key`.
enum Idempotency {
  static let find = """
    SELECT i.*, a.metadata FROM idempotency i LEFT JOIN analyses a ON a.id = i.analysis_id WHERE i.scope = ? AND i.key = ?
    """
  static let keep = """
    INSERT INTO idempotency (scope, key, fingerprint, status, location, body, created_at, user_id, analysis_id, cut_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (scope, key) DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status, location = excluded.location,
      body = excluded.body, created_at = excluded.created_at, user_id = excluded.user_id, analysis_id = excluded.analysis_id,
      cut_at = excluded.cut_at
    """
  /// A replay of a deleted analysis's beginning says that there was one, and nothing of what it was about.
  static func forgetAnalysis(_ sql: Dialect) -> [String] {
    [
      "UPDATE idempotency SET body = \(sql.withoutAnalysis) WHERE scope = ? AND location = ?",
      "UPDATE idempotency SET body = \(sql.withoutAnalysis) WHERE user_id = ? AND user_id <> scope AND location = ?",
    ]
  }

  /// The stored answer. Throws `idempotencyKeyReused` if the key was used for something else.
  static func find(_ call: IdempotentCall, _ db: any LedgerTransaction, now: Int64) throws -> StoredAnswer? {
    guard let row = try db.row(find, [call.scope, call.key]), try row["created_at"] + IdempotentCall.keptMilliseconds > now else {
      return nil
    }
    let stored: [UInt8] = try row["fingerprint"]
    guard ([call.fingerprint] + call.olderFingerprints).contains(where: { $0.bytes == stored }) else {
      throw ServiceError(.idempotencyKeyReused, "This Idempotency-Key was used for another request. Use a new key for a new request.")
    }
    let body = try CutAnswer.whole(row["body"], cutAt: row["cut_at"], metadata: row["metadata"])
    return try StoredAnswer(status: row["status"], body: body, location: row["location"])
  }

  /// - Parameters:
  ///   - user: whom the answer tells of; nil for one that tells of nobody.
  ///   - analysis: the job that the call began.
  static func keep(
    _ call: IdempotentCall, of user: UserID?, _ answer: StoredAnswer, of analysis: Analysis? = nil, _ db: any LedgerTransaction, now: Int64
  ) throws {
    let cut = CutAnswer(answer.body, without: analysis?.metadata)
    try db.run(
      keep,
      [
        call.scope, call.key, call.fingerprint.bytes, answer.status, answer.location, cut.body, now, user?.text,
        cut.cutAt == nil ? nil : analysis?.id.text, cut.cutAt,
      ])
  }
}

extension SQLLedger: WorkLedger {
  /// The answer that is kept for a call's scope and key; nil without one. Throws `idempotencyKeyReused` if it belongs to
  /// another request.
  public func answer(to call: IdempotentCall, now: Int64) async throws -> StoredAnswer? {
    try await read { [rules] db in try Idempotency.find(call, db, now: rules.aging(now)) }
  }

  /// One entry for each period with usage that starts in `[from, to)`, in milliseconds; the oldest first.
  public func dailyUsage(of user: UserID, metric: String, from: Int64, to: Int64) async throws -> [DailyUsage] {
    try await read(for: .lists) { db in
      try db.rows(UsageRecord.daily, [user.text, metric, from, to]).map {
        try DailyUsage(periodStartsAtMilliseconds: $0["period_start"], used: $0["used"], limit: $0["limit_units"])
      }
    }
  }

  /// One page of the usage history in `[from, to)`, newest first, on the readers of lists; nil leaves an end open.
  public func events(of user: UserID, from: Int64?, to: Int64?, page: PageRequest) async throws -> Page<UsageEvent> {
    try await read(for: .lists) { db in try UsageRecord.page(of: user, from: from, to: to, page, db) }
  }

  /// Writes all events and the answer to `call`, or none, in one transaction; a repeated call gets the stored answer. Throws `notFound` for
  /// an unknown user, `idempotencyKeyReused`.
  public func record(_ events: [UsageEvent], call: IdempotentCall, now: Int64, answer: StoredAnswer) async throws -> Once<Int> {
    try await write(under: events, or: { events.map { $0.renamed(at: now) } }) { [rules] db, events in
      if let stored = try Idempotency.find(call, db, now: rules.aging(now)) { return .replay(stored) }
      // All users before the first row: a call that fails after it has written makes its whole batch run again.
      var known: Set<UserID> = []
      for event in events where known.insert(event.userID).inserted { _ = try Self.require(event.userID, db) }
      for event in events { try UsageRecord.insert(event, db) }
      try db.stamp(now)
      // The answer is a number, whoever the events are of.
      try Idempotency.keep(call, of: UserID(call.scope), answer, db, now: now)
      return .first(events.count)
    }
  }
}
