/// When another timeline of Redis may take the place of the registered one. No I/O.
struct Succession {
  /// How long the registered timeline must not have been found on any connection: shorter than an operator waits, longer than a
  /// reconnect takes.
  static let patience: Duration = .seconds(1)

  enum Step: Equatable {
    /// The registered timeline is there: drop and look at its counter. `strays`: some connections are on another.
    case look(strays: Bool)
    /// `isNew`: it has just been missed.
    case missed(isNew: Bool)
    case register(replicationID: String)
  }

  private var missedSince: ContinuousClock.Instant?

  /// - Parameters:
  ///   - node: as the ledger has it.
  ///   - found: the timelines of the connections that there are.
  mutating func next(_ node: HotNode?, found: [String], at now: ContinuousClock.Instant) -> Step {
    if let registered = node?.term.replicationID, found.contains(registered) {
      missedSince = nil
      return .look(strays: found.contains { $0 != registered })
    }
    let isNew = missedSince == nil
    let since = missedSince ?? now
    missedSince = since
    // Nobody serves from a timeline that is vacant, or from none.
    let mayTakeOver = node == nil || node?.vacantSequence != nil || since.duration(to: now) >= Self.patience
    guard let other = found.first, mayTakeOver else { return .missed(isNew: isNew && node != nil) }
    missedSince = nil
    return .register(replicationID: other)
  }
}
