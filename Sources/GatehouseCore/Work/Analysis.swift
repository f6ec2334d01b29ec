/// Where a job stands: open while `pending` or `running`; the others are final, but that an expired job may be reported with `rereserve`.
public enum AnalysisStatus: String, Sendable, CaseIterable { case pending, running, completed, failed, expired, cancelled }

/// A metered job with a JSON result, as the ledger holds it. `metadata`, `result` and `error` are JSON texts as they were received.
public struct Analysis: Sendable, Equatable {
  /// The job's id, by which workers report on it.
  public let id: AnalysisID
  /// The user whose units the job takes.
  public let userID: UserID
  /// The state in which the job was read.
  public var status: AnalysisStatus
  /// The name of the file that is analysed, as the app gave it; nil for none.
  public let filename: String?
  /// The app's own JSON object, byte for byte; `{}` unless one was given.
  public let metadata: String
  /// The metric of its reservation.
  public let metric: String
  /// The units of its reservation, which a completed job has used.
  public let amount: Int64
  /// The reservation that holds or has used its units; it may be removed before the job is.
  public var reservationID: ReservationID
  /// The instant at which the job expires unless a heartbeat comes first; nil once its units are no longer held.
  public var leaseExpiresAtMilliseconds: Int64?
  /// nil while there is none, and in lists that did not ask for it.
  public var result: String?
  /// The worker's JSON object about the failure; nil unless the job failed.
  public var error: String?
  /// The instant at which the job was created, in milliseconds since 1970 UTC.
  public let createdAtMilliseconds: Int64
  /// The instant at which the job was completed, failed, expired or cancelled; nil while it is open.
  public var finishedAtMilliseconds: Int64?

  /// A job as the ledger holds it.
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
  /// The id that the job is to have; it gets another if the ledger has this one already.
  public let id: AnalysisID
  /// The name of the file that is analysed, as the app gave it; nil for none.
  public let filename: String?
  /// The app's own JSON object, stored byte for byte.
  public let metadata: String
  /// A job to create; `metadata` must be the text of a JSON object.
  public init(id: AnalysisID, filename: String?, metadata: String) {
    self.id = id
    self.filename = filename
    self.metadata = metadata
  }
}

/// Ids of analyses: a metered job.
public enum AnalysisKind: DatedIdentifierKind {
  /// The beginning of every analysis's id.
  public static let prefix = "ana_"
}

/// The id of an analysis.
public typealias AnalysisID = Identifier<AnalysisKind>
