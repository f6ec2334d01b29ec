import GatehouseCore

extension User {
  init(row: LedgerRow) throws(LedgerFailure) {
    try self.init(
      id: UserID(unchecked: row["id"]), externalID: row["external_id"], email: row["email"], emailVerified: row["email_verified"],
      pendingEmail: row["pending_email"], name: row["name"], timeZone: row["time_zone"], zoneOpenStartMilliseconds: row["zone_open_start"],
      zoneFloorMilliseconds: row["zone_floor"], zoneMonthStartMilliseconds: row["zone_month_start"],
      zoneMonthFloorMilliseconds: row["zone_month_floor"], plan: row["plan"], planEndsAtMilliseconds: row["plan_ends_at"],
      status: UserStatus(rawValue: row["status"]) ?? .suspended, suspendedReason: row["suspended_reason"],
      createdAtMilliseconds: row["created_at"],
      lastLoginAtMilliseconds: row["last_login_at"], awaitsVerification: row["awaits_verification"])
  }
}

enum UserRecord {
  /// Of an account, without its password: the column of the hash's cost is computed at each read.
  static let columns = """
    id, external_id, email, email_verified, pending_email, name, time_zone, zone_open_start, zone_floor, zone_month_start,
    zone_month_floor, plan, plan_ends_at, status, suspended_reason, created_at, last_login_at, awaits_verification
    """
  static let byID = "SELECT \(columns) FROM users WHERE id = ? AND status <> 'deleted'"
  static let credentialsByID = "SELECT \(columns), password_hash FROM users WHERE id = ? AND status <> 'deleted'"
  static let byEmail = "SELECT * FROM users WHERE canonical_email = ?"
  static let bySiblingEmail = "SELECT * FROM users WHERE sibling_email = ?"
  static let siblings = "SELECT id FROM users WHERE sibling_of IS NOT NULL ORDER BY sibling_of LIMIT ?"
  static let inherit = """
    UPDATE users SET canonical_email = sibling_of, sibling_email = NULL, sibling_of = NULL
    WHERE id = (SELECT id FROM users WHERE sibling_of = ?1 ORDER BY created_at, id LIMIT 1)
      AND NOT EXISTS (SELECT 1 FROM users WHERE canonical_email = ?1)
    """
  static let byExternalID = "SELECT * FROM users WHERE external_id = ?"
  static let newest = """
    SELECT * FROM users WHERE (created_at, id) < (?, ?) AND status <> 'deleted' ORDER BY created_at DESC, id DESC LIMIT ?
    """
  /// Each of the four ranges is served by its own index, and bounded.
  static let startingWith = """
    SELECT * FROM users WHERE status <> 'deleted' AND id IN (
      SELECT id FROM (SELECT id FROM users WHERE id >= ?1 AND id < ?2 LIMIT ?5)
      UNION SELECT id FROM (SELECT id FROM users WHERE external_id >= ?1 AND external_id < ?2 LIMIT ?5)
      UNION SELECT id FROM (SELECT id FROM users WHERE canonical_email >= ?3 AND canonical_email < ?4 LIMIT ?5)
      UNION SELECT id FROM (SELECT id FROM users WHERE sibling_of >= ?3 AND sibling_of < ?4 LIMIT ?5))
    """
  static let passwordCosts = "SELECT cost FROM password_costs WHERE users > 0 LIMIT 1000"
  static let insert = """
    INSERT INTO users (id, external_id, email, canonical_email, name, time_zone, zone_open_start, zone_floor, zone_month_start,
      zone_month_floor, plan, plan_ends_at, status, password_hash, created_at, awaits_verification)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'active', ?, ?, ?)
    """
  static let update = """
    UPDATE users SET external_id = ?, name = ?, time_zone = ?, zone_open_start = ?, zone_floor = ?, zone_month_start = ?,
      zone_month_floor = ?, plan = ?, plan_ends_at = ?, status = ?, suspended_reason = ?, pending_email = ? WHERE id = ?
    """
}

extension UserRecord {
  /// The account that an address finds: one that shares it by its own spelling alone, so that is looked for first.
  static func find(_ forms: EmailAddress.Forms, _ db: any LedgerTransaction) throws -> LedgerRow? {
    try db.row(bySiblingEmail, [forms.older]) ?? db.row(byEmail, [forms.canonical])
  }

  /// Gives the canonical form of an address that its account has left to the oldest of those that shared it, if there are any.
  static func pass(on email: String, _ db: any LedgerTransaction) throws {
    try db.run(inherit, [EmailAddress.Forms(email).canonical])
  }
}

extension SQLLedger: AccountLedger {
  /// Adds an account, which goes on in the open periods of a deleted one with its address; in one transaction. Throws `emailTaken`,
  /// `externalIDTaken`.
  public func createUser(_ user: User, canonicalEmail: String, passwordHash: String) async throws -> User {
    try await write { db in
      try Self.requireFree(email: canonicalEmail, for: user.id, db)
      try Self.requireFree(user.externalID, db)
      return try self.insert(user, canonicalEmail, passwordHash, db)
    }
  }

  /// Adds an account, or tells the feed of the one that has the address: the caller can't see which. One transaction either way.
  public func requestUser(_ user: User, canonicalEmail: String, passwordHash: String) async throws {
    try await write { db in
      guard let holder = try db.row(UserRecord.byEmail, [canonicalEmail]).map(User.init(row:)) else {
        _ = try self.insert(user, canonicalEmail, passwordHash, db)
        return
      }
      let now = user.createdAtMilliseconds
      try db.audit(holder.id, .signUpRepeated, by: .system, now: now)
      try db.event(.signUpRepeated, holder.id, now: now, ["email": .text(holder.email)])
      try db.stamp(now)
    }
  }

  private func insert(_ user: User, _ canonicalEmail: String, _ passwordHash: String, _ db: any LedgerTransaction) throws -> User {
    var user = user
    let now = user.createdAtMilliseconds
    let starts = try AddressRecord.carry(to: &user, addresses, db, now: now)
    try db.run(
      UserRecord.insert,
      [
        user.id.text, user.externalID, user.email, canonicalEmail, user.name, user.timeZone, user.zoneOpenStartMilliseconds,
        user.zoneFloorMilliseconds, user.zoneMonthStartMilliseconds, user.zoneMonthFloorMilliseconds, user.plan,
        user.planEndsAtMilliseconds, passwordHash, now, user.awaitsVerification,
      ])
    for start in starts {
      let period = user.period(start.kind, atMilliseconds: max(now, start.periodStart))
      let limit = rules.allowances().limit(plan: user.plan, metric: start.metric)
      try db.run(ReservationRecord.use, [user.id.text, start.metric, period.startMilliseconds, start.used, limit])
    }
    try db.audit(user.id, .userCreated, by: .user(user.id), now: now)
    try db.event(
      .userCreated, user.id, now: now, user.awaitsVerification ? ["awaits_verification": .flag(true), "email": .text(user.email)] : [:])
    // Redis needn't hear of it. But a ledger without this user is an older one, which the number tells.
    try db.run(HotRecord.nextSequence, [now])
    return user
  }

  /// Throws `emailTaken` if another account has the address.
  static func requireFree(email canonical: String, for id: UserID, _ db: any LedgerTransaction) throws {
    guard let row = try db.row(UserRecord.byEmail, [canonical]), try row["id"] != id.text else { return }
    throw ServiceError(.emailTaken, "An account with this email exists already. Log in, or use another email.")
  }

  private static func requireFree(_ externalID: String?, _ db: any LedgerTransaction) throws {
    guard let externalID, try db.row(UserRecord.byExternalID, [externalID]) != nil else { return }
    throw ServiceError(.externalIDTaken, "Another account has this external_id already.")
  }

  /// The account with this id, suspended ones included; nil without one, and for a deleted one.
  public func user(_ id: UserID) async throws -> User? {
    try await read { db in try db.row(UserRecord.byID, [id.text]).map(User.init(row:)) }
  }

  /// The account that this address finds: one with this very spelling before the one that holds the canonical form. nil
  /// without one.
  public func user(email: String) async throws -> User? {
    let forms = EmailAddress.Forms(email)
    return try await read { db in try UserRecord.find(forms, db).map(User.init(row:)) }
  }

  /// At most `max` accounts that only their own spelling of an address finds, in the order of the address.
  public func sharingAnAddress(max: Int) async throws -> [UserID] {
    try await read { db in try db.rows(UserRecord.siblings, [max]).map { try UserID(unchecked: $0["id"]) } }
  }

  /// The account that the app knows by this id, compared byte by byte; nil without one.
  public func user(externalID: String) async throws -> User? {
    try await read { db in try db.row(UserRecord.byExternalID, [externalID]).map(User.init(row:)) }
  }

  /// One page of accounts, newest first, deleted ones left out. With a query only the first matches of each index are looked at, so its
  /// pages end there.
  public func users(matching query: String, page: PageRequest) async throws -> Page<User> {
    try await read(for: .lists) { db in
      let bound = page.bound()
      guard query.isEmpty else {
        let search = AddressSearch(query)
        let bounds: LedgerValues = [
          query, query + "\u{10FFFF}", search.canonicalStart, search.canonicalStart + "\u{10FFFF}", PageRequest.limitRange.upperBound,
        ]
        let matched = try db.rows(UserRecord.startingWith, bounds).map(User.init(row:)).filter { user in
          search.isMatch(user.email) || user.id.text.hasPrefix(query) || user.externalID?.utf8.starts(with: query.utf8) == true
        }.sorted { ($0.createdAtMilliseconds, $0.id.text) > ($1.createdAtMilliseconds, $1.id.text) }
        let rest = matched.filter { ($0.createdAtMilliseconds, $0.id.text) < bound }
        return Array(rest.prefix(page.limit + 1)).page(limit: page.limit, start: Self.start)
      }
      return try db.rows(UserRecord.newest, [bound.milliseconds, bound.id, page.limit + 1]).map(User.init(row:))
        .page(limit: page.limit, start: Self.start)
    }
  }

  private static func start(_ user: User) -> PageStart { PageStart(milliseconds: user.createdAtMilliseconds, id: user.id.text) }

  /// The account that this address finds, found as by `user(email:)`, with its stored password hash; nil without one.
  public func credentials(email: String) async throws -> Credentials? {
    let forms = EmailAddress.Forms(email)
    return try await read { db in
      try UserRecord.find(forms, db).map { try Credentials(user: User(row: $0), passwordHash: $0["password_hash"]) }
    }
  }

  /// The account with this id and its stored password hash; nil without one, and for a deleted one.
  public func credentials(of id: UserID) async throws -> Credentials? {
    try await read { db in
      try db.row(UserRecord.credentialsByID, [id.text]).map { try Credentials(user: User(row: $0), passwordHash: $0["password_hash"]) }
    }
  }

  /// The different costs among stored password hashes, at most a thousand, in no order.
  public func passwordCosts() async throws -> [String] {
    try await read { db in try db.rows(UserRecord.passwordCosts, []).map { try $0["cost"] } }
  }

  /// Applies the given changes with their events and audit, in one transaction; a lifted suspension ends all sessions. Throws `notFound`,
  /// `externalIDTaken`.
  public func changeUser(_ id: UserID, _ changes: UserChanges, by actor: AuditActor, now: Int64) async throws -> Unacknowledged<User> {
    try await write { db in
      var user = try Self.require(id, db)
      if case .set(let name) = changes.name { user.name = name }
      if case .set(let externalID) = changes.externalID, !isSame(externalID, user.externalID) {
        try Self.requireFree(externalID, db)
        user.externalID = externalID
      }
      if case .set(let address) = changes.pendingEmail {
        let isPresent = address?.canonical == EmailAddress.Forms(user.email).canonical
        user.pendingEmail = isPresent ? nil : address?.text
      }
      if let zone = changes.timeZone, zone != user.timeZone { user.move(to: zone, atMilliseconds: now) }
      if let plan = changes.plan {
        user.plan = plan
        user.planEndsAtMilliseconds = nil
      }
      if case .set(let end) = changes.planEndsAtMilliseconds { user.planEndsAtMilliseconds = end }
      if let status = changes.status, status != user.status {
        user.status = status
        user.suspendedReason = status == .suspended ? changes.reason : nil
        // Tokens that were refused while suspended must not come back to life.
        if status == .active { try SessionRecord.endAll(of: id, .reactivated, db, now: now) }
        try db.event(status == .active ? .userReactivated : .userSuspended, id, now: now, ["reason": .text(changes.reason)])
      }
      if changes.plan != nil || changes.planEndsAtMilliseconds != .keep {
        try db.event(
          .planChanged, id, now: now,
          [
            "plan": .text(user.plan), "plan_ends_at": .text(user.planEndsAtMilliseconds.map(Instants.text)),
            "reason": .text(changes.reason),
          ])
      }
      try db.run(
        UserRecord.update,
        [
          user.externalID, user.name, user.timeZone, user.zoneOpenStartMilliseconds, user.zoneFloorMilliseconds,
          user.zoneMonthStartMilliseconds, user.zoneMonthFloorMilliseconds, user.plan, user.planEndsAtMilliseconds, user.status.rawValue,
          user.suspendedReason, user.pendingEmail, id.text,
        ])
      try db.audit(id, changes.auditAction, by: actor, reason: changes.reason, now: now)
      return Unacknowledged(user, pending: [try db.pending(id, now: now)])
    }
  }

  static func require(_ id: UserID, _ db: any LedgerTransaction) throws -> User {
    guard let row = try db.row(UserRecord.byID, [id.text]) else { throw ServiceError.noUser(id) }
    return try User(row: row)
  }
}

/// Whether two texts are the same bytes: Swift takes texts that look alike for equal.
private func isSame(_ one: String?, _ other: String?) -> Bool {
  guard let one, let other else { return one == nil && other == nil }
  return one.utf8.elementsEqual(other.utf8)
}

extension UserChanges {
  var auditAction: AuditAction {
    if let status { return status == .suspended ? .userSuspended : .userUnsuspended }
    if plan != nil { return .planChanged }
    switch pendingEmail {
    case .keep: return .userChanged
    case .set(let address): return address == nil ? .emailChangeDropped : .emailChangeRequested
    }
  }
}
