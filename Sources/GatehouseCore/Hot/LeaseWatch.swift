/// A change that is worth a line in the log.
public enum LeaseChange: Sendable, Equatable {
  /// The process has no lease any more: the ledger decides.
  case lost
  /// The lease is back after so long.
  case back(after: Duration)
}

/// Notices when a process stops serving from Redis for want of a lease, and when it begins again; fed after every poll.
public struct LeaseWatch: Sendable {
  private enum Sight {
    /// Until the first lease: a start is no loss.
    case starting, held
    /// Once: Redis may have come back since the poll.
    case missed(since: ContinuousClock.Instant)
    case lost(since: ContinuousClock.Instant)
  }

  private var state: Sight = .starting

  /// A watch that has seen no lease yet: it says nothing before the first.
  public init() {}

  /// The change for good since the last look; nil mostly.
  /// - Parameter isHeld: nil while Redis is away, which is told elsewhere.
  public mutating func see(isHeld: Bool?, at now: ContinuousClock.Instant) -> LeaseChange? {
    switch (state, isHeld) {
    case (.starting, true): state = .held
    case (.held, false): state = .missed(since: now)
    case (.missed, true), (.missed, nil): state = .held
    case (.missed(let since), false):
      state = .lost(since: since)
      return .lost
    case (.lost(let since), true):
      state = .held
      return .back(after: since.duration(to: now))
    case (.starting, _), (.held, _), (.lost, _): break
    }
    return nil
  }
}
