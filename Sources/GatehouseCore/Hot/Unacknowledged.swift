/// A user whose hot state must be dropped: `sequence` tells later changes of the same user apart.
public struct PendingChange: Sendable, Hashable {
  /// The user's id without `usr_`, by which Redis finds the user's hash.
  public let routingID: String
  /// The ledger's sequence at the change: a row with a greater one is of a later change and stays.
  public let sequence: Int64
  /// A row as the ledger wrote it.
  public init(routingID: String, sequence: Int64) {
    self.routingID = routingID
    self.sequence = sequence
  }
}

/// A change that is durable and not yet acknowledged: other processes, and Redis, may not have heard of it. So only the domain reads what
/// is in it, and gives the value to a caller once that is true (`Changes`). A ledger makes one and looks into none.
public struct Unacknowledged<Value: Sendable>: Sendable {
  let value: Value
  /// Whose hot state must now be dropped.
  let pending: [PendingChange]

  /// - Parameter pending: the pending rows that the change's transaction wrote; empty when nothing of a user's hot state changed.
  public init(_ value: Value, pending: [PendingChange] = []) {
    self.value = value
    self.pending = pending
  }
}
