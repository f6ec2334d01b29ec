import GatehouseCore
import GatehouseCrypto

extension Session {
  /// From a row of a session joined with one of its tokens.
  init(row: LedgerRow) throws(LedgerFailure) {
    try self.init(
      id: SessionID(unchecked: row["id"]), userID: UserID(unchecked: row["user_id"]),
      sessionClass: SessionClass(rawValue: row["class"]) ?? .web,
      transport: Transport(rawValue: row["transport"]) ?? .bearer, device: row["device"], userAgent: row["user_agent"], ip: row["ip"],
      createdAtMilliseconds: row["created_at"], authenticatedAtMilliseconds: row["authenticated_at"], seenAtMilliseconds: row["seen_at"],
      expiresAtMilliseconds: row["expires_at"],
      tokenHash: (row["token_hash"] as [UInt8]?).flatMap(Digest256.init(bytes:)) ?? Digest256.sha256([]),
      isSuccessor: (row["used_at"] as Int64?) == nil, tokenEndsAtMilliseconds: row["ends_at"])
  }
}

enum SessionRecord {
  static let endOthers = "UPDATE sessions SET ended_at = ? WHERE user_id = ? AND ended_at IS NULL AND id <> ? RETURNING id"
  static let end = "UPDATE sessions SET ended_at = ? WHERE id = ? AND user_id = ? AND ended_at IS NULL"
  static let insertRow = """
    INSERT INTO sessions (id, user_id, class, transport, device, user_agent, ip, created_at, seen_at, expires_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    """
  static let unended = """
    SELECT s.*, t.hash AS token_hash, t.authenticated_at, t.used_at, t.ends_at FROM sessions s JOIN session_tokens t ON t.session_id = s.id
    WHERE s.id = ? AND s.ended_at IS NULL
    """
  static let liveOfUser = """
    SELECT s.*, t.hash AS token_hash, t.authenticated_at, t.used_at, t.ends_at FROM sessions s JOIN session_tokens t ON t.session_id = s.id
    WHERE s.user_id = ? AND s.ended_at IS NULL ORDER BY s.seen_at DESC
    """
  static let recordLogin = """
    UPDATE users SET last_login_at = ?, password_hash = ? WHERE id = ? AND status = 'active' AND password_hash = ?
    """
  static let setPassword = "UPDATE users SET password_hash = ? WHERE id = ? AND status = 'active' AND password_hash = ?"
  static let countFailure = """
    UPDATE sessions SET password_failures = password_failures + 1 WHERE id = ? AND user_id = ? AND ended_at IS NULL
    RETURNING password_failures
    """
  static let touch = "UPDATE sessions SET seen_at = ?1 WHERE id = ?2 AND ended_at IS NULL AND seen_at < ?1"
  static let validFrom = "SELECT sessions_valid_from FROM meta"
  static let countLive = "SELECT count(*) FROM sessions WHERE ended_at IS NULL AND expires_at > ? AND created_at >= ?"
  static func endEveryone(_ sql: Dialect) -> String {
    """
    UPDATE meta SET era = era + 1, sessions_valid_from = \(sql.greatest)(sessions_valid_from, newest_stamp, ?1) + 1,
      newest_stamp = \(sql.greatest)(newest_stamp, ?1)
    """
  }

  /// Why a session ended, as the feed says it.
  enum End: String {
    /// By its user, the app or an operator.
    case ended
    /// The least recently seen of too many.
    case capped
    case passwordChanged = "password_changed"
    case passwordReset = "password_reset"
    /// Too many wrong passwords in a row.
    case guessed
    /// A suspension was lifted.
    case reactivated
  }

  /// Ends a user's sessions but `kept`, and tells the feed of each; how many.
  @discardableResult
  static func endAll(of user: UserID, except kept: SessionID? = nil, _ cause: End, _ db: any LedgerTransaction, now: Int64) throws -> Int {
    let ended: [String] = try db.rows(endOthers, [now, user.text, kept?.text ?? ""]).map { try $0["id"] }
    for id in ended { try told(id, of: user, cause, db, now: now) }
    return ended.count
  }

  /// Ends one session of a user; whether there was one.
  static func end(_ id: SessionID, of user: UserID, _ cause: End, _ db: any LedgerTransaction, now: Int64) throws -> Bool {
    guard try db.run(end, [now, id.text, user.text]) == 1 else { return false }
    try told(id.text, of: user, cause, db, now: now)
    return true
  }

  private static func told(_ id: String, of user: UserID, _ cause: End, _ db: any LedgerTransaction, now: Int64) throws {
    try db.event(.sessionEnded, user, now: now, ["session_id": .text(id), "reason": .text(cause.rawValue)])
  }

  static func validFrom(_ db: any LedgerTransaction) throws -> Int64 { try db.number(validFrom, []) ?? 0 }

  /// Neither ended nor past any of its ends, and seen through a token that is not past its own.
  static func isLive(_ session: Session, validFrom: Int64, _ rules: SQLLedger.Rules, now: Int64) -> Bool {
    session.createdAtMilliseconds >= validFrom && now < min(session.expiresAtMilliseconds, session.tokenEndsAtMilliseconds ?? .max)
      && now <= rules.timeouts(session.sessionClass).idleEnd(seenAtMilliseconds: session.seenAtMilliseconds)
  }

  /// The live sessions of a user through each of their live tokens, the last seen first.
  static func tokens(of user: UserID, _ db: any LedgerTransaction, _ rules: SQLLedger.Rules, now: Int64) throws -> [Session] {
    let validFrom = try validFrom(db)
    return try db.rows(liveOfUser, [user.text]).map(Session.init(row:)).filter { isLive($0, validFrom: validFrom, rules, now: now) }
  }

  /// The live sessions of a user, each once, the last seen first.
  static func live(of user: UserID, _ db: any LedgerTransaction, _ rules: SQLLedger.Rules, now: Int64) throws -> [Session] {
    var all: [Session] = []
    for seen in try tokens(of: user, db, rules, now: now) {
      if let last = all.last, last.id == seen.id {
        all[all.count - 1] = newest(last, seen)
      } else {
        all.append(seen)
      }
    }
    return all
  }

  static func live(
    _ id: SessionID, of user: UserID, _ db: any LedgerTransaction, _ rules: SQLLedger.Rules, now: Int64
  ) throws -> Session? {
    let validFrom = try validFrom(db)
    let seen = try db.rows(unended, [id.text]).map(Session.init(row:)).filter {
      $0.userID == user && isLive($0, validFrom: validFrom, rules, now: now)
    }
    guard let first = seen.first else { return nil }
    return seen.dropFirst().reduce(first, newest)
  }

  /// The live session that a token opens, if it is this one.
  static func opened(
    by token: Digest256, _ id: SessionID, _ db: any LedgerTransaction, _ rules: SQLLedger.Rules, now: Int64
  ) throws -> Session? {
    guard let row = try db.row(TokenRecord.session, [token.bytes]), try (row["ended_at"] as Int64?) == nil else { return nil }
    let session = try Session(row: row)
    guard session.id == id, isLive(session, validFrom: try validFrom(db), rules, now: now) else { return nil }
    return session
  }

  /// One session through the token whose password is the newest; of several the one that is in use.
  private static func newest(_ one: Session, _ other: Session) -> Session {
    func rank(_ seen: Session) -> (Int64, Int, Int64) {
      (seen.authenticatedAtMilliseconds, seen.isSuccessor ? 0 : 1, seen.tokenEndsAtMilliseconds ?? .max)
    }
    return rank(one) >= rank(other) ? one : other
  }

  static func insert(_ session: Session, createdAt: Int64, _ db: any LedgerTransaction) throws {
    try db.run(
      insertRow,
      [
        session.id.text, session.userID.text, session.sessionClass.rawValue, session.transport.rawValue, session.device, session.userAgent,
        session.ip, createdAt, session.seenAtMilliseconds, session.expiresAtMilliseconds,
      ])
    try TokenRecord.insertFirst(
      session.tokenHash, of: session.id, authenticatedAt: session.authenticatedAtMilliseconds, now: createdAt, db)
  }
}

extension SQLLedger: SessionLedger {
  /// Adds a session and ends those beyond `sessionsMax`, in one transaction; gives how many it ended. nil, and nothing written, unless the
  /// account is active and its password hash still `verifiedHash`.
  public func openSession(_ session: Session, verifiedHash: String, rehash: String?, sessionsMax: Int) async throws -> Unacknowledged<Int>?
  {
    let rules = rules
    return try await write { db in
      let now = session.createdAtMilliseconds
      guard try db.run(SessionRecord.recordLogin, [now, rehash ?? verifiedHash, session.userID.text, verifiedHash]) == 1 else { return nil }
      let live = try SessionRecord.live(of: session.userID, db, rules, now: now)
      let beyond = live.dropFirst(max(0, sessionsMax - 1))
      for old in beyond { _ = try SessionRecord.end(old.id, of: session.userID, .capped, db, now: now) }
      // Where everyone's sessions were ended by a clock that is ahead, a session of now would be dead when it is answered.
      try SessionRecord.insert(session, createdAt: max(now, try SessionRecord.validFrom(db)), db)
      try db.audit(session.userID, .loggedIn, by: .user(session.userID), now: now)
      try db.event(
        .sessionCreated, session.userID, now: now, ["session_id": .text(session.id.text), "class": .text(session.sessionClass.rawValue)])
      return Unacknowledged(beyond.count, pending: [try db.pending(session.userID, now: now)])
    }
  }

  /// The session that the token opens at `now`, with its user, in one read transaction: live, expired by its timeouts, or dead.
  public func session(tokenHash: Digest256, now: Int64) async throws -> FoundSession {
    let rules = rules
    return try await read { db in
      guard let row = try db.row(TokenRecord.session, [tokenHash.bytes]), try (row["ended_at"] as Int64?) == nil else { return .dead }
      let session = try Session(row: row)
      if let end = session.tokenEndsAtMilliseconds, now >= end { return .dead }
      let validFrom = try SessionRecord.validFrom(db)
      guard session.createdAtMilliseconds >= validFrom, let owner = try db.row(UserRecord.byID, [session.userID.text]) else { return .dead }
      guard SessionRecord.isLive(session, validFrom: validFrom, rules, now: now) else { return .expired }
      return try .live(session, User(row: owner), isSuccessor: session.isSuccessor)
    }
  }

  /// One session of this user, if it is live at `now`; nil otherwise.
  public func session(_ id: SessionID, of user: UserID, now: Int64) async throws -> Session? {
    let rules = rules
    return try await read { db in try SessionRecord.live(id, of: user, db, rules, now: now) }
  }

  /// One page of the user's live sessions: `first` if given, then by when they were last seen, the newest first.
  public func sessions(of user: UserID, first: SessionID?, page: PageRequest, now: Int64) async throws -> Page<Session> {
    let rules = rules
    return try await read { db in try SessionRecord.page(of: user, first: first, page, db, rules, now: now) }
  }

  /// Ends one session with its event and audit, in one transaction; false, and nothing changed, if the user has no such session.
  public func endSession(_ id: SessionID, of user: UserID, by actor: AuditActor, now: Int64) async throws -> Unacknowledged<Bool> {
    try await write { db in
      guard try SessionRecord.end(id, of: user, .ended, db, now: now) else { return Unacknowledged(false, pending: []) }
      try db.audit(user, .sessionEnded, by: actor, detail: "{\"session_id\":\"\(id)\"}", now: now)
      return Unacknowledged(true, pending: [try db.pending(user, now: now)])
    }
  }

  /// Ends all sessions of a user but `kept`, in one transaction; gives how many of them were live.
  public func endSessions(of user: UserID, except kept: SessionID?, by actor: AuditActor, reason: String?, now: Int64) async throws
    -> Unacknowledged<
      Int
    >
  {
    let rules = rules
    return try await write { db in
      let live = try SessionRecord.live(of: user, db, rules, now: now).filter { $0.id != kept }
      guard try SessionRecord.endAll(of: user, except: kept, .ended, db, now: now) > 0 else { return Unacknowledged(0, pending: []) }
      try db.audit(user, .sessionsEnded, by: actor, reason: reason, now: now)
      return Unacknowledged(live.count, pending: [try db.pending(user, now: now)])
    }
  }

  /// Ends the sessions of all users by one number in the ledger, whatever their count. The result counts those that were live just before,
  /// in a read of its own.
  public func endEveryone(by actor: AuditActor, reason: String, now: Int64) async throws -> Unacknowledged<Int> {
    // Counted by a reader: the writer must not walk through all sessions.
    let live = try await read { db in try db.number(SessionRecord.countLive, [now, try SessionRecord.validFrom(db)]) }
    return try await write { db in
      try db.run(SessionRecord.endEveryone(db.dialect), [now])
      try db.audit(nil, .everyoneEnded, by: actor, reason: reason, now: now)
      return Unacknowledged(Int(live ?? 0))
    }
  }

  /// Sets the password hash, ends all sessions but `kept` and gives that one its only token, in one transaction; mailed tokens end too.
  /// nil, and nothing changed, if the session is not live or the hash is no longer `verifiedHash`.
  public func changePassword(
    of user: UserID, verifiedHash: String, newHash: String, kept: SessionID, newTokenHash: Digest256, now: Int64
  ) async throws -> Unacknowledged<Session>? {
    let rules = rules
    return try await write { db in
      guard let session = try SessionRecord.live(kept, of: user, db, rules, now: now) else { return nil }
      guard try db.run(SessionRecord.setPassword, [newHash, user.text, verifiedHash]) == 1 else { return nil }
      try SessionRecord.endAll(of: user, except: kept, .passwordChanged, db, now: now)
      try db.run(MailRecord.dropAll, [user.text])
      try db.run(TokenRecord.dropAll, [kept.text])
      try TokenRecord.insertFirst(newTokenHash, of: kept, authenticatedAt: now, now: now, db)
      try db.run(TokenRecord.startAnew, [kept.text])
      try db.audit(user, .passwordChanged, by: .user(user), now: now)
      try db.event(.passwordChanged, user, now: now)
      var changed = session
      changed.tokenHash = newTokenHash
      changed.isSuccessor = false
      changed.tokenEndsAtMilliseconds = nil
      changed.authenticatedAtMilliseconds = now
      return Unacknowledged(changed, pending: [try db.pending(user, now: now)])
    }
  }

  /// Counts one wrong password and ends the session at `failuresMax`, in one transaction; gives the count, 0 without such a session.
  public func passwordFailed(_ id: SessionID, of user: UserID, failuresMax: Int, now: Int64) async throws -> Unacknowledged<Int> {
    try await write { db in
      guard let failures = try db.number(SessionRecord.countFailure, [id.text, user.text]) else { return Unacknowledged(0, pending: []) }
      try db.stamp(now)
      guard failures >= failuresMax, try SessionRecord.end(id, of: user, .guessed, db, now: now) else {
        return Unacknowledged(Int(failures), pending: [])
      }
      try db.audit(
        user, .sessionEnded, by: .system, reason: "too many wrong passwords", detail: "{\"session_id\":\"\(id)\"}", now: now)
      return Unacknowledged(Int(failures), pending: [try db.pending(user, now: now)])
    }
  }

  /// Notes in a later transaction, without waiting, when a session was last seen; it is lost if the write queue is full.
  public func touch(_ id: SessionID, seenAt now: Int64) {
    database.enqueue { db in try db.run(SessionRecord.touch, [now, id.text]) }
  }
}

extension SessionRecord {
  static func page(
    of user: UserID, first: SessionID?, _ page: PageRequest, _ db: any LedgerTransaction, _ rules: SQLLedger.Rules, now: Int64
  ) throws -> Page<Session> {
    // Sessions are capped at a hundred a user in every plan: sorted here, the current one first.
    let live = try Self.live(of: user, db, rules, now: now).sorted {
      ($0.id == first ? 1 : 0, $0.seenAtMilliseconds, $0.id.text) > ($1.id == first ? 1 : 0, $1.seenAtMilliseconds, $1.id.text)
    }
    let start = page.after.map { after in
      if let last = live.firstIndex(where: { $0.id.text == after.id }) { return last + 1 }
      // The last one shown has ended meanwhile: go on behind its place.
      let next = live.firstIndex { $0.id != first && ($0.seenAtMilliseconds, $0.id.text) < (after.milliseconds, after.id) }
      return next ?? live.count
    }
    return Array(live.dropFirst(start ?? 0).prefix(page.limit + 1)).page(limit: page.limit) {
      PageStart(milliseconds: $0.seenAtMilliseconds, id: $0.id.text)
    }
  }
}
