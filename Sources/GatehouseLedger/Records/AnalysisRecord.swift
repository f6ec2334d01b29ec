import GatehouseCore

extension Analysis {
  init(row: LedgerRow) throws(LedgerFailure) {
    try self.init(
      id: AnalysisID(unchecked: row["id"]), userID: UserID(unchecked: row["user_id"]),
      status: AnalysisStatus(rawValue: row["status"]) ?? .failed,
      filename: row["filename"], metadata: row["metadata"], metric: row["metric"], amount: row["amount"],
      reservationID: ReservationID(unchecked: row["reservation_id"]), leaseExpiresAtMilliseconds: row["lease"], result: row["result"],
      error: row["error"], createdAtMilliseconds: row["created_at"], finishedAtMilliseconds: row["finished_at"])
  }
}

enum AnalysisRecord {
  /// An analysis with the lease of its reservation.
  private static let columns = """
    a.id, a.user_id, a.status, a.filename, a.metadata, a.metric, a.amount, a.reservation_id, a.created_at, a.finished_at, a.error,
    CASE WHEN r.status = 'held' THEN r.lease_expires_at END AS lease
    """
  private static let tables = "analyses a LEFT JOIN reservations r ON r.id = a.reservation_id"

  static let byID = "SELECT \(columns), a.result FROM \(tables) WHERE a.id = ?"
  /// The result is most of the row: it is read only where it is asked for.
  static let pageOfAny = """
    SELECT \(columns), CASE WHEN ?1 = 1 THEN a.result END AS result FROM \(tables)
    WHERE a.user_id = ?2 AND a.created_at >= ?3 AND (a.created_at, a.id) < (?4, ?5)
    ORDER BY a.created_at DESC, a.id DESC LIMIT ?6
    """
  static let pageOfStatus = """
    SELECT \(columns), CASE WHEN ?1 = 1 THEN a.result END AS result FROM \(tables)
    WHERE a.user_id = ?2 AND a.status = ?7 AND a.created_at >= ?3 AND (a.created_at, a.id) < (?4, ?5)
    ORDER BY a.created_at DESC, a.id DESC LIMIT ?6
    """
  static let onReservation = "SELECT id FROM analyses WHERE reservation_id = ?"
  static let insertRow = """
    INSERT INTO analyses (id, user_id, reservation_id, status, filename, metadata, metric, amount, created_at)
    VALUES (?, ?, ?, 'pending', ?, ?, ?, ?, ?)
    """
  static let setRunning = "UPDATE analyses SET status = 'running' WHERE id = ?"
  static let finishRow = "UPDATE analyses SET status = ?, result = ?, error = ?, finished_at = ? WHERE id = ?"
  static let expire = """
    UPDATE analyses SET status = 'expired', finished_at = ? WHERE reservation_id = ? AND status IN ('pending', 'running')
    """
  static let cancel = """
    UPDATE analyses SET status = 'cancelled', finished_at = ? WHERE reservation_id = ? AND status IN ('pending', 'running')
    """
  static let remove = "DELETE FROM analyses WHERE id = ?"

  static func insert(_ made: Analysis, _ db: any LedgerTransaction) throws {
    try db.run(
      insertRow,
      [
        made.id.text, made.userID.text, made.reservationID.text, made.filename, made.metadata, made.metric, made.amount,
        made.createdAtMilliseconds,
      ])
  }

  static func page(of user: UserID, _ filter: AnalysisFilter, _ page: PageRequest, _ db: any LedgerTransaction) throws -> Page<Analysis> {
    let bound = page.bound(before: filter.to)
    let ofAny: LedgerValues = [filter.includesResult, user.text, filter.from ?? 0, bound.milliseconds, bound.id, page.limit + 1]
    let ofStatus = filter.status.map { ofAny.adding($0.rawValue) }
    let rows = try db.rows(ofStatus == nil ? pageOfAny : pageOfStatus, ofStatus ?? ofAny)
    return try rows.map(Analysis.init(row:)).page(limit: page.limit) {
      PageStart(milliseconds: $0.createdAtMilliseconds, id: $0.id.text)
    }
  }

  static func require(_ id: AnalysisID, of user: UserID?, _ db: any LedgerTransaction) throws -> Analysis {
    guard let row = try db.row(byID, [id.text]), try user == nil || row["user_id"] == user?.text else {
      throw ServiceError(.notFound, "There is no analysis \(id).")
    }
    return try Analysis(row: row)
  }

  /// Ends a job whose units are no longer held; gives what it is then.
  static func finish(
    _ analysis: Analysis, _ status: AnalysisStatus, result: String?, error: String?, _ db: any LedgerTransaction, now: Int64
  ) throws -> Analysis {
    try db.run(finishRow, [status.rawValue, result, error, now, analysis.id.text])
    var ended = analysis
    ended.status = status
    ended.result = result
    ended.error = error
    ended.leaseExpiresAtMilliseconds = nil
    ended.finishedAtMilliseconds = now
    return ended
  }
}

extension Analysis {
  /// A job that begins on a reservation.
  init(_ new: NewAnalysis, on reservation: Reservation) {
    self.init(
      id: new.id, userID: reservation.userID, status: .pending, filename: new.filename, metadata: new.metadata, metric: reservation.metric,
      amount: reservation.amount, reservationID: reservation.id, leaseExpiresAtMilliseconds: reservation.leaseExpiresAtMilliseconds,
      result: nil, error: nil, createdAtMilliseconds: reservation.createdAtMilliseconds, finishedAtMilliseconds: nil)
  }
}

extension SQLLedger {
  /// Adds an analysis to a held reservation and keeps the answer to `call`, in one transaction. The lease is only ever made longer; throws
  /// `notFound`, `invalidTransition`, `reservationExpired`, and `idempotencyKeyReused`.
  public func attachAnalysis(
    _ analysis: NewAnalysis, to id: ReservationID, of user: UserID, leaseMilliseconds: Int64?, call: IdempotentCall?, now: Int64,
    encode: ReservedAnswer
  ) async throws -> Once<Reserved> {
    let rules = rules
    return try await write(under: analysis, or: { analysis.renamed(at: now) }) { db, analysis in
      if let call, let stored = try Idempotency.find(call, db, now: rules.aging(now)) { return .replay(stored) }
      var held = try ReservationRecord.require(id, db)
      guard held.userID == user else { throw ServiceError.noReservation(id) }
      guard held.status == .held else { throw ReservationRecord.refusal(held) }
      guard try db.row(AnalysisRecord.onReservation, [id.text]) == nil else {
        throw ServiceError(.invalidTransition, "Reservation \(id) belongs to an analysis already.")
      }
      // Only ever longer: Redis may know an earlier end, which makes it look here, but never a later one.
      if let leaseMilliseconds, let end = held.leaseExpiresAtMilliseconds, now + leaseMilliseconds > end {
        held.leaseExpiresAtMilliseconds = now + leaseMilliseconds
        try db.run(ReservationRecord.setLease, [held.leaseExpiresAtMilliseconds, id.text])
        // Nobody waits for this one: until the lease poll drops it, hot state at most ends the lease too early, which makes it cold.
        _ = try db.pending(user, now: now)
      }
      try db.stamp(now)
      let made = Analysis(analysis, on: held)
      try AnalysisRecord.insert(made, db)
      let allowance = try StandingRecord.allowance(of: held, db, rules, now: now)
      let answer = call.map { _ in encode.begin(held, made)(allowance) }
      if let call, let answer { try Idempotency.keep(call, of: user, answer, of: made, db, now: now) }
      return .first(Reserved(reservation: held, allowance: allowance, analysis: made, answer: answer))
    }
  }

  /// One analysis with its result; nil without one, or if `user` is given and not its owner.
  public func analysis(_ id: AnalysisID, of user: UserID?) async throws -> Analysis? {
    try await read { db in
      try db.row(AnalysisRecord.byID, [id.text]).map(Analysis.init(row:)).flatMap { user == nil || $0.userID == user ? $0 : nil }
    }
  }

  /// One page of a user's analyses, newest first; results are read only if the filter asks for them.
  public func analyses(of user: UserID, filter: AnalysisFilter, page: PageRequest) async throws -> Page<Analysis> {
    try await read(for: .lists) { db in try AnalysisRecord.page(of: user, filter, page, db) }
  }

  /// Writes a worker's report with all that follows from it, in one transaction: the lease, the units, the result, the feed. A result or
  /// error that is written already is answered again; throws `notFound`, `invalidTransition`, `reservationExpired`.
  public func report(_ id: AnalysisID, _ report: AnalysisReport, now: Int64) async throws -> Unacknowledged<Reserved> {
    let rules = rules
    return try await write(under: UsageEventID.made(at: now), or: { .made(at: now) }) { db, event in
      var analysis = try AnalysisRecord.require(id, of: nil, db)
      guard let row = try db.row(ReservationRecord.byID, [analysis.reservationID.text]) else { throw analysis.refusal }
      var reservation = try Reservation(row: row)
      func answer(_ known: Allowance? = nil, pending: [PendingChange]) throws -> Unacknowledged<Reserved> {
        let standing = try known ?? StandingRecord.allowance(of: reservation, db, rules, now: now)
        if analysis.status == .completed { try db.exhausted(standing, analysis.userID, now: now) }
        return Unacknowledged(Reserved(reservation: reservation, allowance: standing, analysis: analysis), pending: pending)
      }
      func made(changesHotState: Bool) throws -> [PendingChange] {
        try db.made(changesHotState: changesHotState, analysis.userID, now: now)
      }
      if analysis.isRepeat(of: report) { return try answer(pending: []) }
      var isReopened = false
      if analysis.status == .expired, case .completed(_, rereserve: true) = report {
        reservation = try Self.reopen(reservation, db, rules, now: now)
        isReopened = true
      } else if !analysis.isOpen {
        throw analysis.refusal
      }
      switch report {
      case .running(let lease):
        guard reservation.status == .held else { throw ReservationRecord.refusal(reservation) }
        reservation.leaseExpiresAtMilliseconds = now + lease
        try db.run(ReservationRecord.setLease, [now + lease, reservation.id.text])
        try db.run(AnalysisRecord.setRunning, [id.text])
        analysis.status = .running
        analysis.leaseExpiresAtMilliseconds = now + lease
        return try answer(pending: made(changesHotState: true))
      case .completed(let result, _):
        let mayBeForgotten = ReservationRecord.mayBeForgotten(reservation, now: now)
        var standing: Allowance?
        // Its units may have been committed by themselves already: they count once.
        if reservation.status != .committed {
          let before = try StandingRecord.allowance(of: reservation, db, rules, now: now)
          standing = before.adding(used: reservation.amount, held: -reservation.counted(at: now))
          reservation = try ReservationRecord.commit(
            reservation, amount: reservation.amount, limit: before.limit, action: "analysis_completed", event: event, db, now: now)
        }
        analysis = try AnalysisRecord.finish(analysis, .completed, result: result, error: nil, db, now: now)
        return try answer(standing, pending: made(changesHotState: isReopened || mayBeForgotten))
      case .failed(let error):
        if reservation.status == .held { reservation = try ReservationRecord.release(reservation, db, now: now) }
        analysis = try AnalysisRecord.finish(analysis, .failed, result: nil, error: error, db, now: now)
        return try answer(pending: made(changesHotState: true))
      }
    }
  }

  /// How long a reservation that is held again may take to be committed: the rest of its own transaction.
  private static let reopenedMilliseconds: Int64 = 60_000

  /// Takes the units of an expired reservation again, in the period that is open now, if they still fit.
  private static func reopen(_ expired: Reservation, _ db: any LedgerTransaction, _ rules: Rules, now: Int64) throws -> Reservation {
    let user = try require(expired.userID, db)
    let table = rules.allowances()
    guard let metric = table.metric(expired.metric) else { throw ReservationRecord.refusal(expired) }
    let (period, allowance, _) = try ReservationRecord.standing(
      for: expired.amount, of: user, metric, plan: rules.plan(of: user, now: now), table, db, now: now)
    guard allowance.admits(expired.amount) else { throw ReservationRecord.refusal(expired) }
    try db.run(
      ReservationRecord.holdAgain, [period.startMilliseconds, period.endMilliseconds, now + reopenedMilliseconds, expired.id.text])
    return try ReservationRecord.require(expired.id, db)
  }

  /// Cancels an open analysis and gives its units back, or deletes a finished one (nil), in one transaction. Throws `notFound`, also for
  /// another user's.
  public func cancelAnalysis(_ id: AnalysisID, of user: UserID?, now: Int64) async throws -> Unacknowledged<Reserved?> {
    let rules = rules
    return try await write { db in
      let analysis = try AnalysisRecord.require(id, of: user, db)
      guard analysis.isOpen else {
        try db.run(AnalysisRecord.remove, [id.text])
        for forget in Idempotency.forgetAnalysis(db.dialect) { try db.run(forget, [analysis.userID.text, "/v1/analyses/\(id)"]) }
        return Unacknowledged(nil, pending: [])
      }
      var reservation = try ReservationRecord.require(analysis.reservationID, db)
      if reservation.status == .held { reservation = try ReservationRecord.release(reservation, db, now: now) }
      let after = try AnalysisRecord.finish(analysis, .cancelled, result: nil, error: nil, db, now: now)
      let standing = try StandingRecord.allowance(of: reservation, db, rules, now: now)
      return Unacknowledged(
        Reserved(reservation: reservation, allowance: standing, analysis: after), pending: [try db.pending(analysis.userID, now: now)])
    }
  }
}

extension Analysis {
  /// The refusal of a report that its state does not allow.
  fileprivate var refusal: ServiceError {
    status == .expired
      ? ServiceError(.reservationExpired, "The lease of \(id) ran out and its units were returned. Start it again, or use rereserve.")
      : ServiceError(.invalidTransition, "Analysis \(id) is \(status.rawValue) already.")
  }

  /// Whether a report says again what is written already.
  fileprivate func isRepeat(of report: AnalysisReport) -> Bool {
    switch report {
    case .running: false
    // Byte by byte: Swift takes texts that look alike for equal.
    case .completed(let result, _): status == .completed && self.result.map { $0.utf8.elementsEqual(result.utf8) } == true
    case .failed(let error): status == .failed && self.error.map { $0.utf8.elementsEqual(error.utf8) } == true
    }
  }
}
