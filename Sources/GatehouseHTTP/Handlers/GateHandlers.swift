import GatehouseCore
import GatehouseCrypto
import Hummingbird
import StrictJSON

extension API {
  /// `POST /v1/gate`
  func decideGate(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let key = try serviceKey(request, .gate)
    var fields = try await fields(request, context)
    let call = gateCall(&fields, reserves: true)
    try fields.finish()
    let asking = RefusalLog.Asked(request, context)
    let result = await withCheckedContinuation { continuation in
      decide(call, key: key.id, asking) { continuation.resume(returning: $0) }
    }
    // Not by `get`, whose typed throw the optimizer fails on here.
    switch result {
    case .success(let answer): return answer
    case .failure(let problem): throw problem
    }
  }

  /// Decides about a question, whichever way it came.
  /// - Parameter done: called once, possibly on an event loop: it must not block.
  func decide(
    _ call: GateCall, key: ServiceKeyID, _ asking: RefusalLog.Asked, done: @escaping @Sendable (Result<Answer, Problem>) -> Void
  ) {
    let question: GateRequest
    do {
      guard let read = try gateRequest(call, key: key) else {
        let refused = forged(call.token)
        refusals.note(refused, of: nil, asking, .init(key: key.text))
        return done(.success(answer(refused.json(timeouts: timeouts, requestID: asking.requestID))))
      }
      question = read
    } catch {
      return done(.failure(error as? Problem ?? Problem(.unavailable, "The gate could not decide. Try again in a moment.")))
    }
    gate.decideInFull(question, showing: call.reserve?.metric) { [self] result in
      switch result {
      case .failure(let error): done(.failure(Problem(error)))
      case .success(let decided):
        refusals.note(decided, of: question.userText, asking, .init(key: key.text))
        var fields: [(String, String)] = []
        if case .replay = decided.reserved { fields = [("Idempotency-Replayed", "true")] }
        done(.success(answer(decided.json(timeouts: timeouts, requestID: asking.requestID), fields: fields)))
      }
    }
  }

  /// `POST /v1/gate/batch`: every decision on its own, answered in the order of the questions; a wrong one fails alone.
  func decideBatch(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let key = try serviceKey(request, .gate)
    var fields = try await fields(request, context)
    let questions = fields.read(BatchFields.declared.fields.requests)
    try fields.finish()
    let batch = BatchQuestions(questions, self, key: key.id, .init(request, context))
    return batch.answer(await gate.decideAll(batch.requests))
  }

  /// `POST /v1/limits/{policy}/check`
  func checkLimit(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let key = try serviceKey(request, .gate)
    guard let name = context.parameters.get("policy") else { throw Problem.notFound }
    guard !Policy.isInternal(name) else { throw Problem(.notFound, Self.reserved(name)) }
    guard let policy = policy(name) else {
      throw Problem(.notFound, "There is no policy \(name.prefix(64)) in the configuration. Check the path.")
    }
    var fields = try await fields(request, context)
    let declared = CheckFields.declared.fields
    let subject = fields.read(declared.subject)
    let cost = fields.read(declared.cost)
    let peek = fields.read(declared.peek)
    let network = policy.by == .ip ? IPAddress(subject)?.network : nil
    if policy.by == .ip, network == nil {
      fields.refuse(
        declared.subject, code: "invalid_address", "Policy \(policy.name) counts addresses: use an IP address such as 192.0.2.7.")
    }
    try fields.finish()
    let found =
      if let network { await domain.limits.check(network: network, policy, cost: Int64(cost), peek: peek) } else {
        await domain.limits.check(subject: subject, policy, cost: Int64(cost), peek: peek)
      }
    guard let verdict = found else { throw Problem.notFound }
    let standing = verdict.standing
    guard Int64(cost) <= standing.limit || policy.shadow else {
      throw Problem(.costExceedsLimit, policy.costDetail(Int64(cost), limit: standing.limit))
    }
    if !verdict.allowed { refusals.note(policy.name, .init(request, context), .init(key: key.id.text)) }
    return answer(
      json { writer in
        writer.object { writer in
          writer.bool("allowed", verdict.allowed)
          writer.string("policy", policy.name)
          writer.int64("limit", standing.limit)
          writer.int64("window_seconds", standing.windowSeconds)
          writer.int64("remaining", standing.remaining)
          writer.int("reset_seconds", standing.resetSeconds)
          writer.int("retry_after_seconds", verdict.allowed ? nil : verdict.retryAfterSeconds)
        }
      })
  }
}
