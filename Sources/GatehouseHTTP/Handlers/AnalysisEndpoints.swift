import HTTPTypes
import StrictJSON
import GatehouseCore

extension OptionalField where Kind == RawObject {
  /// The app's own object beside a thing.
  static var metadata: OptionalField {
    OptionalField(
      "metadata", RawObject(bytesMax: RequestBounds.metadataBytesMax),
      "Any object of the app's, up to \(Spelled.kibibytes(RequestBounds.metadataBytesMax)).")
  }
}

struct AnalysisFields: Fields {
  let userID = FieldIfPresent("user_id", UserReference(), "The analysis's user. With a service key only.")
  let filename = OptionalField("filename", Text(1...RequestBounds.filenameMax), "The name of the file that is analysed.")
  let metadata = OptionalField.metadata
  let lease = OptionalField(
    "lease_seconds", Whole(RequestBounds.leaseSeconds),
    """
    Seconds until the analysis expires unless it is reported on. Unless given: the lease of reservation_id, or \
    \(RequestBounds.leaseSecondsDefault).
    """)
  let metric = OptionalField(
    "metric", Text(1...64),
    "The metric that it costs one unit of; the first metric of the configuration unless given. Not with reservation_id.")
  let reservation = OptionalField("reservation_id", Text(1...64), "A held reservation to use in place of a new one.")
  static let declared = Declared(Self())
}

struct AnalysesQuery: Fields {
  let userID = OptionalField(
    "user_id", AnyText(.text(0...64)), "The user whose analyses are listed. With a service key only, and then required.")
  let status = OptionalField("status", Choice(AnalysisStatus.allCases), "Lists only analyses with this status.")
  let from = OptionalField("from", InstantOrDate(), "The first instant.")
  let to = OptionalField("to", InstantOrDate(), "The instant after the last.")
  let include = OptionalField("include", AnyText(.values(["result"])), "result includes the results.")
  let limit = PageQuery().limit
  let cursor = PageQuery().cursor
  static let declared = Declared(Self())
}

struct RunningFields: Fields {
  let status = Field("status", Confirmation("running"), "The analysis goes on.")
  let lease = DefaultField(
    "lease_seconds", Whole(RequestBounds.leaseSeconds), default: RequestBounds.leaseSecondsDefault,
    "Seconds until the analysis expires unless it is reported on.")
  static let declared = Declared(Self())
}

struct CompletedFields: Fields {
  let status = Field("status", Confirmation("completed"), "The analysis has a result, and its unit is used.")
  let result = Field(
    "result", RawValue(bytesMax: RequestBounds.resultBytesMax),
    "Any JSON but null, up to \(Spelled.kibibytes(RequestBounds.resultBytesMax)).")
  let rereserve = DefaultField("rereserve", Flag(), default: false, "true: reserve the unit again if its lease has expired.")
  static let declared = Declared(Self())
}

struct FailedFields: Fields {
  let status = Field("status", Confirmation("failed"), "The analysis failed, and its unit comes back.")
  let error = OptionalField(
    "error", RawObject(bytesMax: RequestBounds.errorBytesMax), "Any object, up to \(Spelled.kibibytes(RequestBounds.errorBytesMax)).")
  static let declared = Declared(Self())
}

extension Endpoint {
  static let startAnalysis = Endpoint(
    .post, "/v1/analyses", "startAnalysis", .analyses, "Start an analysis: reserves one unit of its metric", access: .sessionOr(.work),
    [.idempotencyKey],
    body: RequestBody(
      AnalysisFields.declared.schema,
      examples: [
        .init(
          name: "user", summary: "With a session token.",
          value: ["filename": "squat.mp4", "metadata": ["athlete": "17"], "lease_seconds": 1_800]),
        .init(
          name: "backend", summary: "With a service key.",
          value: ["user_id": "usr_4tq9m2kd7xw1hb", "filename": "squat.mp4", "metric": "video_analysis"]),
      ]),
    answers: [
      .created(
        .analysisAndAllowance, headers: ["Location", "Idempotency-Replayed"] + Success.limits,
        links: [
          .init("read", "getAnalysis", id: "/analysis/id"), .init("report", "reportAnalysis", id: "/analysis/id"),
          .init("cancel", "deleteAnalysis", id: "/analysis/id"),
        ])
    ], problems: [.notFound, .invalidTransition, .reservationExpired])

  static let listAnalyses = Endpoint(
    .get, "/v1/analyses", "listAnalyses", .analyses, "The history of analyses", access: .sessionOr(.work),
    query: AnalysesQuery.declared.list, answers: [.ok(.page(of: .analysis), headers: Success.limits)], problems: [.invalidFields])

  static let getAnalysis = Endpoint(
    .get, "/v1/analyses/{id}", "getAnalysis", .analyses, "An analysis", access: .sessionOr(.work), [.analysis],
    answers: [.ok(.analysis, headers: Success.limits)], problems: [.notFound])

  static let reportAnalysis = Endpoint(
    .patch, "/v1/analyses/{id}", "reportAnalysis", .analyses, "A worker's report", access: .key(.work), bodyCap: .report, [.analysis],
    body: RequestBody(
      .oneOf([RunningFields.declared.schema, CompletedFields.declared.schema, FailedFields.declared.schema]),
      examples: [
        .init(name: "running", summary: "The analysis goes on.", value: ["status": "running", "lease_seconds": 1_800]),
        .init(name: "completed", summary: "The analysis has a result.", value: ["status": "completed", "result": ["score": 36.1]]),
        .init(name: "failed", summary: "The analysis failed.", value: ["status": "failed", "error": ["code": "too_dark"]]),
      ]),
    answers: [.ok(.analysisAndAllowance)], problems: [.notFound, .invalidTransition, .reservationExpired])

  static let deleteAnalysis = Endpoint(
    .delete, "/v1/analyses/{id}", "deleteAnalysis", .analyses, "Cancel an open analysis, delete a finished one",
    access: .sessionOr(.work), [.analysis], answers: [.noContent(headers: Success.limits)], problems: [.notFound, .invalidTransition])
}

extension RouteTable {
  static var analyses: [Route] {
    [
      Route(.startAnalysis) { try await $0.startAnalysis($1, $2) },
      Route(.listAnalyses) { try await $0.analyses($1, $2) },
      Route(.getAnalysis) { try await $0.analysis($1, $2) },
      Route(.reportAnalysis) { try await $0.reportAnalysis($1, $2) },
      Route(.deleteAnalysis) { try await $0.deleteAnalysis($1, $2) },
    ]
  }
}
