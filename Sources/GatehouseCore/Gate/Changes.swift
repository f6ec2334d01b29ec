/// What happens between the COMMIT of a change and its answer: Redis is told, and where rights were taken away nobody hears
/// "done" before every process must have heard of it.
public struct Changes<Store: Ledger>: Sendable {
  /// After this long no process serves from Redis without having read the change: the lease and one command's deadline.
  public static var revokeWait: Duration { Lease.quarantine }
  private static var recheckInterval: Duration { .milliseconds(25) }

  private let ledger: Store
  private let hot: any HotStore
  private let lease: Lease
  let drops: Drops

  public init(ledger: Store, hot: any HotStore, lease: Lease) {
    self.ledger = ledger
    self.hot = hot
    self.lease = lease
    drops = Drops(hot: hot, lease: lease)
  }

  /// The change's value once it may be acknowledged.
  public func acknowledge<Value>(_ change: Changed<Value>, takesRightsAway: Bool) async -> Value {
    let committed = ContinuousClock.now
    guard !change.pending.isEmpty else { return change.value }
    let sequence = change.pending.map(\.sequence).max() ?? 0
    lease.with { $0.learn(sequence) }
    if let count = await drop(change.pending.map(\.routingID), sequence: sequence) {
      ledger.settled(change.pending, by: count)
    } else if takesRightsAway {
      await waitUntilKnown(change.pending, committed: committed)
    }
    return change.value
  }

  /// The same for a deletion: what Redis still counts of the user goes as well.
  public func acknowledge(_ deletion: Changed<Void>, of user: UserID) async {
    await acknowledge(deletion, takesRightsAway: true)
    hot.forget(user)
  }

  /// Drops users' hot state; nil if the answer does not count, be it that none came or that another Redis may be served from.
  /// - Parameter sequence: the change's, if it is one.
  @discardableResult func drop(_ routingIDs: [String], sequence: Int64 = 0) async -> HotCount? {
    guard lease.isInForce, let sent = await drops.drop(routingIDs, sequence: sequence), lease.counts(sent.mark),
      case .counted(let count) = sent.answer
    else { return nil }
    return count
  }

  /// For changes that every process learns of by its poll (the era, new service keys): by then none serves without having read them.
  public func waitForEveryProcess() async { await pause(Self.revokeWait) }

  /// After a service key was revoked: by then no process accepts it.
  public func waitForEveryKeyRing() async { await pause(KeyRing.trustedFor) }

  private func waitUntilKnown(_ pending: [PendingChange], committed: ContinuousClock.Instant) async {
    while committed.duration(to: .now) < Self.revokeWait {
      var known = true
      for change in pending where known { known = (try? await ledger.isPending(change)) == false }
      if known { return }
      await pause(Self.recheckInterval)
    }
  }

  /// Ends by the clock whatever becomes of the caller's task: a cancelled one must not hear "done" early, nor spin.
  private func pause(_ duration: Duration) async {
    await Task { try? await Task.sleep(for: duration) }.value
  }
}
