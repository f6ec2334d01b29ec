/// Where a job stands: open while `pending` or `running`; the others are final, but that an expired job may be reported with `rereserve`.
public enum AnalysisStatus: String, Sendable, CaseIterable { case pending, running, completed, failed, expired, cancelled }

/// A metered job with a JSON result, as the ledger holds it. `metadata`, `result` and `error` are JSON texts as they were received.
public struct Analysis: Sendable, Equatable {
  public let id: AnalysisID
  public let userID: UserID
  public var status: AnalysisStatus
  public let filename: String?
  public let metadata: String
  public let metric: String
  public let amount: Int64
  public var reservationID: ReservationID
  public var leaseExpiresAtMilliseconds: Int64?
  /// nil while there is none, and in lists that did not ask for it.
  public var result: String?
  public var error: String?
  public let createdAtMilliseconds: Int64
  public var finishedAtMilliseconds: Int64?

  public init(
    id: AnalysisID, userID: UserID, status: AnalysisStatus, filename: String?, metadata: String, metric: String, amount: Int64,
    reservationID: ReservationID, leaseExpiresAtMilliseconds: Int64?, result: String?, error: String?, createdAtMilliseconds: Int64,
    finishedAtMilliseconds: Int64?
  ) {
    self.id = id
    self.userID = userID
    self.status = status
    self.filename = filename
    self.metadata = metadata
    self.metric = metric
    self.amount = amount
    self.reservationID = reservationID
    self.leaseExpiresAtMilliseconds = leaseExpiresAtMilliseconds
    self.result = result
    self.error = error
    self.createdAtMilliseconds = createdAtMilliseconds
    self.finishedAtMilliseconds = finishedAtMilliseconds
  }

  /// Whether the job can still be reported on.
  public var isOpen: Bool { status == .pending || status == .running }
}

/// A worker's report on its job.
public enum AnalysisReport: Sendable, Equatable {
  /// A heartbeat: the lease is extended to now + `leaseMilliseconds`.
  case running(leaseMilliseconds: Int64)
  /// Done: commits the reservation. `result` is a JSON text.
  case completed(result: String, rereserve: Bool)
  /// Failed: releases the reservation. `error` is a JSON text.
  case failed(error: String)
}

/// An analysis to create with its reservation.
public struct NewAnalysis: Sendable, Equatable {
  public let id: AnalysisID
  public let filename: String?
  public let metadata: String
  public init(id: AnalysisID, filename: String?, metadata: String) {
    self.id = id
    self.filename = filename
    self.metadata = metadata
  }
}

/// Ids of analyses: a metered job.
public enum AnalysisKind: IdentifierKind {
  public static let prefix = "ana_"
}

/// The id of an analysis.
public typealias AnalysisID = Identifier<AnalysisKind>
