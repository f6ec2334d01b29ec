// A third model: a ledger that is put back from a backup while Redis is kept.
//
// WHAT IS IN IT. A user that signs up and a number that rises with every change of the ledger; one backup of both; a Redis that was told
// a number and may hold the user's hash; one process that polls, looks, rebuilds, ends and begins again. Redis may be away for as long as
// it likes. A process ends only when Redis was told all that it knows: one that is killed in between is beyond this model.
//
// STEP                  IMPLEMENTED BY
// pollRead, renew       LeaseState.read, LeaseState.polled
// register              HotLedger.register: the term has another lineage, so no hash of before is warm
// confirm               HotLedger.confirm
// commit...             Changes.acknowledge, LeaseState.learn: the process knows the numbers of its own changes
// begin                 Serve: HotLedger.vacate
// putBack               an operator, with the process stopped, or under one that serves
//
// WHAT MUST HOLD. No process serves a user whom the ledger does not know, once it has renewed its lease after the ledger was put back.

/// The rules about older ledgers, each of which can be switched off.
struct RestoreRules {
  /// Redis's number is compared with the ledger's.
  var comparesNumbers = true
  /// A process that begins alone compares with the number at its start; off: with the present one.
  var boundAtStart = true
  /// A process remembers the number that it has read.
  var remembersNumber = true
}

/// Everything at one moment; every field is a byte.
struct RestoreState: SearchableState {
  static let none: UInt8 = 255
  static let numberMax: UInt8 = 4

  enum Poll {
    static let idle: UInt8 = 0
    static let read: UInt8 = 1
  }

  // The ledger, and its backup.
  var number: UInt8 = 0
  var knowsUser: UInt8 = 0
  var term: UInt8 = 0
  var vacant: UInt8 = none
  var backupNumber: UInt8 = none
  var isPutBack: UInt8 = 0
  /// It was put back while a process ran, which has not read it since.
  var isUnread: UInt8 = 0

  // Redis: the term of the warm hash, and what it was told in which term.
  var isAway: UInt8 = 0
  var hashTerm: UInt8 = none
  var told: UInt8 = 0
  var toldTerm: UInt8 = 0

  // The process.
  var runs: UInt8 = 1
  var lease: UInt8 = none
  var hasLooked: UInt8 = 0
  var known: UInt8 = 0
  var poll: UInt8 = Poll.idle
  var pollNumber: UInt8 = 0
  var pollVacant: UInt8 = none
  /// The lease is of a poll that began after the ledger was put back.
  var isFresh: UInt8 = 0
  var pollIsFresh: UInt8 = 0

  func fingerprint() -> UInt64 {
    withUnsafeBytes(of: self) { bytes in
      bytes.reduce(0x9e37_79b9_7f4a_7c15) { result, byte in
        let mixed = (result ^ UInt64(byte)) &* 0xff51_afd7_ed55_8ccd
        return mixed ^ mixed >> 29
      }
    }
  }
}

struct RestoreModel: SearchableModel {
  static let letIn = "a user was served whom the ledger does not know"

  var rules = RestoreRules()
  var start: RestoreState { RestoreState() }

  func next(_ s: RestoreState, _ emit: (Consequence<RestoreState>) -> Void) {
    func put(_ name: StepName, _ change: (inout RestoreState) -> Void) {
      var after = s
      change(&after)
      let serves = after.lease == after.term && after.hashTerm == after.term && after.isAway == 0 && after.isFresh == after.isPutBack
      let violation = serves && after.knowsUser == 0 ? Self.letIn : nil
      emit(Consequence(step: Step(name: name, process: 0, variant: 0), state: after, violation: violation))
    }
    operate(s, put)
    if s.runs == 1 {
      process(s, put)
    } else {
      put(.begin) { ($0.runs, $0.vacant) = (1, s.vacant == RestoreState.none ? s.number : s.vacant) }
    }
  }

  private typealias Put = (StepName, (inout RestoreState) -> Void) -> Void

  private func operate(_ s: RestoreState, _ put: Put) {
    put(.cut) { $0.isAway = 1 - s.isAway }
    if s.backupNumber == RestoreState.none, s.knowsUser == 0 { put(.copy) { $0.backupNumber = s.number } }
    if s.backupNumber != RestoreState.none, s.isPutBack == 0, s.runs == 0 || s.hasLooked == 1 {
      put(.putBack) { after in
        (after.number, after.knowsUser, after.isPutBack, after.isFresh) = (s.backupNumber, 0, 1, 0)
        (after.vacant, after.isUnread) = (RestoreState.none, s.runs)
      }
    }
    // A ledger that is put back while it is served is read before its number can have caught up.
    guard s.runs == 1, s.isUnread == 0, s.number < RestoreState.numberMax else { return }
    put(.commitRevokeB) { ($0.number, $0.known) = (s.number + 1, max(s.known, s.number + 1)) }
    if s.knowsUser == 0, s.isPutBack == 0 {
      put(.commitLogin) { ($0.number, $0.known, $0.knowsUser) = (s.number + 1, max(s.known, s.number + 1), 1) }
    }
  }

  private func process(_ s: RestoreState, _ put: Put) {
    if s.lease != RestoreState.none { put(.leaseLapses) { $0.lease = RestoreState.none } }
    if s.lease == s.term, s.isAway == 0, s.knowsUser == 1, s.hashTerm != s.term { put(.install) { $0.hashTerm = s.term } }
    if s.poll == RestoreState.Poll.idle {
      if s.told >= s.known, s.toldTerm == s.term || s.known == 0 { put(.stop) { end(&$0) } }
      put(.pollRead) { after in
        (after.poll, after.pollNumber, after.pollVacant, after.pollIsFresh) = (RestoreState.Poll.read, s.number, s.vacant, s.isPutBack)
        (after.known, after.isUnread) = (s.number, 0)
        guard rules.remembersNumber, s.number < s.known else { return }
        register(&after)
      }
    } else if s.isAway == 1 {
      put(.pollLapses) { endPoll(&$0) }
    } else {
      look(s, put)
    }
  }

  /// drop.lua and what follows.
  private func look(_ s: RestoreState, _ put: Put) {
    let told = s.toldTerm == s.term ? s.told : 0
    let bound = s.pollVacant != RestoreState.none && rules.boundAtStart ? s.pollVacant : s.pollNumber
    let isFirst = s.pollVacant != RestoreState.none || s.hasLooked == 0
    if rules.comparesNumbers, isFirst, told > bound {
      put(.register) { register(&$0) }
    } else if s.pollVacant != RestoreState.none {
      put(.confirm) { after in
        after.vacant = RestoreState.none
        endPoll(&after)
      }
    } else {
      put(.renew) { after in
        (after.lease, after.isFresh, after.hasLooked) = (s.term, s.pollIsFresh, 1)
        (after.told, after.toldTerm) = (max(told, s.pollNumber), s.term)
        endPoll(&after)
      }
    }
  }

  private func register(_ s: inout RestoreState) {
    (s.term, s.vacant, s.hasLooked) = (s.term + 1, RestoreState.none, 0)
    endPoll(&s)
  }

  private func endPoll(_ s: inout RestoreState) {
    (s.poll, s.pollNumber, s.pollVacant, s.pollIsFresh) = (RestoreState.Poll.idle, 0, RestoreState.none, 0)
  }

  /// The process is replaced by one that has the folder to itself; the ledger may be put back between the two.
  private func end(_ s: inout RestoreState) {
    (s.runs, s.lease, s.isFresh, s.hasLooked, s.known) = (0, RestoreState.none, 0, 0, 0)
  }
}
