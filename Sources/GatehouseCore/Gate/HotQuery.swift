import GatehouseCrypto

// The gate's question to the hot state. One Redis clock decides; every instant in a reply is Redis TIME in milliseconds.

/// One question to a user's hot state: all of it is decided together, all or nothing. An object that never changes: it is handed on from step
/// to step.
public final class HotQuery: Sendable {
  /// Units to hold under `holdID` until the ledger has decided.
  public struct Hold: Sendable {
    /// The name of the hold: asked for again under the same name, its units are held once.
    public let holdID: String
    /// The metric to hold units of.
    public let metric: String
    /// Units to hold, at least 1.
    public let amount: Int64
    /// How long the ledger will hold the units: Redis holds them no longer.
    public let leaseMilliseconds: Int64
    /// A hold; `leaseMilliseconds` is counted from the decision.
    public init(holdID: String, metric: String, amount: Int64, leaseMilliseconds: Int64) {
      self.holdID = holdID
      self.metric = metric
      self.amount = amount
      self.leaseMilliseconds = leaseMilliseconds
    }
  }

  /// The user whose hot state is asked.
  public let userID: UserID
  /// nil: a work call, no session is checked.
  public let tokenHash: Digest256?
  /// By policies that are keyed by the user.
  public let charges: [PolicyCharge]
  /// The needs of the call beyond a valid session.
  public let requirements: Requirements
  /// Units to hold if everything else allows the call; nil for none.
  public let hold: Hold?
  /// Writes nothing.
  public let peek: Bool
  /// When `besides` was counted, by the clock of this process's own windows.
  public let askedMilliseconds: Int64

  /// A question; `tokenHash` must be of a token whose routing id is the user's.
  public init(
    userID: UserID, tokenHash: Digest256?, charges: [PolicyCharge], requirements: Requirements, hold: Hold?, peek: Bool,
    askedMilliseconds: Int64 = 0
  ) {
    self.askedMilliseconds = askedMilliseconds
    self.userID = userID
    self.tokenHash = tokenHash
    self.charges = charges
    self.requirements = requirements
    self.hold = hold
    self.peek = peek
  }
}
