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
    let facts = Trail.Facts(key: key.id.text)
    guard let asked = try gateRequest(call, key: key) else {
      let refused = forged(call.token)
      refusals.note(refused, of: nil, asking, facts)
      return answer(refused.json(timeouts: timeouts, requestID: context.requestID))
    }
    let decided = try await gate.decideInFull(asked, showing: call.reserve?.metric)
    refusals.note(decided, of: asked.userText, asking, facts)
    var fieldsOfAnswer: [(String, String)] = []
    if case .replay = decided.reserved { fieldsOfAnswer = [("Idempotency-Replayed", "true")] }
    return answer(decided.json(timeouts: timeouts, requestID: context.requestID), fields: fieldsOfAnswer)
  }

  /// `POST /v1/gate/batch`: every decision on its own, answered in the order of the questions; a wrong one fails alone.
  func decideBatch(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let key = try serviceKey(request, .gate)
    var fields = try await fields(request, context)
    let questions = fields.read(BatchFields.declared.fields.requests)
    try fields.finish()
    let asking = RefusalLog.Asked(request, context)
    let facts = Trail.Facts(key: key.id.text)
    var answers = [[UInt8]?](repeating: nil, count: questions.count)
    var asked: [(index: Int, request: GateRequest)] = []
    for (index, question) in questions.enumerated() {
      do {
        var reader = try FieldReader(value: question)
        let call = gateCall(&reader, reserves: false)
        try reader.finish()
        if let request = try gateRequest(call, key: key) {
          asked.append((index, request))
        } else {
          let refused = forged(call.token)
          refusals.note(refused, of: nil, asking, facts, number: index)
          answers[index] = refused.json(timeouts: timeouts, requestID: context.requestID)
        }
      } catch { answers[index] = refusal(error, context, asking, facts, number: index) }
    }
    // All are sent before the first reply is awaited: on a loop of Redis's they leave in one flush.
    let replies = await gate.decideAll(asked.map(\.request))
    for (question, reply) in zip(asked, replies) {
      switch reply {
      case .success(let decided):
        refusals.note(decided, of: question.request.userText, asking, facts, number: question.index)
        answers[question.index] = decided.json(timeouts: timeouts, requestID: context.requestID)
      case .failure(let error): answers[question.index] = refusal(error, context, asking, facts, number: question.index)
      }
    }
    return answer(
      json { writer in
        writer.object { $0.array("results") { writer in for answer in answers { writer.raw(answer ?? []) } } }
      })
  }

  private func refusal(
    _ error: any Error, _ context: GatehouseContext, _ asking: RefusalLog.Asked, _ facts: Trail.Facts, number: Int
  ) -> [UInt8] {
    let problem =
      error as? Problem ?? (error as? ServiceError).map(Problem.init) ?? Problem(.unavailable, "This one could not be decided. Try again.")
    refusals.note(problem, asking, facts, number: number)
    return json { writer in
      writer.object { writer in
        writer.name("problem")
        problem.write(into: &writer, requestID: context.requestID)
      }
    }
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
