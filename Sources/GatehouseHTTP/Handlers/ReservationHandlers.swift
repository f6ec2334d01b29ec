import GatehouseCore
import Hummingbird
import StrictJSON

extension API {
  /// `POST /v1/reservations`
  func reserve(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let key = try serviceKey(request, .work)
    let body = try await body(request, context)
    var fields = try FieldReader(body: body)
    let declared = ReserveFields.declared.fields
    let named = fields.read(declared.userID)
    let metric = fields.read(declared.metric)
    let amount = fields.read(declared.amount)
    let lease = fields.read(declared.lease)
    let commit = fields.read(declared.commit)
    if !metric.isEmpty, allowances().metric(metric) == nil {
      fields.refuse(declared.metric, code: "unknown_metric", "There is no metric \(metric) in the configuration.")
    }
    try fields.finish()
    guard let userID = named else { throw Problem.notFound }
    let call = try idempotency(request, scope: key.id.text, body: body)
    let reserve = GateRequest.Reserve(
      metric: metric, amount: Int64(amount), leaseMilliseconds: Int64(lease) * 1000, commit: commit, analysis: nil,
      holdID: holdID(userID.text, call), call: call, encode: .created)
    return try await created(GateRequest(subject: .user(userID), reserve: reserve))
  }

  /// The 201 of what a question to the gate reserves, its replay, or the problem of the refusal.
  func created(_ request: GateRequest) async throws -> Answer {
    let answer = try await gate.decideInFull(request)
    if answer.decision == .unauthenticated, request.isBackends { throw Problem.notFound }
    if let problem = answer.problem { throw problem }
    guard let once = answer.reserved else {
      throw Problem(.unavailable, "The reservation could not be made. Try again.")
    }
    return created(once, fields: answer.headerFields)
  }

  func created(_ once: Once<Reserved>, fields: [(String, String)]) -> Answer {
    switch once {
    case .replay(let stored): return replay(stored, fields: fields)
    case .first(let reserved):
      let stored = reserved.answer ?? ReservedAnswer.created.begin(reserved.reservation, reserved.analysis)(reserved.allowance)
      return answer(.created, stored.body, fields: fields, location: stored.location)
    }
  }

  /// `POST /v1/reservations/{id}/commit`
  func commitReservation(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    _ = try serviceKey(request, .work)
    var fields = try await optionalFields(request, context)
    let amount = fields.read(CommitFields.declared.fields.amount)
    try fields.finish()
    let id = try reservationID(context)
    return answer(workJSON(try await work.commit(id, amount: amount.map(Int64.init))))
  }

  /// `POST /v1/reservations/{id}/release`
  func releaseReservation(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    _ = try serviceKey(request, .work)
    let fields = try await optionalFields(request, context)
    try fields.finish()
    return answer(workJSON(try await work.release(reservationID(context))))
  }

  /// `POST /v1/reservations/{id}/extend`
  func extendReservation(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    _ = try serviceKey(request, .work)
    var fields = try await fields(request, context)
    let lease = fields.read(ExtendFields.declared.fields.lease)
    try fields.finish()
    return answer(workJSON(try await work.extend(reservationID(context), leaseMilliseconds: Int64(lease) * 1000)))
  }

  private func reservationID(_ context: GatehouseContext) throws -> ReservationID {
    guard let id = context.parameters.get("id").flatMap(ReservationID.init) else { throw Problem.notFound }
    return id
  }
}

extension GateRequest {
  /// Whether a backend asks, and not a session.
  fileprivate var isBackends: Bool {
    if case .user = subject { true } else { false }
  }
}

extension ReservedAnswer {
  /// The 201 of what was made: a job, or units alone.
  static let created = ReservedAnswer { reservation, analysis in
    let writer = beganWork(reservation, analysis)
    let location = analysis.map { "/v1/analyses/\($0.id)" }
    return { StoredAnswer(status: 201, body: endedWork(writer, $0), location: location) }
  }
}

/// An analysis or a reservation with the standing after it.
func workJSON(_ reserved: Reserved) -> [UInt8] { endedWork(beganWork(reserved.reservation, reserved.analysis), reserved.allowance) }

private func beganWork(_ reservation: Reservation, _ analysis: Analysis?) -> JSONWriter {
  var writer = JSONWriter(capacity: 1_024 + (analysis?.metadata.utf8.count ?? 0))
  writer.beginObject()
  if let analysis {
    writer.name("analysis")
    writer.analysis(analysis)
  } else {
    writer.name("reservation")
    writer.reservation(reservation)
  }
  return writer
}

private func endedWork(_ begun: JSONWriter, _ allowance: Allowance) -> [UInt8] {
  var writer = begun
  writer.name("allowance")
  writer.allowance(allowance)
  writer.endObject()
  return writer.bytes
}
