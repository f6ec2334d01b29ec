import GatehouseCore
import StrictJSON

/// The questions of one batch: those to ask the gate, and the answers of those that need no asking.
struct BatchQuestions: Sendable {
  private let api: API
  private let asking: RefusalLog.Asked
  private let facts: Trail.Facts
  /// nil for a question that is asked.
  private var answers: [[UInt8]?]
  private var places: [Int] = []
  /// To be asked, in this order.
  private(set) var requests: [GateRequest] = []

  /// Reads every question; a wrong one fails alone.
  init(_ questions: [JSONValue], _ api: API, key: ServiceKeyID, _ asking: RefusalLog.Asked) {
    self.api = api
    self.asking = asking
    facts = Trail.Facts(key: key.text)
    answers = [[UInt8]?](repeating: nil, count: questions.count)
    requests.reserveCapacity(questions.count)
    for (index, question) in questions.enumerated() {
      do {
        var reader = try FieldReader(value: question)
        let call = api.gateCall(&reader, reserves: false)
        try reader.finish()
        if let request = try api.gateRequest(call, key: key) {
          places.append(index)
          requests.append(request)
        } else {
          let refused = api.forged(call.token)
          api.refusals.note(refused, of: nil, asking, facts, number: index)
          answers[index] = refused.json(timeouts: api.timeouts, requestID: asking.requestID)
        }
      } catch { answers[index] = refusal(error, number: index) }
    }
  }

  /// The whole answer, in the order of the questions.
  /// - Parameter replies: to `requests`, in their order.
  func answer(_ replies: [Result<GateAnswer, ServiceError>]) -> Answer {
    var answers = answers
    for ((place, request), reply) in zip(zip(places, requests), replies) {
      switch reply {
      case .success(let decided):
        api.refusals.note(decided, of: request.userText, asking, facts, number: place)
        answers[place] = decided.json(timeouts: api.timeouts, requestID: asking.requestID)
      case .failure(let error): answers[place] = refusal(error, number: place)
      }
    }
    let bytes = answers.reduce(64) { $0 + ($1?.count ?? 0) + 1 }
    var writer = JSONWriter(capacity: bytes)
    writer.object { $0.array("results") { writer in for answer in answers { writer.raw(answer ?? []) } } }
    return GatehouseHTTP.answer(writer.bytes)
  }

  private func refusal(_ error: any Error, number: Int) -> [UInt8] {
    let problem =
      error as? Problem ?? (error as? ServiceError).map(Problem.init) ?? Problem(.unavailable, "This one could not be decided. Try again.")
    api.refusals.note(problem, asking, facts, number: number)
    return json { writer in
      writer.object { writer in
        writer.name("problem")
        problem.write(into: &writer, requestID: asking.requestID)
      }
    }
  }
}
