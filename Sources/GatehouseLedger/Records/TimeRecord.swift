import GatehouseCore

extension ClockRecord {
  init(row: LedgerRow) throws(LedgerFailure) {
    try self.init(
      boot: row["boot"], line: ClockJudge.Line(milliseconds: row["now_ms"], boot: row["boot_ms"]),
      quietUntilMilliseconds: row["quiet_until"], accepts: row["accepts"], newestStampAtAccept: row["accepted_stamp"])
  }
}

/// The time that processes go on from.
enum TimeRecord {
  static let find = "SELECT * FROM clock"
  /// Only over a row of the same accepted time: a process that has not heard of a newer one yet must not take it back.
  static let keep = """
    INSERT INTO clock VALUES (1, ?1, ?2, ?3, ?4, ?5, 0)
    ON CONFLICT (id) DO UPDATE SET boot = ?1, boot_ms = ?2, now_ms = ?3, quiet_until = ?4 WHERE clock.accepts = ?5
    """
  static let accept = """
    INSERT INTO clock VALUES (1, ?1, ?2, ?3, ?4, 1, (SELECT newest_stamp FROM meta))
    ON CONFLICT (id) DO UPDATE SET boot = ?1, boot_ms = ?2, now_ms = ?3, quiet_until = ?4, accepts = clock.accepts + 1,
      accepted_stamp = excluded.accepted_stamp
    """
  static let raiseEra = "UPDATE meta SET era = era + 1"
  /// A lease is so long, whatever the clock says.
  static let shiftLeases = """
    UPDATE reservations SET lease_expires_at = lease_expires_at + ? WHERE status = 'held' AND lease_expires_at > 0
    """
}

extension SQLLedger: ClockLedger {
  /// Stores the time in a later transaction, without waiting; nothing is written if another time has been accepted since.
  public func keepClock(_ record: ClockRecord) {
    database.enqueue { db in
      try db.run(
        TimeRecord.keep,
        [record.boot, record.line.boot, record.line.milliseconds, record.quietUntilMilliseconds, record.accepts])
    }
  }

  /// Stores the time, moves the leases of held reservations and raises the era, in one transaction; durable on return. The result is the
  /// record as it now stands.
  public func acceptClock(
    _ record: ClockRecord, shiftMilliseconds: Int64, by actor: AuditActor, reason: String, now: Int64
  ) async throws -> Unacknowledged<ClockRecord> {
    try await write { db in
      try db.run(
        TimeRecord.accept, [record.boot, record.line.boot, record.line.milliseconds, record.quietUntilMilliseconds])
      try db.run(TimeRecord.shiftLeases, [shiftMilliseconds])
      try db.run(TimeRecord.raiseEra, [])
      try db.audit(nil, .clockAccepted, by: actor, reason: reason, detail: "{\"shift_ms\":\(shiftMilliseconds)}", now: now)
      guard let row = try db.row(TimeRecord.find, []) else { throw ServiceError(.unavailable, "The time could not be kept. Try again.") }
      return Unacknowledged(try ClockRecord(row: row))
    }
  }
}
