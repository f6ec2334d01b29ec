import Synchronization

/// Collects the answers to several questions in the order of the questions, whatever order they come in.
final class GateAnswers: Sendable {
  private typealias Answer = Result<GateAnswer, ServiceError>

  private let state: Mutex<(answers: [Answer?], left: Int)>
  private let done: @Sendable ([Result<GateAnswer, ServiceError>]) -> Void

  /// - Parameter done: called once, when as many answers as `expected` have come; `expected` is at least 1.
  init(expected: Int, done: @escaping @Sendable ([Result<GateAnswer, ServiceError>]) -> Void) {
    state = Mutex((Array(repeating: nil, count: expected), expected))
    self.done = done
  }

  func add(_ answer: Result<GateAnswer, ServiceError>, at index: Int) {
    let all: [Answer]? = state.withLock { state in
      state.answers[index] = answer
      state.left -= 1
      guard state.left == 0 else { return nil }
      defer { state.answers = [] }
      return state.answers.compactMap(\.self)
    }
    if let all { done(all) }
  }
}
