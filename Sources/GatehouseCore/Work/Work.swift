/// Metered work: reservations, analyses, and the history of what was used.
public struct Work: Sendable {
  let ledger: any AccountLedger & WorkLedger
  let changes: Changes
  let clock: ServiceClock

  /// The work of one ledger; all parts of a process must share one `changes` and one `clock`.
  public init(ledger: any AccountLedger & WorkLedger, changes: Changes, clock: ServiceClock) {
    self.ledger = ledger
    self.changes = changes
    self.clock = clock
  }

  /// Commits `amount` units of a reservation (nil: all; the rest is released). The same commit again answers the same. Throws
  /// `notFound`, `invalidTransition`, `reservationExpired`.
  public func commit(_ id: ReservationID, amount: Int64?) async throws -> Reserved {
    await acknowledge(try await ledger.commit(id, amount: amount, now: clock.now()))
  }

  /// Gives the units of a reservation back. Throws as `commit`.
  public func release(_ id: ReservationID) async throws -> Reserved {
    await acknowledge(try await ledger.release(id, now: clock.now()))
  }

  /// Holds the units of a reservation until so long from now. Throws as `commit`.
  public func extend(_ id: ReservationID, leaseMilliseconds: Int64) async throws -> Reserved {
    await acknowledge(try await ledger.extend(id, leaseMilliseconds: leaseMilliseconds, now: clock.now()))
  }

  /// Creates an analysis on a reservation that is held already. nil: `reservation` is no id of one. Throws `notFound`,
  /// `invalidTransition`, `reservationExpired`, `idempotencyKeyReused`.
  public func attach(
    _ analysis: NewAnalysis, toReservation reservation: String, of user: UserID, leaseMilliseconds: Int64?, call: IdempotentCall,
    encode: ReservedAnswer
  ) async throws -> Once<Reserved>? {
    if let stored = try await ledger.answer(to: call, now: clock.now()) { return .replay(stored) }
    guard let reservation = ReservationID(reservation) else { return nil }
    // Redis counts the units since they were reserved: nothing of its copy changes.
    return try await ledger.attachAnalysis(
      analysis, to: reservation, of: user, leaseMilliseconds: leaseMilliseconds, call: call, now: clock.now(), encode: encode)
  }

  /// A worker's report on its job. Throws `notFound`, `invalidTransition`, `reservationExpired`.
  public func report(_ id: AnalysisID, _ report: AnalysisReport) async throws -> Reserved {
    await acknowledge(try await ledger.report(id, report, now: clock.now()))
  }

  /// Cancels an open analysis and gives its units back; deletes a finished one. Throws `notFound`, `invalidTransition`.
  /// - Parameter user: whose it must be; nil for a backend.
  public func delete(_ id: AnalysisID, of user: UserID?) async throws {
    _ = await acknowledge(try await ledger.cancelAnalysis(id, of: user, now: clock.now()))
  }

  /// Gives the units of up to `rowsMax` reservations back whose lease is over; how many there were.
  public func expireOverdue(rowsMax: Int) async throws -> Int {
    await acknowledge(try await ledger.expireOverdue(rowsMax: rowsMax, now: clock.now()))
  }

  /// Writes events into the history: all or none. Throws `notFound` naming the first unknown user, `idempotencyKeyReused`.
  /// - Parameter answer: kept for replays.
  public func record(_ events: [UsageEvent], call: IdempotentCall, answer: StoredAnswer) async throws -> Once<Int> {
    try await ledger.record(events, call: call, now: clock.now(), answer: answer)
  }

  /// Nobody loses a right by what happens to their work: a caller that Redis refuses for too long is refused one unit, for a moment.
  private func acknowledge<Value>(_ change: Unacknowledged<Value>) async -> Value {
    await changes.acknowledge(change, takesRightsAway: false)
  }
}

/// Reading work.
extension Work {
  /// An analysis with its result; nil without one.
  /// - Parameter user: whose it must be; nil for a backend.
  public func analysis(_ id: AnalysisID, of user: UserID?) async throws -> Analysis? { try await ledger.analysis(id, of: user) }

  /// A user's analyses, newest first.
  public func analyses(of user: UserID, filter: AnalysisFilter, page: PageRequest) async throws -> Page<Analysis> {
    try await ledger.analyses(of: user, filter: filter, page: page)
  }

  /// A user with their standing with every metric in its open period; nil without such a user.
  public func standings(of user: UserID) async throws -> (user: User, allowances: [Allowance])? {
    guard let found = try await ledger.user(user), let standings = try await ledger.allowances(of: user, now: clock.now()) else {
      return nil
    }
    return (found, standings)
  }

  /// Units of a metric that a user has used, by period start in `[from, to)`, milliseconds since 1970 UTC.
  public func dailyUsage(of user: UserID, metric: String, from: Int64, to: Int64) async throws -> [DailyUsage] {
    try await ledger.dailyUsage(of: user, metric: metric, from: from, to: to)
  }

  /// A user's usage events in `[from, to)`, milliseconds since 1970 UTC, newest first.
  public func events(of user: UserID, from: Int64?, to: Int64?, page: PageRequest) async throws -> Page<UsageEvent> {
    try await ledger.events(of: user, from: from, to: to, page: page)
  }
}
