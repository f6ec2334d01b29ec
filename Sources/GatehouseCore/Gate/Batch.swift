import Synchronization

/// A batch of questions on its way: asked in pieces, each in one flush, until all are answered. No task: each answer leads on.
final class Batch: Sendable {
  private let gate: Gatekeeper
  private let requests: [GateRequest]
  private let answers: GateAnswers
  private let next = Mutex(0)

  /// - Parameter done: called once, with the answers in the order of `requests`, of which there is at least one.
  init(
    _ requests: [GateRequest], at gate: Gatekeeper, done: @escaping @Sendable ([Result<GateAnswer, ServiceError>]) -> Void
  ) {
    self.gate = gate
    self.requests = requests
    answers = GateAnswers(expected: requests.count, done: done)
  }

  func begin() {
    let pieces = min(Gatekeeper.piecesMax, (requests.count + BatchPace.countMax - 1) / BatchPace.countMax)
    for _ in 0..<pieces { askOn() }
  }

  /// Asks the next piece when it is this batch's turn among all of the process.
  private func askOn() {
    guard next.withLock({ $0 < requests.count }) else { return }
    gate.pieces.enter { [self] in
      guard next.withLock({ $0 < requests.count }) else { return gate.pieces.leave() }
      gate.hot.together { [self] room in
        // Half of the room is left to single questions.
        let count = min(gate.pace.withLock { $0.count }, max(1, room / 2))
        let piece = next.withLock { next in
          let piece = next..<min(requests.count, next + count)
          next = piece.upperBound
          return piece
        }
        if piece.isEmpty { gate.pieces.leave() } else { ask(piece) }
      }
    }
  }

  private func ask(_ piece: Range<Int>) {
    let start = ContinuousClock.now
    let end = PieceEnd(left: piece.count)
    for index in piece {
      let heard: @Sendable () -> Void = { [self] in
        guard end.isLast() else { return }
        gate.pace.withLock { $0.answered(piece.count, in: start.duration(to: .now)) }
        gate.pieces.leave()
        askOn()
      }
      gate.decide(requests[index], heard: heard) { [answers] in answers.add($0, at: index) }
    }
  }

  /// Tells which of a piece's answers is the last.
  private final class PieceEnd: Sendable {
    private let left: Atomic<Int>
    init(left: Int) { self.left = Atomic(left) }
    func isLast() -> Bool { left.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 }
  }
}
