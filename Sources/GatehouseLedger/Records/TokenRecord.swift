import GatehouseCore
import GatehouseCrypto

/// The tokens of sessions: what one may do goes by its own row, so that a token that was stolen before a password was given again has
/// nothing of it.
package enum TokenRecord {
  /// Live tokens of one session. All but a few of them end by themselves within the grace of a rotation.
  package static let countMax = 16
  /// Tokens of one session that a password has made and nobody has used: more than one only if an answer was lost.
  package static let unusedMax = 3

  static let insert = """
    INSERT INTO session_tokens (hash, session_id, authenticated_at, parent, nonce, key_id, created_at, used_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    """
  static let session = """
    SELECT s.*, t.hash AS token_hash, t.authenticated_at, t.used_at, t.ends_at FROM session_tokens t JOIN sessions s ON s.id = t.session_id
    WHERE t.hash = ?
    """
  static let ofSession = "SELECT * FROM session_tokens WHERE session_id = ?"
  static let dropPast = "DELETE FROM session_tokens WHERE session_id = ? AND ends_at <= ?"
  static let drop = "DELETE FROM session_tokens WHERE hash = ?"
  static let dropAll = "DELETE FROM session_tokens WHERE session_id = ?"
  static let use = "UPDATE session_tokens SET used_at = ? WHERE hash = ? AND used_at IS NULL"
  /// A token whose password is newer is not ended by one that knows less.
  static let endOthers = """
    UPDATE session_tokens SET ends_at = ?1
    WHERE session_id = ?2 AND hash <> ?3 AND used_at IS NOT NULL AND authenticated_at <= ?4 AND (ends_at IS NULL OR ends_at > ?1)
    """
  static let startAnew = "UPDATE sessions SET password_failures = 0 WHERE id = ?"

  /// One token as the rules here need it.
  private struct Token {
    let hash: Digest256
    let authenticatedAt: Int64
    let createdAt: Int64
    let parent: Digest256?
    let nonce: [UInt8]?
    let keyID: String?
    let isUsed: Bool
    let endsAt: Int64?

    init(row: LedgerRow) throws(LedgerFailure) {
      hash = try (row["hash"] as [UInt8]?).flatMap(Digest256.init(bytes:)) ?? Digest256.sha256([])
      authenticatedAt = try row["authenticated_at"]
      createdAt = try row["created_at"]
      parent = try (row["parent"] as [UInt8]?).flatMap(Digest256.init(bytes:))
      nonce = try row["nonce"]
      keyID = try row["key_id"]
      isUsed = try (row["used_at"] as Int64?) != nil
      endsAt = try row["ends_at"]
    }
  }

  /// The token of a login or a new password: nobody else knows it, so it counts as used.
  static func insertFirst(_ hash: Digest256, of session: SessionID, authenticatedAt: Int64, now: Int64, _ db: any LedgerTransaction) throws
  {
    try db.run(insert, [hash.bytes, session.text, authenticatedAt, nil, nil, nil, now, now])
  }

  /// The live tokens of a session; those whose grace is over are removed.
  private static func live(of session: SessionID, _ db: any LedgerTransaction, now: Int64) throws -> [Token] {
    try db.run(dropPast, [session.text, now])
    return try db.rows(ofSession, [session.text]).map(Token.init(row:))
  }

  /// The successor that stands for `parent`, or a new one of these ingredients.
  static func successor(
    of session: Session, parent: Digest256, hash: Digest256, nonce: [UInt8], keyID: String, _ db: any LedgerTransaction, now: Int64
  ) throws -> (successor: Successor, isNew: Bool)? {
    let tokens = try live(of: session.id, db, now: now)
    guard let presented = tokens.first(where: { $0.hash == parent }) else { return nil }
    var seen = session
    seen.authenticatedAtMilliseconds = presented.authenticatedAt
    // It may be on its way to the client, or in its hands: another one would log the client out.
    if let known = tokens.first(where: { $0.parent == parent }), let nonce = known.nonce, let keyID = known.keyID {
      seen.tokenHash = known.hash
      return (Successor(session: seen, nonce: nonce, keyID: keyID), false)
    }
    try requireRoom(tokens, now: now)
    seen.tokenHash = hash
    try db.run(insert, [hash.bytes, session.id.text, presented.authenticatedAt, parent.bytes, nonce, keyID, now, nil])
    return (Successor(session: seen, nonce: nonce, keyID: keyID), true)
  }

  /// A token of its own for whoever has presented a live one with the password.
  static func proven(of session: Session, presented: Digest256, hash: Digest256, _ db: any LedgerTransaction, now: Int64) throws -> Session?
  {
    var tokens = try live(of: session.id, db, now: now)
    guard tokens.contains(where: { $0.hash == presented }) else { return nil }
    let lost = tokens.filter { !$0.isUsed && $0.parent == nil }.sorted { $0.createdAt < $1.createdAt }.dropLast(unusedMax - 1)
    for token in lost {
      try db.run(drop, [token.hash.bytes])
      tokens.removeAll { $0.hash == token.hash }
    }
    try requireRoom(tokens, now: now)
    try db.run(insert, [hash.bytes, session.id.text, now, nil, nil, nil, now, nil])
    try db.run(startAnew, [session.id.text])
    var seen = session
    seen.tokenHash = hash
    seen.authenticatedAtMilliseconds = now
    return seen
  }

  private static func requireRoom(_ tokens: [Token], now: Int64) throws {
    guard tokens.count >= countMax else { return }
    let wait = max(1, ((tokens.compactMap(\.endsAt).min() ?? now) - now + 999) / 1000)
    throw ServiceError(
      .rateLimited, "This session was rotated \(countMax) times within a moment. Try again in \(wait) seconds.",
      retryAfterSeconds: Int(wait))
  }
}

extension SQLLedger {
  /// The successor of the presented token: the one that stands, or a new one, stored before this returns. nil if the token opens no live
  /// session; throws `rateLimited` beyond the bound of live tokens.
  public func prepareSuccessor(
    _ id: SessionID, presented: Digest256, hash: Digest256, nonce: [UInt8], keyID: String, now: Int64
  ) async throws -> Unacknowledged<Successor>? {
    let rules = rules
    return try await write { db in
      guard let session = try SessionRecord.opened(by: presented, id, db, rules, now: now) else { return nil }
      let made = try TokenRecord.successor(of: session, parent: presented, hash: hash, nonce: nonce, keyID: keyID, db, now: now)
      guard let made else { return nil }
      return Unacknowledged(made.successor, pending: made.isNew ? [try db.pending(session.userID, now: now)] : [])
    }
  }

  /// Adds a token whose password is as new as `now`, and counts wrong passwords from 0 again, in one transaction. nil if the presented
  /// token opens no live session; throws `rateLimited` beyond the bound of live tokens.
  public func provePassword(_ id: SessionID, presented: Digest256, hash: Digest256, now: Int64) async throws -> Unacknowledged<Session>? {
    let rules = rules
    return try await write { db in
      guard let session = try SessionRecord.opened(by: presented, id, db, rules, now: now),
        let seen = try TokenRecord.proven(of: session, presented: presented, hash: hash, db, now: now)
      else { return nil }
      return Unacknowledged(seen, pending: [try db.pending(session.userID, now: now)])
    }
  }

  /// Marks a token as used and lets the older ones of its session end after the grace, in one transaction. nil, and nothing changed, if it
  /// is unknown, used already, or its session has ended.
  public func adoptSuccessor(_ hash: Digest256, graceMilliseconds: Int64, now: Int64) async throws -> Unacknowledged<Session>? {
    try await write { db in
      guard let row = try db.row(TokenRecord.session, [hash.bytes]), try (row["ended_at"] as Int64?) == nil else { return nil }
      var session = try Session(row: row)
      guard try db.run(TokenRecord.use, [now, hash.bytes]) == 1 else { return nil }
      session.isSuccessor = false
      try db.run(
        TokenRecord.endOthers, [now + graceMilliseconds, session.id.text, hash.bytes, session.authenticatedAtMilliseconds])
      return Unacknowledged(session, pending: [try db.pending(session.userID, now: now)])
    }
  }
}
