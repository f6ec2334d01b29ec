/// The state of reserved units: held until their job ends, then one of the others, for good.
public enum ReservationStatus: String, Sendable { case held, committed, released, expired }

/// Units held for a job that has started.
public struct Reservation: Sendable, Equatable {
  /// The reservation's id, by which it is committed, released and extended.
  public let id: ReservationID
  /// The user whose allowance it takes from.
  public let userID: UserID
  /// The metric that its units are of.
  public let metric: String
  /// Units that were reserved, at least 1.
  public let amount: Int64
  /// Units that were used, at most `amount`; 0 unless `status` is `committed`.
  public var committed: Int64
  /// The state in which the reservation was read.
  public var status: ReservationStatus
  /// The start of the period in which its units count, whenever they are committed.
  public let periodStartsAtMilliseconds: Int64
  /// The end of that period, exclusive.
  public let periodEndsAtMilliseconds: Int64
  /// nil once finished.
  public var leaseExpiresAtMilliseconds: Int64?
  /// The instant at which it was made, in milliseconds since 1970 UTC.
  public let createdAtMilliseconds: Int64
  /// The instant at which it was committed, released or expired; nil while it is held.
  public var finishedAtMilliseconds: Int64?

  /// A reservation as the ledger holds it; unless told otherwise it is held.
  public init(
    id: ReservationID, userID: UserID, metric: String, amount: Int64, committed: Int64 = 0, status: ReservationStatus = .held,
    periodStartsAtMilliseconds: Int64, periodEndsAtMilliseconds: Int64, leaseExpiresAtMilliseconds: Int64?, createdAtMilliseconds: Int64,
    finishedAtMilliseconds: Int64? = nil
  ) {
    self.id = id
    self.userID = userID
    self.metric = metric
    self.amount = amount
    self.committed = committed
    self.status = status
    self.periodStartsAtMilliseconds = periodStartsAtMilliseconds
    self.periodEndsAtMilliseconds = periodEndsAtMilliseconds
    self.leaseExpiresAtMilliseconds = leaseExpiresAtMilliseconds
    self.createdAtMilliseconds = createdAtMilliseconds
    self.finishedAtMilliseconds = finishedAtMilliseconds
  }
}

/// A reservation to make, as the ledger is asked for it.
public struct ReservationRequest: Sendable {
  /// The id that the reservation is to have; it gets another if the ledger has this one already.
  public let id: ReservationID
  /// The user whose allowance is asked.
  public let userID: UserID
  /// The metric to take units of; one that is not configured is refused with `notFound`.
  public let metric: String
  /// Units to reserve, at least 1: all of them or none.
  public let amount: Int64
  /// Milliseconds from the reservation after which units that were not committed return.
  public let leaseMilliseconds: Int64
  /// Commit at once.
  public let commit: Bool
  /// The open period that the gate named; nil: the ledger computes it from the user's zone.
  public let period: Period?
  /// Whether Redis holds the units: otherwise its copy lacks them and must be dropped.
  public let isHeld: Bool
  /// The job to create in the same transaction; nil for units alone.
  public let analysis: NewAnalysis?
  /// A request; `isHeld` must be false unless Redis has answered that it holds the units.
  public init(
    id: ReservationID, userID: UserID, metric: String, amount: Int64, leaseMilliseconds: Int64, commit: Bool, period: Period?,
    isHeld: Bool, analysis: NewAnalysis?
  ) {
    self.id = id
    self.userID = userID
    self.metric = metric
    self.amount = amount
    self.leaseMilliseconds = leaseMilliseconds
    self.commit = commit
    self.period = period
    self.isHeld = isHeld
    self.analysis = analysis
  }
}

/// A reservation that is durable, with the user's standing after it.
public struct Reserved: Sendable, Equatable {
  /// The reservation after the call.
  public let reservation: Reservation
  /// The user's standing with its metric after the call, in the reservation's own period.
  public let allowance: Allowance
  /// The job on the reservation; nil if the call was not about one.
  public let analysis: Analysis?
  /// The answer that was kept for repeats of the call; nil for a call that can't be repeated.
  public let answer: StoredAnswer?
  /// The outcome of one transaction.
  public init(reservation: Reservation, allowance: Allowance, analysis: Analysis?, answer: StoredAnswer? = nil) {
    self.reservation = reservation
    self.allowance = allowance
    self.analysis = analysis
    self.answer = answer
  }
}

/// Ids of reservations: units held for a job.
public enum ReservationKind: DatedIdentifierKind {
  /// The beginning of every reservation's id.
  public static let prefix = "rsv_"
}

/// The id of a reservation.
public typealias ReservationID = Identifier<ReservationKind>

extension ServiceError {
  /// The refusal of a call on a reservation that is not there, or is somebody else's.
  public static func noReservation(_ id: ReservationID) -> ServiceError { ServiceError(.notFound, "There is no reservation \(id).") }
}
