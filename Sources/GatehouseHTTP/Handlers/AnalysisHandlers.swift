import GatehouseCrypto
import GatehouseCore
import Hummingbird
import StrictJSON

extension API {
  /// `POST /v1/analyses`
  func startAnalysis(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    if let key = try serviceKeyIfSent(request, .work) {
      let start = try await analysisStart(request, context, session: nil, scope: key.id.text)
      if let taken = start.taken {
        return created(try await attach(start, to: taken), fields: [])
      }
      return try await created(GateRequest(subject: .user(start.userID), reserve: reserve(start)))
    }
    let presented = try presentedToken(request)
    guard let userID = presented.userID else { throw Problem.unauthenticated }
    let start: AnalysisStart
    do { start = try await analysisStart(request, context, session: userID, scope: userID.text) } catch {
      _ = try await letIn(presented, charges: [])
      throw error
    }
    if let taken = start.taken {
      let visitor = try await letIn(presented, charges: ownRouteCharges)
      return created(try await attach(start, to: taken), fields: visitor.fields)
    }
    // One question decides about the session, the policy and the unit, all or nothing.
    let token = GateRequest.Identity.token(routingID: presented.token.routingID, hash: presented.token.hash)
    return try await created(GateRequest(subject: token, charges: ownRouteCharges, reserve: reserve(start)))
  }

  private func analysisStart(
    _ request: Request, _ context: GatehouseContext, session: UserID?, scope: String
  ) async throws -> AnalysisStart {
    let body = try await body(request, context)
    var fields = try FieldReader(body: body)
    let declared = AnalysisFields.declared.fields
    let named = session == nil ? fields.read(declared.userID) : nil
    let filename = fields.read(declared.filename)
    let metadata = fields.read(declared.metadata)
    let lease = fields.read(declared.lease)
    let taken = fields.read(declared.reservation)
    let metric = metric(&fields, isTaken: taken != nil)
    try fields.finish()
    guard let userID = session ?? named else { throw Problem.notFound }
    return AnalysisStart(
      userID: userID,
      analysis: NewAnalysis(
        id: .made(at: clock.now()), filename: filename, metadata: metadata.map { String(decoding: $0, as: UTF8.self) } ?? "{}"),
      leaseMilliseconds: lease.map { Int64($0) * 1000 }, taken: taken, metric: metric,
      call: try idempotency(request, scope: scope, body: body))
  }

  /// The metric that the analysis costs one unit of: the first of the configuration where none is named.
  private func metric(_ fields: inout FieldReader, isTaken: Bool) -> String {
    let table = allowances()
    let declared = AnalysisFields.declared.fields.metric
    let named = fields.read(declared)
    if let named, isTaken {
      fields.refuse(declared, code: "not_allowed", "The reservation has its metric already: leave \(named) out.")
    } else if let named, !named.isEmpty, table.metric(named) == nil {
      fields.refuse(declared, code: "unknown_metric", Remedy.oneOf(table.metrics.map(\.name)))
    }
    return named ?? table.metrics.first?.name ?? ""
  }

  private func reserve(_ start: AnalysisStart) -> GateRequest.Reserve {
    GateRequest.Reserve(
      metric: start.metric, amount: 1,
      leaseMilliseconds: start.leaseMilliseconds ?? Int64(RequestBounds.leaseSecondsDefault) * 1000, commit: false,
      analysis: start.analysis,
      holdID: holdID(start.userID.text, start.call), call: start.call, encode: .created)
  }

  /// Creates the analysis on a reservation that is held already.
  private func attach(_ start: AnalysisStart, to taken: String) async throws -> Once<Reserved> {
    let once = try await work.attach(
      start.analysis, toReservation: taken, of: start.userID, leaseMilliseconds: start.leaseMilliseconds, call: start.call,
      encode: .created)
    guard let once else { throw Problem.notFound }
    return once
  }

  /// `GET /v1/analyses`
  func analyses(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let (caller, wanted) = try await caller(request, context) { isBackend in
      let declared = AnalysesQuery.declared.fields
      let query = try AnalysesQuery.declared.query(request.uri.query, without: isBackend ? nil : declared.userID)
      var filter = AnalysisFilter(
        status: try query.read(declared.status), from: try query.read(declared.from), to: try query.read(declared.to))
      if let include = query[declared.include] {
        guard include == "result" else { throw query.refusal(declared.include, code: "not_allowed", "Use include=result.") }
        filter.includesResult = true
      }
      let named = query[declared.userID].flatMap { UserID($0) }
      if isBackend, named == nil {
        throw query.refusal(declared.userID, code: "required", "A backend names the user whose analyses it lists.")
      }
      let page = try pageRequest(query, .analyses(of: isBackend ? named : presentedToken(request).userID))
      return (named: named, page: page, filter: filter)
    }
    guard let userID = caller.userID ?? wanted.named else { throw Problem.notFound }
    let found = try await work.analyses(of: userID, filter: wanted.filter, page: wanted.page)
    let body = json { $0.list(found.items, next: cursor(found.next, .analyses(of: userID))) { $0.analysis($1) } }
    return answer(body, fields: caller.fields)
  }

  /// `GET /v1/analyses/{id}`
  func analysis(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let caller = try await caller(request, context) { _ in try refuseQuery(request) }.caller
    guard let found = try await work.analysis(analysisID(context), of: caller.userID) else { throw Problem.notFound }
    return answer(json { $0.analysis(found) }, fields: caller.fields)
  }

  /// `DELETE /v1/analyses/{id}`: an open one is cancelled and its unit returns, a finished one goes.
  func deleteAnalysis(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let caller = try await caller(request, context) { _ in try refuseQuery(request) }.caller
    try await work.delete(analysisID(context), of: caller.userID)
    return noContent(fields: caller.fields)
  }

  /// `PATCH /v1/analyses/{id}`
  func reportAnalysis(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    _ = try serviceKey(request, .work)
    var fields = try await fields(request, context)
    let status = fields.oneOf("status", [AnalysisStatus.running, .completed, .failed])
    let report: AnalysisReport?
    switch status {
    case .running:
      let lease = fields.read(RunningFields.declared.fields.lease)
      report = .running(leaseMilliseconds: Int64(lease) * 1000)
    case .completed:
      let declared = CompletedFields.declared.fields
      let result = fields.read(declared.result)
      if result == nil { fields.refuse(declared.result, code: "required", "A completed analysis has a result.") }
      let again = fields.read(declared.rereserve)
      report = result.map { .completed(result: String(decoding: $0, as: UTF8.self), rereserve: again) }
    case .failed:
      let error = fields.read(FailedFields.declared.fields.error)
      report = .failed(error: error.map { String(decoding: $0, as: UTF8.self) } ?? "{}")
    default: report = nil
    }
    try fields.finish()
    guard let report else { throw Problem.notFound }
    return answer(workJSON(try await work.report(analysisID(context), report)))
  }

  private func analysisID(_ context: GatehouseContext) throws -> AnalysisID {
    guard let id = context.parameters.get("id").flatMap(AnalysisID.init) else { throw Problem.notFound }
    return id
  }
}

/// An analysis to start, as it was asked for.
private struct AnalysisStart: Sendable {
  let userID: UserID
  let analysis: NewAnalysis
  let leaseMilliseconds: Int64?
  /// The reservation to use, as it was spelled; nil makes one.
  let taken: String?
  let metric: String
  let call: IdempotentCall
}
