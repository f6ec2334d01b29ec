import GatehouseCore
import GatehouseCrypto

extension ServerSecret.Line {
  init?(row: LedgerRow) throws(LedgerFailure) {
    guard let digest = try Digest256(bytes: row["digest"]) else { return nil }
    try self.init(id: row["id"], digest: digest)
  }
}

/// Which lines of the server secret have made tokens, and until when.
enum SecretRecord {
  static let last = "SELECT * FROM secret_lines WHERE first_until > 0 ORDER BY first_until DESC LIMIT 1"
  static let note = """
    INSERT INTO secret_lines (digest, id, first_until) VALUES (?, ?, ?)
    ON CONFLICT (digest) DO UPDATE SET id = excluded.id,
      first_until = CASE WHEN secret_lines.first_until < excluded.first_until THEN excluded.first_until ELSE secret_lines.first_until END
    """
  static let find = "SELECT first_until FROM secret_lines WHERE digest = ?"
  static let makeSubjectKey = "INSERT INTO subject_key (id, key) VALUES (1, ?) ON CONFLICT (id) DO NOTHING"
  static let subjectKey = "SELECT key FROM subject_key"
  static let lastSessionOf = """
    SELECT expires_at FROM sessions WHERE expires_at > ?1 AND created_at <= ?1 AND ended_at IS NULL ORDER BY expires_at DESC LIMIT 1
    """
  static let lastAddressPeriod = "SELECT max(period_end) FROM address_usage"

  static func note(_ line: ServerSecret.Line, firstUntil: Int64, _ db: any LedgerTransaction) throws {
    try db.run(note, [line.digest.bytes, line.id, firstUntil])
  }
}

extension SQLLedger {
  /// The longest that a metric's period lasts, with what a change of zone may add.
  private static let periodMilliseconds = 33 * Day.milliseconds

  /// Writes down that `secret` is read from `now` on in place of `old`: which line makes tokens, and which made them until now. Call it
  /// before the first is made. With one secret it notes that its first line still makes them.
  /// - Returns: the lines that no process of this ledger had read before.
  @discardableResult
  public func noteSecret(_ secret: ServerSecret, inPlaceOf old: ServerSecret? = nil, now: Int64) async throws -> [ServerSecret.Line] {
    try await write { db in
      let unknown = try secret.lines.filter { try db.number(SecretRecord.find, [$0.digest.bytes]) == nil }
      if let before = old?.lines.first { try SecretRecord.note(before, firstUntil: now, db) }
      for line in secret.lines.dropFirst() { try SecretRecord.note(line, firstUntil: 0, db) }
      if let first = secret.lines.first { try SecretRecord.note(first, firstUntil: old == nil ? now : now + 1, db) }
      return unknown
    }
  }

  /// Until when each line behind the first is needed, by id: as long as a session lives whose token it may have made, an answer to a
  /// repeated call is kept, or the usage of an address whose account is gone still counts. Without it those are refused or forgotten.
  /// A line that made nothing is not among them.
  public func secretNeeds(_ secret: ServerSecret) async throws -> [(id: String, untilMilliseconds: Int64)] {
    try await read { db in
      let addresses = try db.number(SecretRecord.lastAddressPeriod, []) ?? 0
      return try secret.lines.dropFirst().compactMap { line in
        guard let made = try db.number(SecretRecord.find, [line.digest.bytes]), made > 0 else { return nil }
        let session = try db.number(SecretRecord.lastSessionOf, [made]) ?? 0
        return (line.id, max(session, made + IdempotentCall.keptMilliseconds, min(addresses, made + Self.periodMilliseconds)))
      }
    }
  }
}
