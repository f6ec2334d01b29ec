import GatehouseCore
import Hummingbird
import StrictJSON

extension API {
  /// `POST /v1/analyses` (A6)
  func startAnalysis(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    let key = try serviceKeyIfSent(request, .work)
    let visitor = key == nil ? try await visitor(request, context) : nil
    let body = try await body(request, context)
    var fields = try FieldReader(body: body)
    let named = key == nil ? nil : userField(&fields)
    let filename = fields.optionalString("filename", length: 1...Limits.filenameMax)
    let metadata = fields.rawObject("metadata", bytesMax: Limits.metadataBytesMax)
    let lease = fields.optionalInt("lease_seconds", in: 1...contract.leaseSecondsMax)
    let taken = fields.optionalString("reservation_id", length: 1...64)
    try fields.finish()
    guard let userID = visitor?.userID ?? named else { throw Problem.notFound }
    let call = try idempotency(request, scope: key?.id.text ?? userID.text, body: body)
    let analysis = NewAnalysis(
      id: .random(), filename: filename, metadata: metadata.map { String(decoding: $0, as: UTF8.self) } ?? "{}")
    let encode: @Sendable (Reserved) -> StoredAnswer = { reserved in
      StoredAnswer(status: 201, body: workJSON(reserved), location: reserved.analysis.map { "/v1/analyses/\($0.id)" })
    }
    if let stored = try await ledger.answer(to: call, now: clock.now()) { return replay(stored) }
    if let taken {
      guard let reservation = ReservationID(taken) else { throw Problem.notFound }
      let once = try await ledger.attachAnalysis(
        analysis, to: reservation, of: userID, leaseMilliseconds: lease.map { Int64($0) * 1000 }, call: call, now: clock.now(),
        encode: encode)
      return created(once, encode, fields: visitor?.fields ?? [])
    }
    let reserve = GateRequest.Reserve(
      metric: Self.analysisMetric, amount: 1, leaseMilliseconds: Int64(lease ?? contract.leaseSecondsDefault) * 1000, commit: false,
      analysis: analysis, holdID: holdID(userID.text, call), call: call, encode: encode)
    return try await reserveThroughGate(userID, reserve, encode, fields: visitor?.fields ?? [])
  }

  /// What an analysis costs one unit of.
  static var analysisMetric: String { "video_analysis" }

  /// `POST /v1/reservations` (A8)
  func reserve(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    let key = try serviceKey(request, .work)
    let body = try await body(request, context)
    var fields = try FieldReader(body: body)
    let named = userField(&fields)
    let metric = fields.string("metric", length: 1...64)
    let amount = fields.int("amount", in: 1...Limits.amountMax, default: 1)
    let lease = fields.int("lease_seconds", in: 1...contract.leaseSecondsMax, default: contract.leaseSecondsDefault)
    let commit = fields.bool("commit", default: false)
    if !metric.isEmpty, allowances().metric(metric) == nil {
      fields.refuse("metric", code: "unknown_metric", "There is no metric \(metric) in the configuration.")
    }
    try fields.finish()
    guard let userID = named else { throw Problem.notFound }
    let call = try idempotency(request, scope: key.id.text, body: body)
    if let stored = try await ledger.answer(to: call, now: clock.now()) { return replay(stored) }
    let encode: @Sendable (Reserved) -> StoredAnswer = { StoredAnswer(status: 201, body: workJSON($0)) }
    let reserve = GateRequest.Reserve(
      metric: metric, amount: Int64(amount), leaseMilliseconds: Int64(lease) * 1000, commit: commit, analysis: nil,
      holdID: holdID(userID.text, call), call: call, encode: encode)
    return try await reserveThroughGate(userID, reserve, encode, fields: [])
  }

  /// A backend's or a let-in session's reservation: no session is checked again.
  private func reserveThroughGate(
    _ userID: UserID, _ reserve: GateRequest.Reserve, _ encode: @Sendable (Reserved) -> StoredAnswer, fields: [(String, String)]
  ) async throws -> Response {
    let answer = try await gate.decide(GateRequest(subject: .user(userID), reserve: reserve))
    if answer.decision == .unauthenticated { throw Problem.notFound }
    if let problem = answer.problem { throw problem }
    guard let once = answer.reserved else { throw Problem(.unavailable, "The reservation could not be made. Try again.") }
    return created(once, encode, fields: fields)
  }

  private func created(_ once: Once<Reserved>, _ encode: (Reserved) -> StoredAnswer, fields: [(String, String)]) -> Response {
    switch once {
    case .replay(let stored): return replay(stored)
    case .first(let reserved):
      let stored = encode(reserved)
      return answer(.created, stored.body, fields: fields, location: stored.location)
    }
  }

  private func userField(_ fields: inout FieldReader) -> UserID? {
    let text = fields.string("user_id", length: 1...64)
    return UserID(text)
  }

  /// `POST /v1/reservations/{id}/commit`
  func commitReservation(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    _ = try serviceKey(request, .work)
    var fields = try await optionalFields(request, context)
    let amount = fields.optionalInt("amount", in: 1...Limits.amountMax)
    try fields.finish()
    let id = try reservationID(context)
    let change = try await ledger.commit(id, amount: amount.map(Int64.init), now: clock.now())
    return answer(workJSON(await changes.acknowledge(change, takesRightsAway: false)))
  }

  /// `POST /v1/reservations/{id}/release`
  func releaseReservation(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    _ = try serviceKey(request, .work)
    let fields = try await optionalFields(request, context)
    try fields.finish()
    let change = try await ledger.release(reservationID(context), now: clock.now())
    return answer(workJSON(await changes.acknowledge(change, takesRightsAway: false)))
  }

  /// `POST /v1/reservations/{id}/extend`
  func extendReservation(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    _ = try serviceKey(request, .work)
    var fields = try await fields(request, context)
    let lease = fields.int("lease_seconds", in: 1...contract.leaseSecondsMax)
    try fields.finish()
    let change = try await ledger.extend(reservationID(context), leaseMilliseconds: Int64(lease) * 1000, now: clock.now())
    return answer(workJSON(await changes.acknowledge(change, takesRightsAway: false)))
  }

  private func reservationID(_ context: GatehouseContext) throws -> ReservationID {
    guard let id = context.parameters.get("id").flatMap(ReservationID.init) else { throw Problem.notFound }
    return id
  }

  /// A body that may be left out.
  private func optionalFields(_ request: Request, _ context: GatehouseContext) async throws -> FieldReader {
    guard request.headers[.contentType] != nil else { return FieldReader([:]) }
    return try await fields(request, context)
  }

  /// `GET /v1/analyses`
  func analyses(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    let key = try serviceKeyIfSent(request, .work)
    let common = ["limit", "cursor", "status", "from", "to", "include"]
    let query = try QueryReader(request.uri.query, known: key == nil ? common : common + ["user_id"])
    let named = query["user_id"]
    let page = try pageRequest(query, list: "analyses")
    var filter = AnalysisFilter(
      status: try query.oneOf("status", Analysis.Status.allCases), from: try query.instant("from"), to: try query.instant("to"))
    if let include = query["include"] {
      guard include == "result" else { throw query.refusal("include", code: "not_allowed", "Use include=result.") }
      filter.includesResult = true
    }
    if key != nil, named.flatMap({ UserID($0) }) == nil {
      throw query.refusal("user_id", code: "required", "A backend names the user whose analyses it lists.")
    }
    let visitor = key == nil ? try await visitor(request, context) : nil
    guard let userID = visitor?.userID ?? named.flatMap({ UserID($0) }) else { throw Problem.notFound }
    let found = try await ledger.analyses(of: userID, filter: filter, page: page)
    let body = json { $0.list(found.items, next: cursor(found.next, list: "analyses")) { $0.analysis($1) } }
    return answer(body, fields: visitor?.fields ?? [])
  }

  /// `GET /v1/analyses/{id}`
  func analysis(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    let key = try serviceKeyIfSent(request, .work)
    let visitor = key == nil ? try await visitor(request, context) : nil
    guard let found = try await ledger.analysis(analysisID(context), of: visitor?.userID) else { throw Problem.notFound }
    return answer(json { $0.analysis(found) }, fields: visitor?.fields ?? [])
  }

  /// `DELETE /v1/analyses/{id}`: an open one is cancelled and its unit returns, a finished one goes.
  func deleteAnalysis(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    let key = try serviceKeyIfSent(request, .work)
    let visitor = key == nil ? try await visitor(request, context) : nil
    let change = try await ledger.cancelAnalysis(analysisID(context), of: visitor?.userID, now: clock.now())
    _ = await changes.acknowledge(change, takesRightsAway: false)
    return noContent(fields: visitor?.fields ?? [])
  }

  /// `PATCH /v1/analyses/{id}` (A7)
  func reportAnalysis(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    _ = try serviceKey(request, .work)
    var fields = try await fields(request, context)
    let status = fields.oneOf("status", [Analysis.Status.running, .completed, .failed])
    let report: AnalysisReport?
    switch status {
    case .running:
      let lease = fields.int("lease_seconds", in: 1...contract.leaseSecondsMax, default: contract.leaseSecondsDefault)
      report = .running(leaseMilliseconds: Int64(lease) * 1000)
    case .completed:
      let result = fields.raw("result", bytesMax: Limits.resultBytesMax)
      if result == nil { fields.refuse("result", code: "required", "A completed analysis has a result.") }
      let again = fields.bool("rereserve", default: false)
      report = result.map { .completed(result: String(decoding: $0, as: UTF8.self), rereserve: again) }
    case .failed:
      let error = fields.rawObject("error", bytesMax: Limits.errorBytesMax)
      report = .failed(error: error.map { String(decoding: $0, as: UTF8.self) } ?? "{}")
    default: report = nil
    }
    try fields.finish()
    guard let report else { throw Problem.notFound }
    let change = try await ledger.report(analysisID(context), report, now: clock.now())
    return answer(workJSON(await changes.acknowledge(change, takesRightsAway: false)))
  }

  private func analysisID(_ context: GatehouseContext) throws -> AnalysisID {
    guard let id = context.parameters.get("id").flatMap(AnalysisID.init) else { throw Problem.notFound }
    return id
  }
}

/// An analysis or a reservation with the standing after it.
private func workJSON(_ reserved: Reserved) -> [UInt8] {
  json { writer in
    writer.object { writer in
      if let analysis = reserved.analysis {
        writer.name("analysis")
        writer.analysis(analysis)
      } else {
        writer.name("reservation")
        writer.reservation(reserved.reservation)
      }
      writer.name("allowance")
      writer.allowance(reserved.allowance)
    }
  }
}
