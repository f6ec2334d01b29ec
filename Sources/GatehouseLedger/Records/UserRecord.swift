import GRDB
import GatehouseCore

extension User {
  init(row: Row) {
    self.init(
      id: UserID(unchecked: row["id"]), externalID: row["external_id"], email: row["email"], emailVerified: row["email_verified"],
      pendingEmail: row["pending_email"], name: row["name"], timeZone: row["time_zone"], zoneOpenStartMilliseconds: row["zone_open_start"],
      zoneFloorMilliseconds: row["zone_floor"], plan: row["plan"], planEndsAtMilliseconds: row["plan_ends_at"],
      status: Status(rawValue: row["status"]) ?? .suspended, suspendedReason: row["suspended_reason"],
      createdAtMilliseconds: row["created_at"],
      lastLoginAtMilliseconds: row["last_login_at"])
  }
}

enum UserRecord {
  static let byID = "SELECT * FROM users WHERE id = ? AND status <> 'deleted'"
  static let byEmail = "SELECT * FROM users WHERE canonical_email = ?"
  static let byExternalID = "SELECT * FROM users WHERE external_id = ?"
  static let auditPage = """
    SELECT * FROM audit WHERE user_id = ? AND (occurred_at, id) < (?, ?) ORDER BY occurred_at DESC, id DESC LIMIT ?
    """
  static let newest = """
    SELECT * FROM users WHERE (created_at, id) < (?, ?) AND status <> 'deleted' ORDER BY created_at DESC, id DESC LIMIT ?
    """
}

extension SQLiteLedger: AccountLedger {
  public func createUser(_ user: User, canonicalEmail: String, passwordHash: String) async throws -> User {
    try await write { db in
      guard try db.row(UserRecord.byEmail, [canonicalEmail]) == nil else {
        throw ServiceError(.emailTaken, "An account with this email exists already. Log in, or use another email.")
      }
      try Self.requireFree(user.externalID, db)
      try db.run(
        """
        INSERT INTO users (id, external_id, email, canonical_email, name, time_zone, plan, plan_ends_at, status, password_hash, created_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'active', ?, ?)
        """,
        [
          user.id.text, user.externalID, user.email, canonicalEmail, user.name, user.timeZone, user.plan, user.planEndsAtMilliseconds,
          passwordHash, user.createdAtMilliseconds,
        ])
      try db.audit(user.id, "user_created", by: .user(user.id), now: user.createdAtMilliseconds)
      return user
    }
  }

  private static func requireFree(_ externalID: String?, _ db: Database) throws {
    guard let externalID, try db.row(UserRecord.byExternalID, [externalID]) != nil else { return }
    throw ServiceError(.externalIDTaken, "Another account has this external_id already.")
  }

  public func user(_ id: UserID) async throws -> User? {
    try await read { db in try db.row(UserRecord.byID, [id.text]).map(User.init(row:)) }
  }

  public func user(canonicalEmail: String) async throws -> User? {
    try await read { db in try db.row(UserRecord.byEmail, [canonicalEmail]).map(User.init(row:)) }
  }

  public func user(externalID: String) async throws -> User? {
    try await read { db in try db.row(UserRecord.byExternalID, [externalID]).map(User.init(row:)) }
  }

  public func users(matching query: String, page: PageRequest) async throws -> Page<User> {
    try await read { db in
      guard query.isEmpty else {
        // Each of the three ranges is served by its own unique index.
        let end = query + "\u{10FFFF}"
        let found = try db.rows(
          """
          SELECT * FROM users WHERE id IN (
            SELECT id FROM users WHERE id >= :q AND id < :e UNION SELECT id FROM users WHERE external_id >= :q AND external_id < :e
            UNION SELECT id FROM users WHERE canonical_email >= :q AND canonical_email < :e LIMIT :n) AND status <> 'deleted'
          """, ["q": query, "e": end, "n": PageRequest.limitRange.upperBound])
        return Page(items: found.map(User.init(row:)), next: nil)
      }
      let found = try db.rows(UserRecord.newest, [page.after?.milliseconds ?? Int64.max, page.after?.id ?? "", page.limit + 1])
      return found.map(User.init(row:)).page(limit: page.limit) { PageStart(milliseconds: $0.createdAtMilliseconds, id: $0.id.text) }
    }
  }

  public func credentials(canonicalEmail: String) async throws -> Credentials? {
    try await read { db in
      try db.row(UserRecord.byEmail, [canonicalEmail]).map { Credentials(user: User(row: $0), passwordHash: $0["password_hash"]) }
    }
  }

  public func credentials(of id: UserID) async throws -> Credentials? {
    try await read { db in
      try db.row(UserRecord.byID, [id.text]).map { Credentials(user: User(row: $0), passwordHash: $0["password_hash"]) }
    }
  }

  public func changeUser(_ id: UserID, _ changes: UserChanges, by actor: Actor, now: Int64) async throws -> Changed<User> {
    try await write { db in
      var user = try Self.require(id, db)
      if case .set(let name) = changes.name { user.name = name }
      if case .set(let externalID) = changes.externalID, externalID != user.externalID {
        try Self.requireFree(externalID, db)
        user.externalID = externalID
      }
      if let zone = changes.timeZone, zone != user.timeZone {
        let open = Period.carriedOver(
          nowMilliseconds: now, zone: user.timeZone, openStartMilliseconds: user.zoneOpenStartMilliseconds,
          floorMilliseconds: user.zoneFloorMilliseconds)
        user.timeZone = zone
        user.zoneOpenStartMilliseconds = open.openStartMilliseconds
        user.zoneFloorMilliseconds = open.floorMilliseconds
      }
      if let plan = changes.plan {
        user.plan = plan
        user.planEndsAtMilliseconds = nil
      }
      if case .set(let end) = changes.planEndsAtMilliseconds { user.planEndsAtMilliseconds = end }
      if let status = changes.status, status != user.status {
        user.status = status
        user.suspendedReason = status == .suspended ? changes.reason : nil
        // Tokens that were refused while suspended must not come back to life.
        if status == .active { try db.run(SessionRecord.endAll, [now, id.text]) }
      }
      try db.run(
        """
        UPDATE users SET external_id = ?, name = ?, time_zone = ?, zone_open_start = ?, zone_floor = ?, plan = ?, plan_ends_at = ?,
          status = ?, suspended_reason = ? WHERE id = ?
        """,
        [
          user.externalID, user.name, user.timeZone, user.zoneOpenStartMilliseconds, user.zoneFloorMilliseconds, user.plan,
          user.planEndsAtMilliseconds, user.status.rawValue, user.suspendedReason, id.text,
        ])
      try db.audit(id, changes.auditAction, by: actor, reason: changes.reason, now: now)
      return Changed(user, pending: [try db.pending(id, now: now)])
    }
  }

  static func require(_ id: UserID, _ db: Database) throws -> User {
    guard let row = try db.row(UserRecord.byID, [id.text]) else { throw ServiceError(.notFound, "There is no user \(id).") }
    return User(row: row)
  }

  public func deleteUser(_ id: UserID, by actor: Actor, reason: String?, now: Int64) async throws -> Changed<Void> {
    try await write { db in
      _ = try Self.require(id, db)
      try db.run(
        """
        UPDATE users SET status = 'deleted', email = '', canonical_email = NULL, external_id = NULL, pending_email = NULL, name = NULL,
          password_hash = '' WHERE id = ?
        """, [id.text])
      try db.run(SessionRecord.endAll, [now, id.text])
      try db.audit(nil, "user_deleted", by: actor, reason: reason, detail: "{\"user_id\":\"\(id)\"}", now: now)
      return Changed((), pending: [try db.pending(id, now: now)])
    }
  }

  public func purgeDeleted(rowsMax: Int) async throws -> Int {
    try await write { db in
      guard let id = try String.fetchOne(db, sql: "SELECT id FROM users WHERE status = 'deleted' LIMIT 1") else { return 0 }
      var removed = 0
      for table in ["analyses", "usage_events", "reservations", "sessions"] where removed < rowsMax {
        try db.run(
          "DELETE FROM \(table) WHERE rowid IN (SELECT rowid FROM \(table) WHERE user_id = ? LIMIT ?)", [id, rowsMax - removed])
        removed += db.changesCount
      }
      guard removed < rowsMax else { return removed }
      for table in ["usage_daily", "overrides", "audit"] { try db.run("DELETE FROM \(table) WHERE user_id = ?", [id]) }
      try db.run("DELETE FROM idempotency WHERE scope = ?", [id])
      try db.run("DELETE FROM users WHERE id = ?", [id])
      return removed + 1
    }
  }

  public func overview(of id: UserID, now: Int64) async throws -> UserOverview? {
    let rules = rules
    return try await read { db in
      guard let row = try db.row(UserRecord.byID, [id.text]) else { return nil }
      let user = User(row: row)
      let hash: String = row["password_hash"]
      return UserOverview(
        user: user, passwordScheme: passwordScheme(hash), sessionsLive: try SessionRecord.live(of: id, db, rules, now: now).count,
        allowances: try ReservationRecord.allowances(user, db, rules, now: now))
    }
  }

  public func audit(of id: UserID, page: PageRequest) async throws -> Page<AuditEntry> {
    try await read { db in
      try db.rows(
        UserRecord.auditPage,
        [id.text, page.after?.milliseconds ?? Int64.max, page.after.flatMap { Int64($0.id) } ?? Int64.max, page.limit + 1]
      ).map {
        AuditEntry(
          number: $0["id"], occurredAtMilliseconds: $0["occurred_at"], actor: $0["actor"], action: $0["action"], reason: $0["reason"],
          detail: $0["detail"])
      }.page(limit: page.limit) { PageStart(milliseconds: $0.occurredAtMilliseconds, id: String($0.number)) }
    }
  }
}

extension UserChanges {
  var auditAction: String {
    if let status { return status == .suspended ? "user_suspended" : "user_unsuspended" }
    return plan != nil ? "plan_changed" : "user_changed"
  }
}

/// The scheme that a stored password hash names.
func passwordScheme(_ hash: String) -> String {
  if hash.hasPrefix("$argon2id$") { return "argon2id" }
  if hash.hasPrefix("pbkdf2:") { return "pbkdf2" }
  return hash.hasPrefix("scrypt:") ? "scrypt" : "bcrypt"
}
