// Which Redis counts: the names that ledger, lease and Redis share. docs/protocol.md says why each is needed.

/// The time for which the ledger says that one timeline of Redis serves. Nothing that was written under another term is believed.
public struct HotTerm: Sendable, Hashable {
  /// `master_replid`: the data history of one Redis as a master.
  public let replicationID: String
  /// Rises with every registration.
  public let number: Int64
  /// Random, of one registration: a ledger that was put back from a backup never draws it again.
  public let lineage: String

  /// A term as the ledger has registered it: terms are the same only if all three parts are.
  public init(replicationID: String, number: Int64, lineage: String) {
    self.replicationID = replicationID
    self.number = number
    self.lineage = lineage
  }
}

/// A registered Redis, as the ledger holds it.
public struct HotNode: Sendable, Equatable {
  /// All of them belong to a server without a cluster.
  public static let allSlots: ClosedRange<Int64> = 0...16_383

  /// The slots that it serves; `allSlots` for a server without a cluster.
  public let slots: ClosedRange<Int64>
  /// The place of the Redis as it was registered, for people.
  public let address: String
  /// Of a cluster, else 0.
  public let configEpoch: Int64
  /// The term under which it serves, by which its data is told from all other data.
  public let term: HotTerm
  /// The term that processes may have used as this one began; 0 if none.
  public let succeeds: Int64
  /// The counter at the newest drop whose pending row is gone; 0 before the first.
  public let counted: Int64
  /// The process that made that drop, and its number there.
  public let countedBy: String
  /// The number of that drop in its process; 0 before the first.
  public let countedNumber: Int64
  /// The ledger's sequence as a process began alone, until Redis was seen to know nothing newer.
  public let vacantSequence: Int64?

  /// A row of the registration; `vacantSequence` is nil unless a process began alone and has not confirmed it.
  public init(
    slots: ClosedRange<Int64>, address: String, configEpoch: Int64, term: HotTerm, succeeds: Int64, counted: Int64, countedBy: String,
    countedNumber: Int64, vacantSequence: Int64?
  ) {
    self.slots = slots
    self.address = address
    self.configEpoch = configEpoch
    self.term = term
    self.succeeds = succeeds
    self.counted = counted
    self.countedBy = countedBy
    self.countedNumber = countedNumber
    self.vacantSequence = vacantSequence
  }
}

/// A proposal: this timeline serves these slots from now on.
public struct HotRegistration: Sendable, Equatable {
  /// The slots that the timeline is to serve.
  public let slots: ClosedRange<Int64>
  /// The place of the Redis, for people.
  public let address: String
  /// The timeline that was found: Redis's `master_replid`.
  public let replicationID: String
  /// The epoch of a cluster's configuration; 0 without a cluster.
  public let configEpoch: Int64
  /// The version of the registered timelines that it was made for.
  public let topology: Int64
  /// The new term is greater than this: Redis was seen to know it already.
  public let above: Int64

  /// A proposal for the timelines of version `topology`; `above` is 0 where Redis was not seen to know a greater term.
  public init(slots: ClosedRange<Int64>, address: String, replicationID: String, configEpoch: Int64, topology: Int64, above: Int64) {
    self.slots = slots
    self.address = address
    self.replicationID = replicationID
    self.configEpoch = configEpoch
    self.topology = topology
    self.above = above
  }
}

/// A process tells Redis this with every drop: which drop it is, and which drops Redis must have seen if its data has gone on and not back.
public struct HotMark: Sendable, Equatable {
  /// The term under which the drop is sent; Redis refuses it once it knows a greater one.
  public let term: HotTerm
  /// Names the process for as long as it lives.
  public let process: String
  /// This drop of the process: no two have one number.
  public let number: Int64
  /// The newest of its drops that was answered in this term; 0 before the first.
  public let own: Int64
  /// The newest drop that the ledger relies on, and whose it is; 0 before the first.
  public let settled: Int64
  /// The process that made the `settled` drop; empty before the first.
  public let settledBy: String
  /// The ledger's sequence as this process knows it.
  public let sequence: Int64

  /// A mark for one drop: `number` must be greater than that of each drop that `process` has sent before.
  public init(term: HotTerm, process: String, number: Int64, own: Int64, settled: Int64, settledBy: String, sequence: Int64) {
    self.term = term
    self.process = process
    self.number = number
    self.own = own
    self.settled = settled
    self.settledBy = settledBy
    self.sequence = sequence
  }
}

/// A drop that Redis has counted.
public struct HotCount: Sendable, Equatable {
  /// The number of the term under which it was counted.
  public let term: Int64
  /// The process that sent the drop.
  public let process: String
  /// The drop's number in that process.
  public let number: Int64
  /// The counter after it: drops of all processes.
  public let count: Int64
  /// The greatest sequence of the ledger that Redis had been told before.
  public let sequence: Int64

  /// A count as Redis answered it.
  public init(term: Int64, process: String, number: Int64, count: Int64, sequence: Int64) {
    self.term = term
    self.process = process
    self.count = count
    self.number = number
    self.sequence = sequence
  }
}

/// Redis's answer to a drop. The users' hot state is gone in every case but the last.
public enum HotDrop: Sendable, Equatable {
  /// The drop was counted, and the counter stands here now.
  case counted(HotCount)
  /// The counter is gone or smaller than it was: the data is not what was there before.
  case broken
  /// Redis has been told of a greater term.
  case behind(term: Int64)
  /// Not answered within the deadline, or sent to no Redis of this term.
  case noAnswer
}
