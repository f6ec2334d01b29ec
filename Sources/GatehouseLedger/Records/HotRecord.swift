import GatehouseCore
import GatehouseCrypto

extension ServiceKey {
  init(row: LedgerRow) throws(LedgerFailure) {
    let scopes = try (row["scopes"] as String).split(separator: ",").compactMap { Scope(rawValue: String($0)) }
    try self.init(
      id: ServiceKeyID(unchecked: row["id"]), name: row["name"],
      hash: Digest256(bytes: row["hash"]) ?? Digest256.sha256([]), scopes: Set(scopes),
      createdAtMilliseconds: row["created_at"], expiresAtMilliseconds: row["expires_at"], lastUsedAtMilliseconds: row["last_used_at"],
      revokedAtMilliseconds: row["revoked_at"])
  }
}

/// The rows that keep Redis in step.
enum HotRecord {
  static let nextSequence = """
    UPDATE meta SET change_seq = change_seq + 1, newest_stamp = CASE WHEN newest_stamp < ?1 THEN ?1 ELSE newest_stamp END
    RETURNING change_seq
    """
  static let setPending = """
    INSERT INTO hot_pending (routing_id, seq) VALUES (?, ?) ON CONFLICT (routing_id) DO UPDATE SET seq = excluded.seq
    """
  static let pending = "SELECT routing_id, seq FROM hot_pending LIMIT ?"
  static let isPending = "SELECT seq FROM hot_pending WHERE routing_id = ? AND seq >= ?"
  static let settle = "DELETE FROM hot_pending WHERE routing_id = ? AND seq = ?"
  static let versions = "SELECT era, service_keys_version, newest_stamp, change_seq, topology FROM meta"
  static let stamp = "UPDATE meta SET newest_stamp = ?1 WHERE newest_stamp < ?1"
}

enum ServiceKeyRecord {
  static let all = "SELECT * FROM service_keys ORDER BY created_at, id"
  static let insert = "INSERT INTO service_keys (id, name, hash, scopes, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)"
  static let revoke = "UPDATE service_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL"
  static let touch = "UPDATE service_keys SET last_used_at = ? WHERE id = ?"
  static let raiseVersion = "UPDATE meta SET service_keys_version = service_keys_version + 1"
}

extension SQLLedger: HotLedger, KeyLedger, GateLedger {
  /// Pending changes of one poll.
  static let pendingMax = 1_000

  /// All that Redis is to hold of a user, with the instant until which it is true, in one read transaction. nil for an unknown or deleted
  /// user.
  public func snapshot(of user: UserID, now: Int64) async throws -> HotSnapshot? {
    let rules = rules
    return try await read { db in
      guard let row = try db.row(UserRecord.byID, [user.text]) else { return nil }
      let user = try User(row: row)
      var until = Int64.max
      if let end = user.planEndsAtMilliseconds, end > now { until = end }
      let sessions = try SessionRecord.tokens(of: user.id, db, rules, now: now)
      until = sessions.compactMap(\.tokenEndsAtMilliseconds).reduce(until, min)
      var quotas: [HotSnapshot.Quota] = []
      for metric in rules.allowances().metrics {
        let standing = try StandingRecord.find(user, metric, db, now: now)
        quotas.append(standing.quota)
        until = min(until, standing.changesAtMilliseconds)
      }
      return HotSnapshot(
        user: user, plan: user.plan(atMilliseconds: now, fallback: ""), sessions: sessions, quotas: quotas,
        validUntilMilliseconds: min(until, Instants.millisecondsMax))
    }
  }

  /// The state of the ledger that a lease depends on, with at most a thousand pending rows, in one snapshot. It also looks whether the file
  /// is still the one that was opened.
  public func leasePoll() async throws -> LeasePoll {
    try await read { [database] db in
      database.watchStore(db)
      let node = try db.row(HotNodeRecord.all, []).map(HotNode.init(row:))
      let pending = try db.rows(HotRecord.pending, [Self.pendingMax]).map {
        try PendingChange(routingID: $0["routing_id"], sequence: $0["seq"])
      }
      let meta = try db.row(HotRecord.versions, [])
      return try LeasePoll(
        pending: pending, isWhole: pending.count < Self.pendingMax, era: meta?["era"] ?? 0,
        serviceKeysVersion: meta?["service_keys_version"] ?? 0, newestStampMilliseconds: meta?["newest_stamp"] ?? 0,
        clock: try db.row(TimeRecord.find, []).map(ClockRecord.init(row:)),
        changeSequence: meta?["change_seq"] ?? 0, topology: meta?["topology"] ?? 0, node: node)
    }
  }

  /// Whether the user's pending row has this sequence or a greater one: a later change of the user counts too.
  public func isPending(_ change: PendingChange) async throws -> Bool {
    try await read { db in
      try db.number(HotRecord.isPending, [change.routingID, change.sequence]) != nil
    }
  }

  /// Deletes pending rows and notes Redis's counter, in one later transaction and without waiting. If the write queue is full it is lost,
  /// and the rows stay to be settled again.
  public func settled(_ changes: [PendingChange], by count: HotCount) {
    database.enqueue { db in
      for change in changes { try db.run(HotRecord.settle, [change.routingID, change.sequence]) }
      // With the rows: where one is gone, the counter that Redis must show from now on is known.
      try db.run(HotNodeRecord.count, [count.count, count.term, count.process, count.number])
    }
  }

  /// Every key there is, revoked and expired ones included, the oldest first.
  public func serviceKeys() async throws -> [ServiceKey] {
    try await read { db in try db.rows(ServiceKeyRecord.all, []).map(ServiceKey.init(row:)) }
  }

  /// Adds a key, raises the version of the keys and writes audit, in one transaction; durable on return.
  public func createServiceKey(_ key: ServiceKey, by actor: AuditActor) async throws -> Unacknowledged<Void> {
    try await write { db in
      try db.run(
        ServiceKeyRecord.insert,
        [
          key.id.text, key.name, key.hash.bytes, key.scopes.map(\.rawValue).sorted().joined(separator: ","), key.createdAtMilliseconds,
          key.expiresAtMilliseconds,
        ])
      try db.run(ServiceKeyRecord.raiseVersion, [])
      try db.audit(nil, .serviceKeyCreated, by: actor, detail: "{\"key_id\":\"\(key.id)\"}", now: key.createdAtMilliseconds)
      return Unacknowledged(())
    }
  }

  /// Revokes a key that is not revoked yet, as of `now`, and raises the version of the keys; false, and nothing changed, without such a
  /// key.
  public func revokeServiceKey(_ id: ServiceKeyID, by actor: AuditActor, now: Int64) async throws -> Unacknowledged<Bool> {
    try await write { db in
      guard try db.run(ServiceKeyRecord.revoke, [now, id.text]) == 1 else { return Unacknowledged(false) }
      try db.run(ServiceKeyRecord.raiseVersion, [])
      try db.audit(nil, .serviceKeyRevoked, by: actor, detail: "{\"key_id\":\"\(id)\"}", now: now)
      return Unacknowledged(true)
    }
  }

  /// Notes a key's last use in a later transaction, without waiting; it is lost if the write queue is full.
  public func touchServiceKey(_ id: ServiceKeyID, usedAt now: Int64) {
    database.enqueue { db in try db.run(ServiceKeyRecord.touch, [now, id.text]) }
  }
}
