/// A token as the ledger knows it.
public enum FoundSession: Sendable, Equatable {
  /// `isSuccessor`: this is the first use of a rotated token, `adoptSuccessor` is due.
  case live(Session, User, isSuccessor: Bool)
  /// Past its idle or absolute end.
  case expired
  /// Ended, replaced, or never there: it can never become valid.
  case dead
}

/// A rotated token's ingredients: the token itself is derived again from the old secret. `session` is seen through it.
public struct Successor: Sendable, Equatable {
  /// The session, seen through the token that is prepared.
  public let session: Session
  /// The random bytes from which, with the presented token, the new one is derived: nothing live is stored.
  public let nonce: [UInt8]
  /// The line of the server secret that it is derived by.
  public let keyID: String
  /// The ingredients that stand in the ledger, which a repeated call gets again.
  public init(session: Session, nonce: [UInt8], keyID: String) {
    self.session = session
    self.nonce = nonce
    self.keyID = keyID
  }
}
