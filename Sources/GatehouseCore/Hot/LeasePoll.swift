/// A process reads this every 100 ms, in one transaction, before it may go on serving from Redis.
public struct LeasePoll: Sendable, Equatable {
  /// Users whose hot state must be dropped, in no order; a bounded number of them, see `isWhole`.
  public let pending: [PendingChange]
  /// Whether these are all: with more than one poll's bound the lease is not renewed until they are.
  public let isWhole: Bool
  /// Part of the epoch; rises with "end everyone's sessions" and with a restore of the ledger.
  public let era: Int64
  /// Rises with every change of the service keys.
  public let serviceKeysVersion: Int64
  /// The newest instant that a change was stamped with.
  public let newestStampMilliseconds: Int64
  /// The time as the ledger keeps it; nil before any clock was believed.
  public let clock: ClockRecord?
  /// Rises with every change that Redis could hold: smaller than before, the ledger is an older one.
  public let changeSequence: Int64
  /// The version of the registered timelines.
  public let topology: Int64
  /// The Redis that is registered; nil before the first.
  public let node: HotNode?

  /// A poll whose parts were read in one transaction of the ledger.
  public init(
    pending: [PendingChange], isWhole: Bool, era: Int64, serviceKeysVersion: Int64, newestStampMilliseconds: Int64, clock: ClockRecord?,
    changeSequence: Int64, topology: Int64, node: HotNode?
  ) {
    self.changeSequence = changeSequence
    self.topology = topology
    self.node = node
    self.pending = pending
    self.isWhole = isWhole
    self.era = era
    self.serviceKeysVersion = serviceKeysVersion
    self.newestStampMilliseconds = newestStampMilliseconds
    self.clock = clock
  }
}

/// A part of the process that needs each lease poll: it is told of them in the order in which they were read.
public protocol PollFollower: Sendable {
  /// - Parameter start: when the poll's read began. Throws what the ledger throws: the poll then renews no lease.
  func follow(_ poll: LeasePoll, readAt start: ContinuousClock.Instant) async throws
}
