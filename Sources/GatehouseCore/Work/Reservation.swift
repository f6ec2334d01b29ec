/// The state of reserved units: held until their job ends, then one of the others, for good.
public enum ReservationStatus: String, Sendable { case held, committed, released, expired }

/// Units held for a job that has started.
public struct Reservation: Sendable, Equatable {
  public let id: ReservationID
  public let userID: UserID
  public let metric: String
  public let amount: Int64
  public var committed: Int64
  public var status: ReservationStatus
  public let periodStartsAtMilliseconds: Int64
  public let periodEndsAtMilliseconds: Int64
  /// nil once finished.
  public var leaseExpiresAtMilliseconds: Int64?
  public let createdAtMilliseconds: Int64
  public var finishedAtMilliseconds: Int64?

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
  public let id: ReservationID
  public let userID: UserID
  public let metric: String
  public let amount: Int64
  public let leaseMilliseconds: Int64
  /// Commit at once.
  public let commit: Bool
  /// The open period that the gate named; nil: the ledger computes it from the user's zone.
  public let period: Period?
  /// Whether Redis holds the units: otherwise its copy lacks them and must be dropped.
  public let isHeld: Bool
  public let analysis: NewAnalysis?
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
  public let reservation: Reservation
  public let allowance: Allowance
  public let analysis: Analysis?
  public init(reservation: Reservation, allowance: Allowance, analysis: Analysis?) {
    self.reservation = reservation
    self.allowance = allowance
    self.analysis = analysis
  }
}

/// Ids of reservations: units held for a job.
public enum ReservationKind: IdentifierKind {
  public static let prefix = "rsv_"
}

/// The id of a reservation.
public typealias ReservationID = Identifier<ReservationKind>
