import GatehouseCore
import GatehouseCrypto

extension HotNode {
  init(row: LedgerRow) throws(LedgerFailure) {
    let first: Int64 = try row["first_slot"]
    let term = try HotTerm(replicationID: row["replid"], number: row["term"], lineage: row["lineage"])
    try self.init(
      slots: first...max(first, row["last_slot"]), address: row["address"], configEpoch: row["config_epoch"],
      term: term, succeeds: row["succeeds"], counted: row["counted"], countedBy: row["counted_by"],
      countedNumber: row["counted_number"], vacantSequence: row["vacant_seq"])
  }
}

/// Which timeline of Redis serves which slots.
enum HotNodeRecord {
  static let all = "SELECT * FROM hot_nodes"
  static let topology = "SELECT topology FROM meta"
  static let setTopology = "UPDATE meta SET topology = ?"
  static let put = """
    INSERT INTO hot_nodes VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '', 0, NULL)
    ON CONFLICT (first_slot) DO UPDATE SET last_slot = excluded.last_slot, address = excluded.address, replid = excluded.replid,
      config_epoch = excluded.config_epoch, term = excluded.term, lineage = excluded.lineage, succeeds = excluded.succeeds,
      counted = excluded.counted, counted_by = excluded.counted_by, counted_number = excluded.counted_number,
      vacant_seq = excluded.vacant_seq
    """
  static let count = "UPDATE hot_nodes SET counted = ?1, counted_by = ?3, counted_number = ?4 WHERE term = ?2 AND counted < ?1"
  static let vacate = "UPDATE hot_nodes SET vacant_seq = (SELECT change_seq FROM meta) WHERE vacant_seq IS NULL"
  static let renew = """
    UPDATE hot_nodes SET succeeds = CASE WHEN vacant_seq IS NULL THEN term ELSE 0 END, term = ?, lineage = ?, counted = 0, counted_by = '',
      counted_number = 0
    """
  static let confirm = "UPDATE hot_nodes SET vacant_seq = NULL, succeeds = 0 WHERE term = ? AND lineage = ?"
}

extension SQLLedger {
  private static let lineageCharacters = 16

  /// Registers a timeline under a new term and a random lineage; false, and nothing changed, if another registration came first. Durable on
  /// return.
  public func register(_ registration: HotRegistration) async throws -> Bool {
    let lineage = SecureRandom.identifier(length: Self.lineageCharacters)
    return try await write { db in
      let topology = try db.number(HotNodeRecord.topology, []) ?? 0
      guard topology == registration.topology else { return false }
      let before = try db.row(HotNodeRecord.all, []).map(HotNode.init(row:))
      let inUse = before.map { $0.vacantSequence == nil ? $0.term.number : 0 } ?? 0
      let term = max(topology, registration.above) + 1
      try db.run(
        HotNodeRecord.put,
        [
          registration.slots.lowerBound, registration.slots.upperBound, registration.address, registration.replicationID,
          registration.configEpoch, term, lineage, inUse,
        ])
      try db.run(HotNodeRecord.setTopology, [term])
      return true
    }
  }

  /// Gives every registered Redis the next term and one new lineage, with a line in the audit trail; false if none is registered.
  public func renewTerms(by actor: AuditActor, reason: String, now: Int64) async throws -> Unacknowledged<Bool> {
    let lineage = SecureRandom.identifier(length: Self.lineageCharacters)
    return try await write { db in
      let term = (try db.number(HotNodeRecord.topology, []) ?? 0) + 1
      guard try db.run(HotNodeRecord.renew, [term, lineage]) > 0 else { return Unacknowledged(false) }
      try db.run(HotNodeRecord.setTopology, [term])
      try db.audit(nil, .redisForgotten, by: actor, reason: reason, now: now)
      return Unacknowledged(true)
    }
  }

  /// Marks all registrations vacant as of the ledger's present sequence, in one transaction. Those that are vacant already stay as they
  /// are.
  public func vacate() async throws { _ = try await write { db in try db.run(HotNodeRecord.vacate, []) } }

  /// Takes the vacancy of exactly this term and lineage away; changes nothing if another is registered by now.
  public func confirm(_ term: HotTerm) async throws {
    _ = try await write { db in try db.run(HotNodeRecord.confirm, [term.number, term.lineage]) }
  }
}
