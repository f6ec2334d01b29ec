import Logging
import Synchronization

/// Polls the ledger for changes that Redis must learn of, drops them there, and renews the lease; registers the Redis that serves, and
/// keeps the clock up to date, and whatever else follows the poll.
public final class LeaseKeeper: Sendable {
  /// A poll that registers, or doubts what it read, is made again at once, so often.
  private static var roundsMax: Int { 4 }

  private let ledger: any HotLedger
  private let hot: any HotServer
  private let lease: Lease
  private let follower: any PollFollower
  private let clock: ServiceClock
  private let log: Logger
  private let changes: Changes
  private let succession = Mutex(Succession())

  /// A keeper that does nothing before the first `poll`; all parts must be those that the domain of this process uses.
  public init(
    ledger: any HotLedger, hot: any HotServer, lease: Lease, changes: Changes, follower: any PollFollower, clock: ServiceClock, log: Logger
  ) {
    self.ledger = ledger
    self.hot = hot
    self.lease = lease
    self.changes = changes
    self.follower = follower
    self.clock = clock
    self.log = log
  }

  /// One poll; whether the lease was renewed. Throws what the ledger throws: the lease then runs out by itself.
  @discardableResult public func poll() async throws -> Bool {
    var renewed: Bool?
    for _ in 0..<Self.roundsMax where renewed == nil { renewed = try await round() }
    // After the renewal, which it must not delay. A process that nobody calls keeps Redis's time all the same.
    // During an alarm this is how Redis is heard to agree again.
    if let now = await hot.time() { clock.heard(redisMilliseconds: now) }
    return renewed ?? false
  }

  /// Whether the lease was renewed; nil if another look may now renew it.
  private func round() async throws -> Bool? {
    let start = ContinuousClock.now
    let read = lease.with { $0.reading(from: start) }
    let poll = try await ledger.leasePoll()
    hot.setEra(poll.era)
    guard lease.with({ $0.read(read, poll.node, sequence: poll.changeSequence, at: .now) }) else { return false }
    clock.follow(poll.clock, newestStampMilliseconds: poll.newestStampMilliseconds)
    try await follower.follow(poll, readAt: start)
    if let node = poll.node, lease.with(\.ledgerWentBack) {
      return try await register(node.term.replicationID, poll, above: 0, why: "the ledger is an older one than it was")
    }
    let found = await hot.timelines()
    switch succession.withLock({ $0.next(poll.node, found: found, at: .now) }) {
    case .look(let strays):
      if strays, let term = poll.node?.term { hot.leaveStrays(of: term) }
      return try await look(poll, read)
    case .missed(let isNew):
      if isNew, let term = poll.node?.term { hot.leaveStrays(of: term) }
      return false
    case .register(let replicationID): return try await register(replicationID, poll, above: 0, why: "another Redis answers")
    }
  }

  private func look(_ poll: LeasePoll, _ read: LeaseState.Read) async throws -> Bool? {
    guard let sent = await changes.drops.drop(poll.pending.map(\.routingID), sequence: 0) else { return false }
    let (drop, mark) = (sent.answer, sent.mark)
    let (counts, outcome) = lease.with { $0.polled(drop, to: mark, read: read, isWhole: poll.isWhole, at: .now) }
    if counts, case .counted(let count) = drop, !poll.pending.isEmpty { ledger.settled(poll.pending, by: count) }
    switch outcome {
    case .renewed: return true
    case .doubted: return nil
    case .confirm:
      try await ledger.confirm(mark.term)
      return nil
    case .register(let above):
      return try await register(mark.term.replicationID, poll, above: above, why: Self.reason(drop))
    case .nothing: return false
    }
  }

  private func register(_ replicationID: String, _ poll: LeasePoll, above: Int64, why: Logger.Message) async throws -> Bool? {
    let proposal = HotRegistration(
      slots: HotNode.allSlots, address: hot.address, replicationID: replicationID, configEpoch: 0, topology: poll.topology, above: above)
    guard try await ledger.register(proposal), poll.node != nil else { return nil }
    log.notice("Redis has a new term, all its users are read again: \(why)", metadata: ["timeline": "\(replicationID)"])
    return nil
  }

  private static func reason(_ drop: HotDrop) -> Logger.Message {
    switch drop {
    case .broken: "its data is not what was there before"
    case .behind: "it knows a later term than the ledger"
    case .counted, .noAnswer: "the ledger is an older one than it knows"
    }
  }
}
