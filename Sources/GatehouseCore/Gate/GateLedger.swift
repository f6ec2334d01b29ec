/// The part of the ledger from which Redis's copy of a user is made.
public protocol GateLedger: Sendable {
  /// All of a user's state that Redis holds, in one snapshot that was opened after this call began. nil: no such user, or deleted.
  func snapshot(of user: UserID, now: Int64) async throws -> HotSnapshot?
}

/// All of the ledger that the gate uses.
public typealias DecisionLedger = GateLedger & SessionLedger & AccountLedger & WorkLedger
