import TestSupport
import Testing

/// One claim of the ledger's contract: whatever engine is below, it holds on a new, empty store.
package struct Claim: Sendable, CustomTestStringConvertible {
  private let text: String
  private let requirements: Requirements?
  private let body: @Sendable (Rig) async throws -> Void

  package init(_ text: String, _ requirements: Requirements, _ body: @escaping @Sendable (Rig) async throws -> Void) {
    self.text = text
    self.requirements = requirements
    self.body = body
  }

  package init(_ text: String, _ body: @escaping @Sendable (Rig) async throws -> Void) {
    self.text = text
    requirements = nil
    self.body = body
  }

  package var testDescription: String {
    let comments = requirements?.comments.map(\.rawValue) ?? []
    return comments.isEmpty ? text : "\(text) (\(comments.joined(separator: ", ")))"
  }

  /// Tries it. The rig's store must be new, and nobody else's.
  package func isTried(on rig: Rig) async throws { try await body(rig) }
}

/// The ledger's contract. The tests of an engine try every claim of every chapter on it, and again on `RepeatingEngine` over it.
package enum LedgerContract {
  /// The claims about one part of the ledger.
  package struct Chapter: Sendable, CustomTestStringConvertible {
    package let name: String
    package let claims: [Claim]
    package var testDescription: String { name }
  }

  package static let chapters = [
    Chapter(name: "the order of commits", claims: OrderContract.claims), Chapter(name: "accounts", claims: AccountContract.claims),
    Chapter(name: "addresses", claims: AddressContract.claims), Chapter(name: "deletion", claims: DeletionContract.claims),
    Chapter(name: "sessions", claims: SessionContract.claims), Chapter(name: "rotation", claims: RotationContract.claims),
    Chapter(name: "periods", claims: PeriodContract.claims), Chapter(name: "reservations", claims: ReservationContract.claims),
    Chapter(name: "analyses", claims: AnalysisContract.claims), Chapter(name: "history", claims: HistoryContract.claims),
    Chapter(name: "the feed", claims: FeedContract.claims), Chapter(name: "mails", claims: MailContract.claims),
    Chapter(name: "large rows", claims: BulkContract.claims), Chapter(name: "ids", claims: IdentifierContract.claims),
  ]
}
