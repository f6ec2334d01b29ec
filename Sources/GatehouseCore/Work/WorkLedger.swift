/// Reservations, analyses and usage.
public protocol WorkLedger: Sendable {
  /// The stored answer of a call, nil if there is none. Throws `idempotencyKeyReused` for another fingerprint.
  func answer(to call: IdempotentCall, now: Int64) async throws -> StoredAnswer?
  /// Checks plan, override and bonus against `used + sum(open)`, expires this user's and metric's overdue reservations, inserts the
  /// reservation (and analysis) and the idempotency row with `encode`'s answer. Throws `allowanceExhausted` (with `allowance`),
  /// `notFound`, `suspended`, `idempotencyKeyReused`. `pending` is empty unless overdue reservations were expired, or
  /// units of a limited metric were taken that Redis does not hold.
  func reserve(
    _ request: ReservationRequest, call: IdempotentCall?, now: Int64, encode: ReservedAnswer
  ) async throws -> Unacknowledged<Once<Reserved>>
  /// Creates an analysis on a reservation that is held already. Throws `notFound`, `invalidTransition`, `reservationExpired`.
  func attachAnalysis(
    _ analysis: NewAnalysis, to reservation: ReservationID, of user: UserID, leaseMilliseconds: Int64?, call: IdempotentCall?, now: Int64,
    encode: ReservedAnswer
  ) async throws -> Once<Reserved>
  /// Commits `amount` (nil: all; the rest is released). The same commit again answers the same. Throws `notFound`,
  /// `invalidTransition`, `reservationExpired`. The units count in the reservation's own period.
  func commit(_ id: ReservationID, amount: Int64?, now: Int64) async throws -> Unacknowledged<Reserved>
  /// Ends a held reservation and gives its units back. The same release again answers the same. Throws as `commit`.
  func release(_ id: ReservationID, now: Int64) async throws -> Unacknowledged<Reserved>
  /// Moves the end of a held reservation's lease to `now` + `leaseMilliseconds`. Throws as `commit`.
  func extend(_ id: ReservationID, leaseMilliseconds: Int64, now: Int64) async throws -> Unacknowledged<Reserved>
  /// A reservation, held or ended; nil without one.
  func reservation(_ id: ReservationID) async throws -> Reservation?
  /// An analysis with its result; nil without one, and for one of another user than `user`, if that is given.
  func analysis(_ id: AnalysisID, of user: UserID?) async throws -> Analysis?
  /// A user's analyses, newest first.
  func analyses(of user: UserID, filter: AnalysisFilter, page: PageRequest) async throws -> Page<Analysis>
  /// Takes a worker's report: extends the lease, or ends the job with its reservation. With `rereserve` a completed job whose reservation
  /// expired takes its units anew. Throws `notFound`, `invalidTransition`, `reservationExpired`.
  func report(_ id: AnalysisID, _ report: AnalysisReport, now: Int64) async throws -> Unacknowledged<Reserved>
  /// Cancels an open analysis and releases its units; deletes one that has ended, and then gives nil. Throws `notFound`.
  func cancelAnalysis(_ id: AnalysisID, of user: UserID?, now: Int64) async throws -> Unacknowledged<Reserved?>
  /// A user's standings with every metric in its open period; nil without such a user.
  func allowances(of user: UserID, now: Int64) async throws -> [Allowance]?
  /// Used units by period start in `[from, to)`.
  func dailyUsage(of user: UserID, metric: String, from: Int64, to: Int64) async throws -> [DailyUsage]
  /// A user's usage events in `[from, to)`, newest first.
  func events(of user: UserID, from: Int64?, to: Int64?, page: PageRequest) async throws -> Page<UsageEvent>
  /// Writes usage events, all or none, with the answer to `call`; how many. Throws `notFound` naming the first unknown user, and
  /// `idempotencyKeyReused`.
  func record(_ events: [UsageEvent], call: IdempotentCall, now: Int64, answer: StoredAnswer) async throws -> Once<Int>
  /// Expires up to `rowsMax` overdue reservations of anybody; how many.
  func expireOverdue(rowsMax: Int, now: Int64) async throws -> Unacknowledged<Int>
  /// Removes rows that retention no longer keeps, up to `rowsMax` and fewer if they are large; how many, 0 when there are none.
  func prune(rowsMax: Int, now: Int64) async throws -> Int
}
