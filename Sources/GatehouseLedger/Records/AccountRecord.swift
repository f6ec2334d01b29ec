import GatehouseCore

/// The trail of what happened to accounts.
enum AuditRecord {
  static let insert = "INSERT INTO audit (user_id, occurred_at, actor, action, reason, detail) VALUES (?, ?, ?, ?, ?, ?)"
  static let pageOfUser = """
    SELECT * FROM audit WHERE user_id = ? AND (occurred_at, id) < (?, ?) ORDER BY occurred_at DESC, id DESC LIMIT ?
    """

  static func page(of id: UserID, _ page: PageRequest, _ db: any LedgerTransaction) throws -> Page<AuditEntry> {
    try db.rows(
      pageOfUser, [id.text, page.after?.milliseconds ?? Int64.max, page.after.flatMap { Int64($0.id) } ?? Int64.max, page.limit + 1]
    ).map(AuditEntry.init(row:)).page(limit: page.limit) { PageStart(milliseconds: $0.occurredAtMilliseconds, id: String($0.number)) }
  }
}

extension AuditEntry {
  init(row: LedgerRow) throws(LedgerFailure) {
    try self.init(
      number: row["id"], occurredAtMilliseconds: row["occurred_at"], actor: row["actor"], action: row["action"], reason: row["reason"],
      detail: row["detail"])
  }
}

extension LedgerTransaction {
  /// Writes what happened to an account.
  func audit(_ user: UserID?, _ action: AuditAction, by actor: AuditActor, reason: String? = nil, detail: String = "{}", now: Int64) throws
  {
    try run(AuditRecord.insert, [user?.text, now, actor.text, action.rawValue, reason, detail])
  }
}

extension SQLLedger {
  /// The account, its standings and its number of live sessions at `now`, in one read transaction; nil without one, and for a deleted one.
  public func overview(of id: UserID, now: Int64) async throws -> UserOverview? {
    let rules = rules
    return try await read { db in
      guard let row = try db.row(UserRecord.credentialsByID, [id.text]) else { return nil }
      let user = try User(row: row)
      return try UserOverview(
        user: user, passwordScheme: passwordScheme(row["password_hash"]),
        sessionsLive: try SessionRecord.live(of: id, db, rules, now: now).count,
        allowances: try StandingRecord.allowances(user, db, rules, now: now))
    }
  }

  /// One page of the trail, newest first, on the readers of lists: no decision waits for it.
  public func audit(of id: UserID, page: PageRequest) async throws -> Page<AuditEntry> {
    try await read(for: .lists) { db in try AuditRecord.page(of: id, page, db) }
  }
}

/// The scheme that a stored password hash names.
private func passwordScheme(_ hash: String) -> String {
  if hash.hasPrefix("$argon2id$") { return "argon2id" }
  if hash.hasPrefix("pbkdf2:") { return "pbkdf2" }
  return hash.hasPrefix("scrypt:") ? "scrypt" : "bcrypt"
}
