// A second model: two timelines of Redis that both answer, and data that goes back within one.
//
// WHAT IS IN IT. One ledger (a session, the pending row of its user, the registered term), two servers (the user's hash in each), two
// processes. A revokes, B logs the user in once (another change). Each polls and rebuilds; drops and installs are carried out at any
// later moment. A lease, a poll and a quarantine last as long as they like, but a quarantine is over only when no process has a lease
// or a poll of an older term: that is what its length is for. Terms follow each other on the servers 0, 1, 0: the second has any older
// image of the first, which goes on answering; the third is the first as it was left, without having been demoted.
//
// STEP                     IMPLEMENTED BY
// failover, failback       Succession.next, HotLedger.register
// reconnect                without registered terms: a connection finds the other server
// pollRead ... pollGrant   LeaseKeeper.poll: LeaseState.read, HotState.drop, LeaseState.polled
// quarantineOver           LeaseState.readyAt
// ticket, snapshot, send   Gatekeeper.rebuild
// late                     an install or a drop, carried out whenever it comes
// commitRevokeA, sendDel, redisDel, ack   Changes.acknowledge: LeaseState.answered; without a count until the row is gone or no lease is older
// refuse                   Redis answers drop.lua with an error, before anything or after the hash is gone: DropCommand.reply, noAnswer
// copy, putBack            COPY of all keys, SWAPDB: an image of this very timeline; drop.lua's counter tells
//
// WHAT MUST HOLD. (1) Nobody serves the session once its revocation was acknowledged; where an image was put back, once each process
// has looked at the counter after that. (2) If A dies before it acknowledged, what is left does not serve the session for ever. (3) No
// new term is registered by a process that met neither another timeline nor data that went back.

/// The rules about timelines, each of which can be switched off.
struct FailoverRules {
  /// The ledger says which timeline serves; off: a process serves from whichever its connection leads to.
  var registeredTerm = true
  /// A new term is used only when nobody can be behind.
  var quarantine = true
  /// A drop counts only under the term that is in force; off: any answered drop.
  var countedDrops = true
  /// The epoch follows the term; off: the timeline alone.
  var termInEpoch = true
  /// A poll settles rows only out of quarantine.
  var settlesAfterQuarantine = true
  /// A process knows its own newest drop by the counter.
  var counter = true
  /// A process sends a drop only when the one before was answered or given up.
  var oneDropAtATime = true
  /// The ledger knows the newest drop that it relies on.
  var counterInLedger = true
  /// An error of Redis is no answer; off: it is taken for a counter that is broken.
  var errorsAreNoAnswers = true
}

/// The bounds of what may happen in a search.
struct FailoverScope: Sendable {
  var termsMax: UInt8 = 2
  var login = false
  var crash = true
  var tickets: UInt8 = 2
  /// An image of server 0 may be put back; there is no other server then.
  var image = false
  /// How many drops Redis may answer with an error.
  var errors: UInt8 = 0
}

/// One process. Every field is a byte, so that a state is hashed as plain memory.
struct FailoverProcess {
  enum Poll {
    static let idle: UInt8 = 0
    static let read: UInt8 = 1
    static let sent: UInt8 = 2
    static let answered: UInt8 = 3
    static let broken: UInt8 = 4
  }
  enum Rebuild {
    static let idle: UInt8 = 0
    static let ticket: UInt8 = 1
    static let read: UInt8 = 2
  }

  var hasLease: UInt8 = 1
  var leaseChange: UInt8 = 0
  var leaseTerm: UInt8 = 0
  /// The newest term that is out of quarantine here.
  var ready: UInt8 = 0
  /// Where its connection leads.
  var connected: UInt8 = 0

  var poll: UInt8 = Poll.idle
  var pollChange: UInt8 = 0
  var pollRow: UInt8 = 0
  var pollTerm: UInt8 = 0
  /// The drop that the ledger relied on as the poll read it: 0, or a process's number.
  var pollSettled: UInt8 = 0
  var pollSincePutBack: UInt8 = 0
  var pollMarked: UInt8 = 0

  var rebuild: UInt8 = Rebuild.idle
  var rebuildTicket: UInt8 = 0
  var rebuildLive: UInt8 = 0
  var rebuildTerm: UInt8 = 0

  /// It has an answer to a drop that came after the copy was made.
  var knows: UInt8 = 0
  var knowsTerm: UInt8 = 0
  /// A poll that began after the image was put back has looked.
  var looked: UInt8 = 0
}

/// An install on its way, or a drop.
struct FailoverInstall: Equatable {
  var isSent: UInt8 = 0
  var term: UInt8 = 0
  var ticket: UInt8 = 0
  var live: UInt8 = 0
  var order: UInt32 { UInt32(isSent) << 24 | UInt32(term) << 16 | UInt32(ticket) << 8 | UInt32(live) }
}

struct FailoverDrop {
  static let none: UInt8 = 0
  static let sent: UInt8 = 1
  static let answered: UInt8 = 2
  static let broken: UInt8 = 3
  static let refused: UInt8 = 4
  var phase: UInt8 = none
  var term: UInt8 = 0
  /// The answer's count is one that came after the copy.
  var isMarked: UInt8 = 0
}

/// A user's hash: absent, a ticket of an epoch, or warm with the session or without.
struct FailoverHash: Equatable {
  static let absent: UInt8 = 0
  static let ticket: UInt8 = 1
  static let warm: UInt8 = 2
  var kind: UInt8 = absent
  var epoch: UInt8 = 0
  /// The ticket's number, or whether the session is in it.
  var value: UInt8 = 0
}

/// Everything at one moment.
struct FailoverState: SearchableState {
  enum Revoke {
    static let none: UInt8 = 0
    static let committed: UInt8 = 1
    static let asked: UInt8 = 2
    static let waiting: UInt8 = 3
    static let acknowledged: UInt8 = 4
    /// A died before.
    static let dead: UInt8 = 9
  }
  enum Image {
    static let none: UInt8 = 0
    static let made: UInt8 = 1
    static let inPlace: UInt8 = 2
  }

  // The ledger.
  var live: UInt8 = 1
  var change: UInt8 = 0
  var row: UInt8 = 0
  var term: UInt8 = 0
  /// The process whose drop after the copy the ledger relies on, 0 is none.
  var settledBy: UInt8 = 0

  // The servers.
  var hash = (FailoverHash(kind: FailoverHash.warm, epoch: 0, value: 1), FailoverHash())
  var image: UInt8 = Image.none
  var imageHash = FailoverHash()
  /// Of each process: a drop of it is in the data that is in place, made after the copy.
  var marks: (UInt8, UInt8) = (0, 0)
  /// The greatest term that the counter has been told.
  var counterTerm: UInt8 = 0

  var a = FailoverProcess()
  var b = FailoverProcess()
  var installs = (FailoverInstall(), FailoverInstall())
  var ticketsMade: UInt8 = 0
  var crashesLeft: UInt8
  var errorsLeft: UInt8
  /// A term was registered without a reason.
  var isNeedless: UInt8 = 0

  var revoke: UInt8 = Revoke.none
  var revokeChange: UInt8 = 0
  var revokeDrop = FailoverDrop()
  /// 0, committed, asked, done.
  var login: UInt8 = 0
  var loginChange: UInt8 = 0
  var loginDrop = FailoverDrop()

  init(_ scope: FailoverScope) { (crashesLeft, errorsLeft) = (scope.crash ? 1 : 0, scope.errors) }

  subscript(_ index: Int) -> FailoverProcess {
    get { index == 0 ? a : b }
    set { if index == 0 { a = newValue } else { b = newValue } }
  }

  func mark(_ index: Int) -> UInt8 { index == 0 ? marks.0 : marks.1 }
  mutating func setMark(_ index: Int) { if index == 0 { marks.0 = 1 } else { marks.1 = 1 } }

  func fingerprint() -> UInt64 {
    var ordered = self
    if ordered.installs.1.order < ordered.installs.0.order { swap(&ordered.installs.0, &ordered.installs.1) }
    return withUnsafeBytes(of: &ordered) { bytes in
      var result: UInt64 = 0x9e37_79b9_7f4a_7c15
      for byte in bytes {
        result = (result ^ UInt64(byte)) &* 0xff51_afd7_ed55_8ccd
        result ^= result >> 29
      }
      return result
    }
  }
}
