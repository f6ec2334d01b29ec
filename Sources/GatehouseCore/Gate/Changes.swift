/// What happens between the COMMIT of a change and its answer: Redis is told, and where rights were taken away nobody hears
/// "done" before every process must have heard of it.
public struct Changes<Store: Ledger>: Sendable {
  /// After this long no process serves from Redis without having read the change: the lease and one command's deadline.
  public static var revokeWait: Duration { Lease.duration + .milliseconds(commandDeadlineMilliseconds) }
  /// The longest a reply of Redis is waited for; a later one is never used.
  public static var commandDeadlineMilliseconds: Int64 { 50 }
  private static var recheckInterval: Duration { .milliseconds(25) }

  private let ledger: Store
  private let hot: any HotStore

  public init(ledger: Store, hot: any HotStore) {
    self.ledger = ledger
    self.hot = hot
  }

  /// The change's value once it may be acknowledged.
  public func acknowledge<Value>(_ change: Changed<Value>, takesRightsAway: Bool) async -> Value {
    let committed = ContinuousClock.now
    guard !change.pending.isEmpty else { return change.value }
    if await hot.drop(change.pending.map(\.routingID)) {
      ledger.settled(change.pending)
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
