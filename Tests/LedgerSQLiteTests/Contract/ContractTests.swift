import LedgerContract
import Testing

@Suite("The ledger's contract", .timeLimit(.minutes(5)))
struct ContractTests {
  struct Trial: Sendable, CustomTestStringConvertible {
    let chapter: LedgerContract.Chapter
    let claim: Claim
    var testDescription: String { "\(chapter.name): \(claim.testDescription)" }
  }

  static let trials = LedgerContract.chapters.flatMap { chapter in chapter.claims.map { Trial(chapter: chapter, claim: $0) } }

  @Test("Every claim holds on every engine", arguments: Engine.allCases, trials)
  func holds(engine: Engine, trial: Trial) async throws {
    try await engine.run { try await trial.claim.isTried(on: $0) }
  }
}
