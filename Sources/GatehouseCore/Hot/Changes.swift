/// The step between the COMMIT of a change and its answer: Redis is told, and where rights were taken away nobody hears
/// "done" before every process must have heard of it. The verbs of the domain use it, and nobody else can.
public struct Changes: Sendable {
  /// After this long no process serves from Redis without having read the change: the lease and one command's deadline.
  public static var revokeWait: Duration { Lease.quarantine }
  private static var recheckInterval: Duration { .milliseconds(25) }

  private let ledger: any HotLedger
  private let hot: any HotServer
  private let lease: Lease
  let drops: Drops

  /// The one step of a process: `lease` must be the one that its keeper renews, and no second `Changes` may send drops under it.
  public init(ledger: any HotLedger, hot: any HotServer, lease: Lease) {
    self.ledger = ledger
    self.hot = hot
    self.lease = lease
    drops = Drops(hot: hot, lease: lease)
  }

  /// The change's value once it may be acknowledged.
  func acknowledge<Value>(_ change: Unacknowledged<Value>, takesRightsAway: Bool) async -> Value {
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

  /// Once a user is gone: what Redis still counts of them goes as well.
  func forget(routingID: String) { hot.forget(routingID: routingID) }

  /// Drops users' hot state; nil if the answer does not count, be it that none came or that another Redis may be served from.
  /// - Parameter sequence: the change's, if it is one.
  @discardableResult func drop(_ routingIDs: [String], sequence: Int64 = 0) async -> HotCount? {
    guard lease.isInForce, let sent = await drops.drop(routingIDs, sequence: sequence), lease.counts(sent.mark),
      case .counted(let count) = sent.answer
    else { return nil }
    return count
  }

  /// The value of a change that every process learns of by its poll of the ledger, once `span` is over: by then none goes on without
  /// having read it.
  func acknowledge<Value>(_ change: Unacknowledged<Value>, after span: Duration = Self.revokeWait) async -> Value {
    await pause(span)
    return change.value
  }

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
