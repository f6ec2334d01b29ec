// A model of the protocol that keeps Redis and the ledger in step, small enough to be searched.
//
// WHAT IS IN IT. One ledger (sessions A and B of one user, the pending row with its sequence, the era), one Redis (the user's hash:
// absent, a ticket, or warm with some sessions; its replication id), two processes, and up to three commands whose sender has given
// up: they may be carried out at any later moment. Each process runs one gate call, one poll and one change at a time, each in steps
// that interleave freely with all others and with faults. Time is ticks: a lease lasts two, a command's deadline one, an
// acknowledgement without an answer of Redis waits three (`Lease.duration`, `commandDeadlineMilliseconds`, `revokeWait`).
//
// STEP                         IMPLEMENTED BY
// begin                        Gatekeeper.decide: without a lease or a usable Redis it goes to the ledger at once
// redisGate                    gate.lua; `cold` keeps or sets a ticket, `absent`, `allow`
// useAllow, useAbsent          Gatekeeper.finish; `absent` asks SessionLedger.session, then HotState.drop
// snapshot                     Gatekeeper.rebuild: GateLedger.snapshot, a transaction opened after the ticket was obtained
// install                      HotState.install + install.lua: written only if ticket and epoch still stand
// ledgerAnswer                 LedgerGate.decide
// pollRead                     LeaseKeeper.poll: pending rows and era in one transaction; the lease counts from its start
// redisPollDel, renew          HotState.drop answered for all, then LeaseState.polled; HotLedger.settled comes later (`settle`)
// commitLogin ... commitEra    openSession, endSession(s), endEveryone: change, pending row and sequence in one transaction
// sendDel, redisDel, ack       Changes.acknowledge: DEL, then the row goes; `waiting` is Changes.waitUntilKnown
// late                         any command above, carried out after its caller gave up (Redis hung and resumed, a full socket)
// flush, restart               FLUSHALL; redis-server anew with any older image of its data
// crash, cut, join             a process dies between any two steps and starts anew; loses Redis; has it again
// tick                         time passes; overdue commands have no answer (RedisConnection's deadline)
//
// WHAT MUST HOLD. (1) No `allow` for a session whose revocation was acknowledged before the decision began. (2) No 401 for a session
// that is live in the ledger. (3) From every state, once faults end, all changes are acknowledged, no row is pending, and Redis
// itself answers for every session what the ledger would. Allowances are not in it: PropertyTests hold them on the real code.
//
// OLD IMAGES. A restart may bring back any older hash, with the epoch it had then. One with the present epoch can't come: a
// redis-server draws a new `master_replid` at every start that is not as a replica, and the epoch is a digest of it; within one
// run data only moves forward (FLUSHALL empties it). A copy that is promoted has a new id too. `Rules.epochFollowsReplication`
// switched off shows what would happen otherwise. Not in it: a server that is demoted and promoted again in place under a living
// connection, which asks for the timeline at every `timelineInterval` and at a READONLY or LOADING (TimelineTests): the old epoch is
// believed for that long at most, and one Redis, not a replicated pair, is what is promised.
//
// VERSIONS. In a mixed scope the first process is of the version before: it takes a hash of the present form for cold and makes it anew
// in its own, which the second reads. A restart may bring back a hash of either form. Deletes and tickets are of the one key.
//
// EACH RULE CAN BE SWITCHED OFF (`Rules`), and the search then must find a violation: the tests assert that too.

/// The rules of the protocol, each of which can be switched off.
struct Rules {
  /// An install is written only under the ticket that its snapshot was read after.
  var ticketedInstall = true
  /// After a commit a process sends DEL and nothing else; off: it writes what it committed.
  var onlyDel = true
  /// A change leaves a pending row, and who has not read the rows lately does not serve from Redis.
  var pendingRowAndLease = true
  /// Only the ledger says 401.
  var no401WithoutLedger = true
  /// The epoch is another one after every restart of Redis.
  var epochFollowsReplication = true
  /// Without an answer of Redis a revocation is acknowledged only when no lease can be older than it.
  var waitsForLeases = true
  /// Both versions keep a user in one hash; off: each deletes only what is of its own form.
  var oneHash = true
}

/// The bounds of what may happen in a search: a small scope is searched to its end, a large one as far as the bound goes.
struct Scope: Sendable {
  var login = true
  var revokeA = true
  var revokeB = true
  var everyone = true
  var flushes: UInt8 = 1
  var restarts: UInt8 = 2
  var crashes: UInt8 = 1
  var cuts: UInt8 = 1
  /// Whether Redis holds the user at the start.
  var startsWarm = true
  /// Whether the first process is of the version before.
  var mixed = false

  static let all = Scope()
  static let quiet = Scope(login: false, revokeA: false, revokeB: false, everyone: false, flushes: 0, restarts: 0, crashes: 0, cuts: 0)

  func with(_ change: (inout Scope) -> Void) -> Scope {
    var copy = self
    change(&copy)
    return copy
  }
}

/// The real constants, in ticks.
enum Ticks {
  static let lease: UInt8 = 2
  static let deadline: UInt8 = 1
  static let revokeWait: UInt8 = 3
}

/// A command to Redis whose sender no longer waits.
struct LateCommand: Comparable {
  static let none: UInt8 = 0
  static let del: UInt8 = 1
  static let install: UInt8 = 2
  static let gate: UInt8 = 3
  static let write: UInt8 = 4
  /// Added to the kind of what a process of the version before has sent.
  static let older: UInt8 = 16

  var kind: UInt8 = none
  var ticket: UInt8 = 0
  var era: UInt8 = 0
  var content: UInt8 = 0

  static func < (a: LateCommand, b: LateCommand) -> Bool { a.order < b.order }
  private var order: UInt32 { UInt32(kind) << 24 | UInt32(ticket) << 16 | UInt32(era) << 8 | UInt32(content) }
}

/// One process. Every field is a byte, so that a state is compared and hashed as plain memory.
struct ModelProcess {
  enum Gate {
    static let idle: UInt8 = 0
    static let asked: UInt8 = 1
    static let allowed: UInt8 = 2
    static let absent: UInt8 = 3
    static let cold: UInt8 = 4
    static let read: UInt8 = 5
    static let ledger: UInt8 = 6
  }
  enum Poll {
    static let idle: UInt8 = 0
    static let asked: UInt8 = 1
    static let clean: UInt8 = 2
  }
  enum Change {
    static let idle: UInt8 = 0
    static let committed: UInt8 = 1
    static let asked: UInt8 = 2
    static let answered: UInt8 = 3
    static let waiting: UInt8 = 4
  }
  enum Kind {
    static let login: UInt8 = 1
    static let revokeA: UInt8 = 2
    static let revokeB: UInt8 = 3
    static let everyone: UInt8 = 4
  }

  var lease: UInt8 = 0
  var era: UInt8 = 0
  var isCut: UInt8 = 0
  /// The sequence whose row this process will drop.
  var settle: UInt8 = 0

  var gate: UInt8 = Gate.idle
  var session: UInt8 = 0
  /// The session's revocation was acknowledged before this decision began.
  var beganAfterAck: UInt8 = 0
  var gateDeadline: UInt8 = 0
  /// The era that went into the epoch of the command.
  var gateEra: UInt8 = 0
  var ticket: UInt8 = 0
  var content: UInt8 = 0

  var poll: UInt8 = Poll.idle
  var pollSequence: UInt8 = 0
  var pollElapsed: UInt8 = 0
  var pollDeadline: UInt8 = 0

  var change: UInt8 = Change.idle
  var changeKind: UInt8 = 0
  var changeElapsed: UInt8 = 0
  var changeDeadline: UInt8 = 0
  var changeSequence: UInt8 = 0
  var changeContent: UInt8 = 0
  /// 1 of the version before, else 0.
  var isOlder: UInt8 = 0
  private let padding: (UInt8, UInt8) = (0, 0)

  /// Nothing runs but the poll, and Redis may be asked.
  func isSettled(era now: UInt8) -> Bool {
    guard gate == Gate.idle, change == Change.idle, settle == 0 else { return false }
    return isCut == 0 && lease > 0 && era == now
  }
}

/// Everything at one moment.
struct ModelState {
  static let none: UInt8 = 0
  static let live: UInt8 = 1
  static let revoked: UInt8 = 2

  enum Hash {
    static let absent: UInt8 = 0
    static let ticket: UInt8 = 1
    static let warm: UInt8 = 2
  }

  // The ledger.
  var a: UInt8 = live
  var b: UInt8 = none
  var pending: UInt8 = 0
  var sequence: UInt8 = 0
  var era: UInt8 = 0
  var ackedA: UInt8 = 0
  var ackedB: UInt8 = 0

  // Redis.
  var replication: UInt8 = 0
  var hash: UInt8 = Hash.absent
  var hashReplication: UInt8 = 0
  var hashEra: UInt8 = 0
  var hashContent: UInt8 = 0
  var hashTicket: UInt8 = 0

  // Faults that may still come.
  var flushesLeft: UInt8
  var restartsLeft: UInt8
  var crashesLeft: UInt8
  var cutsLeft: UInt8
  /// 1 for a hash in the form of the version before, else 0.
  var hashIsOlder: UInt8 = 0
  private let padding: (UInt8, UInt8) = (0, 0)

  var late = (LateCommand(), LateCommand(), LateCommand())
  var p = ModelProcess()
  var q = ModelProcess()

  /// Session A is live, both processes hold leases.
  init(_ scope: Scope) {
    flushesLeft = scope.flushes
    restartsLeft = scope.restarts
    crashesLeft = scope.crashes
    cutsLeft = scope.cuts
    p.lease = Ticks.lease
    q.lease = Ticks.lease
    p.isOlder = scope.mixed ? 1 : 0
    guard scope.startsWarm else { return }
    hash = Hash.warm
    hashContent = liveContent
  }

  /// Which sessions are live, as bits.
  var liveContent: UInt8 { (a == Self.live ? 1 : 0) | (b == Self.live ? 2 : 0) }

  var hasNoLateCommand: Bool {
    late.0.kind == LateCommand.none && late.1.kind == LateCommand.none && late.2.kind == LateCommand.none
  }

  func session(_ number: UInt8) -> UInt8 { number == 0 ? a : b }
  func acked(_ number: UInt8) -> UInt8 { number == 0 ? ackedA : ackedB }

  subscript(_ index: Int) -> ModelProcess {
    get { index == 0 ? p : q }
    set { if index == 0 { p = newValue } else { q = newValue } }
  }

  /// A number that stands for the state; late commands are a bag, and the two processes are alike.
  func fingerprint() -> UInt64 {
    var ordered = self
    ordered.sortLate()
    return withUnsafeBytes(of: &ordered) { bytes in
      func mix(_ from: Int, _ to: Int) -> UInt64 {
        var result: UInt64 = 0x9e37_79b9_7f4a_7c15
        for at in stride(from: from, to: to, by: 8) {
          result = (result ^ bytes.load(fromByteOffset: at, as: UInt64.self)) &* 0xff51_afd7_ed55_8ccd
          result ^= result >> 32
        }
        return result
      }
      let processes = mix(32, 56) &+ mix(56, 80)
      return (mix(0, 32) ^ (processes &* 0xc4ce_b9fe_1a85_ec53)) &* 0xff51_afd7_ed55_8ccd
    }
  }

  mutating func sortLate() {
    if late.1 < late.0 { swap(&late.0, &late.1) }
    if late.2 < late.1 { swap(&late.1, &late.2) }
    if late.1 < late.0 { swap(&late.0, &late.1) }
  }

  /// Adds a command to the bag; false if it is full.
  mutating func addLate(_ command: LateCommand) -> Bool {
    if late.0.kind == LateCommand.none {
      late.0 = command
    } else if late.1.kind == LateCommand.none {
      late.1 = command
    } else {
      guard late.2.kind == LateCommand.none else { return false }
      late.2 = command
    }
    return true
  }

  /// A ticket that nothing in the state names.
  func freshTicket() -> UInt8 {
    var used: UInt16 = 1 << UInt16(hashTicket) | 1 << UInt16(p.ticket) | 1 << UInt16(q.ticket)
    used |= 1 << UInt16(late.0.ticket) | 1 << UInt16(late.1.ticket) | 1 << UInt16(late.2.ticket)
    var ticket: UInt8 = 1
    while used & 1 << UInt16(ticket) != 0 { ticket += 1 }
    return ticket
  }
}
