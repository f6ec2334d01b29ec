/// The steps that can happen, named for traces.
enum StepName: UInt8 {
  case begin, redisGate, useAllow, useAbsent, snapshot, install, toLedger, ledgerAnswer
  case pollRead, redisPollDel, renew, settle
  case commitLogin, commitRevokeA, commitRevokeB, commitEveryone, sendDel, redisDel, ack
  case late, flush, restart, crash, cut, join, tick
  // Of the other models alone.
  case failover, failback, register, confirm, stop, reconnect, leaseLapses, pollLapses, quarantineOver, copy, putBack, refuse

  /// Steps that healing leaves out: faults, new changes, new calls.
  var isOptional: Bool {
    switch self {
    case .flush, .restart, .crash, .cut, .commitLogin, .commitRevokeA, .commitRevokeB, .commitEveryone, .begin: true
    default: false
    }
  }
}

/// One step: what, by which process, and which of its variants.
struct Step: CustomStringConvertible {
  let name: StepName
  let process: UInt8
  let variant: UInt8
  var description: String { "\(name) p\(process)" + (variant == 0 ? "" : " #\(variant)") }
}

/// An answer of the gate.
struct ModelAnswer {
  let session: UInt8
  let allows: Bool
  let fromRedis: Bool
}

/// The state that a step leads to.
struct Successor {
  let step: Step
  var state: ModelState
  var answer: ModelAnswer?
  /// A rule of the specification that the step broke.
  var violation: String?
}

/// The transitions of the model.
struct ProtocolModel {
  typealias Gate = ModelProcess.Gate
  typealias Poll = ModelProcess.Poll
  typealias Change = ModelProcess.Change
  typealias Hash = ModelState.Hash

  var rules = Rules()
  var scope = Scope.all

  /// Calls `emit` with everything that can happen next.
  func next(_ s: ModelState, _ emit: (Successor) -> Void) {
    for index in 0..<2 {
      gate(s, index, emit)
      poll(s, index, emit)
      change(s, index, emit)
      faults(s, index, emit)
    }
    lateCommands(s, emit)
    redisFaults(s, emit)
    tick(s, emit)
  }

  func put(
    _ name: StepName, _ index: Int, _ s: ModelState, _ process: ModelProcess, variant: UInt8 = 0, _ emit: (Successor) -> Void
  ) {
    var after = s
    after[index] = process
    emit(Successor(step: Step(name: name, process: UInt8(index), variant: variant), state: after))
  }

  // MARK: gate

  private func gate(_ s: ModelState, _ index: Int, _ emit: (Successor) -> Void) {
    var p = s[index]
    switch p.gate {
    case Gate.idle:
      for session in UInt8(0)..<2 where s.session(session) != ModelState.none {
        p.session = session
        p.beganAfterAck = s.acked(session)
        ask(&p)
        put(.begin, index, s, p, variant: session, emit)
      }
    case Gate.asked:
      var after = s
      redisGate(&after, &p)
      put(.redisGate, index, after, p, emit)
    case Gate.allowed: answer(.useAllow, s, index, allows: true, fromRedis: true, emit)
    case Gate.absent:
      let isLive = s.session(p.session) == ModelState.live
      guard isLive, rules.no401WithoutLedger else { return answer(.useAbsent, s, index, allows: false, fromRedis: true, emit) }
      var after = s
      _ = after.addLate(LateCommand(kind: kind(LateCommand.del, p)))
      ask(&p)
      put(.useAbsent, index, after, p, emit)
    case Gate.cold:
      guard serves(p) else { return toLedger(s, index, emit) }
      p.content = s.liveContent
      p.gate = Gate.read
      put(.snapshot, index, s, p, emit)
    case Gate.read:
      guard serves(p) else { return toLedger(s, index, emit) }
      var after = s
      guard after.addLate(LateCommand(kind: kind(LateCommand.install, p), ticket: p.ticket, era: p.era, content: p.content))
      else { return }
      ask(&p)
      put(.install, index, after, p, emit)
    default: answer(.ledgerAnswer, s, index, allows: s.session(p.session) == ModelState.live, fromRedis: false, emit)
    }
  }

  private func serves(_ p: ModelProcess) -> Bool { p.isCut == 0 && (p.lease > 0 || !rules.pendingRowAndLease) }

  private func ask(_ p: inout ModelProcess) {
    p.ticket = 0
    p.content = 0
    p.gate = serves(p) ? Gate.asked : Gate.ledger
    p.gateDeadline = serves(p) ? Ticks.deadline : 0
    p.gateEra = serves(p) ? p.era : 0
  }

  private func toLedger(_ s: ModelState, _ index: Int, _ emit: (Successor) -> Void) {
    var p = s[index]
    p.gate = Gate.ledger
    p.ticket = 0
    p.content = 0
    put(.toLedger, index, s, p, emit)
  }

  private func answer(
    _ name: StepName, _ s: ModelState, _ index: Int, allows: Bool, fromRedis: Bool, _ emit: (Successor) -> Void
  ) {
    var after = s
    var p = s[index]
    let session = p.session
    var violation: String?
    if allows, p.beganAfterAck == 1 { violation = "a session was let in after its revocation was acknowledged" }
    if !allows, s.session(session) == ModelState.live { violation = "a live session was answered 401" }
    p.gate = Gate.idle
    p.session = 0
    p.beganAfterAck = 0
    p.gateDeadline = 0
    after[index] = p
    emit(
      Successor(
        step: Step(name: name, process: UInt8(index), variant: session), state: after,
        answer: ModelAnswer(session: session, allows: allows, fromRedis: fromRedis), violation: violation))
  }

  /// gate.lua.
  private func redisGate(_ s: inout ModelState, _ p: inout ModelProcess) {
    defer { p.gateEra = 0 }
    p.gateDeadline = 0
    if isWarm(s, era: p.gateEra, for: p.isOlder) {
      p.gate = s.hashContent & (1 << p.session) != 0 ? Gate.allowed : Gate.absent
    } else {
      p.ticket = keepOrSetTicket(&s, era: p.gateEra)
      p.gate = Gate.cold
    }
  }

  /// A process reads its own form and the one before it.
  func isWarm(_ s: ModelState, era: UInt8, for isOlder: UInt8) -> Bool {
    s.hash == Hash.warm && s.hashReplication == s.replication && s.hashEra == era && s.hashIsOlder >= isOlder
  }

  func kind(_ kind: UInt8, _ p: ModelProcess) -> UInt8 { kind + p.isOlder * LateCommand.older }

  func keepOrSetTicket(_ s: inout ModelState, era: UInt8) -> UInt8 {
    if s.hash == Hash.ticket, s.hashReplication == s.replication, s.hashEra == era { return s.hashTicket }
    s.hashTicket = 0
    s.hash = Hash.ticket
    s.hashTicket = s.freshTicket()
    s.hashReplication = s.replication
    s.hashEra = era
    s.hashContent = 0
    s.hashIsOlder = 0
    return s.hashTicket
  }

  // MARK: the poll

  private func poll(_ s: ModelState, _ index: Int, _ emit: (Successor) -> Void) {
    var p = s[index]
    if p.settle != 0 {
      var after = s
      if after.pending == p.settle { after.pending = 0 }
      p.settle = 0
      put(.settle, index, after, p, emit)
      p = s[index]
    }
    guard rules.pendingRowAndLease else {
      guard p.era != s.era else { return }
      p.era = s.era
      return put(.pollRead, index, s, p, emit)
    }
    switch p.poll {
    case Poll.idle:
      p.era = s.era
      p.pollSequence = s.pending
      p.pollElapsed = 0
      if s.pending == 0 {
        p.poll = Poll.clean
      } else if p.isCut == 0 {
        p.poll = Poll.asked
        p.pollDeadline = Ticks.deadline
      } else {
        endPoll(&p)
      }
      put(.pollRead, index, s, p, emit)
    case Poll.asked:
      var after = s
      drop(&after, by: p.isOlder)
      p.poll = Poll.clean
      p.pollDeadline = 0
      put(.redisPollDel, index, after, p, emit)
    default:
      if p.pollElapsed < Ticks.lease { p.lease = max(p.lease, Ticks.lease - p.pollElapsed) }
      if p.pollSequence != 0 { p.settle = p.pollSequence }
      endPoll(&p)
      put(.renew, index, s, p, emit)
    }
  }

  func endPoll(_ p: inout ModelProcess) {
    p.poll = Poll.idle
    p.pollSequence = 0
    p.pollElapsed = 0
    p.pollDeadline = 0
  }

  func drop(_ s: inout ModelState, by isOlder: UInt8) {
    guard rules.oneHash || s.hash != Hash.warm || s.hashIsOlder == isOlder else { return }
    empty(&s)
  }

  func empty(_ s: inout ModelState) {
    s.hash = Hash.absent
    s.hashReplication = 0
    s.hashEra = 0
    s.hashContent = 0
    s.hashTicket = 0
    s.hashIsOlder = 0
  }

  // MARK: changes

  private func change(_ s: ModelState, _ index: Int, _ emit: (Successor) -> Void) {
    let p = s[index]
    switch p.change {
    case Change.idle:
      if scope.login, s.b == ModelState.none { commit(.commitLogin, ModelProcess.Kind.login, s, index, emit) { $0.b = ModelState.live } }
      if scope.revokeA, s.a == ModelState.live {
        commit(.commitRevokeA, ModelProcess.Kind.revokeA, s, index, emit) { $0.a = ModelState.revoked }
      }
      if scope.revokeB, s.b == ModelState.live {
        commit(.commitRevokeB, ModelProcess.Kind.revokeB, s, index, emit) { $0.b = ModelState.revoked }
      }
      if scope.everyone, s.era == 0 {
        commit(.commitEveryone, ModelProcess.Kind.everyone, s, index, emit) { s in
          s.era = 1
          if s.a == ModelState.live { s.a = ModelState.revoked }
          if s.b == ModelState.live { s.b = ModelState.revoked }
        }
      }
    case Change.committed:
      var sent = p
      sent.change = p.isCut == 0 ? Change.asked : Change.waiting
      sent.changeDeadline = p.isCut == 0 ? Ticks.deadline : 0
      put(.sendDel, index, s, sent, emit)
    case Change.asked:
      var after = s
      var done = p
      if rules.onlyDel { drop(&after, by: p.isOlder) } else { write(&after, era: p.era, content: p.changeContent, by: p.isOlder) }
      done.change = Change.answered
      done.changeDeadline = 0
      put(.redisDel, index, after, done, emit)
    default:
      let isGone = rules.pendingRowAndLease && p.changeKind != ModelProcess.Kind.everyone && s.pending < p.changeSequence
      let isKnown = p.change == Change.answered || p.changeKind == ModelProcess.Kind.login || !rules.waitsForLeases
      guard isKnown || isGone || p.changeElapsed >= Ticks.revokeWait else { return }
      acknowledge(s, index, emit)
    }
  }

  private func commit(
    _ name: StepName, _ kind: UInt8, _ s: ModelState, _ index: Int, _ emit: (Successor) -> Void, _ change: (inout ModelState) -> Void
  ) {
    var after = s
    var p = s[index]
    change(&after)
    p.changeKind = kind
    p.changeElapsed = 0
    if kind == ModelProcess.Kind.everyone {
      p.change = Change.waiting
      // The sessions that it ends: those of later logins are not among them.
      p.changeContent = s.b == ModelState.none ? 1 : 3
    } else {
      p.change = Change.committed
      after.sequence += 1
      if rules.pendingRowAndLease { after.pending = after.sequence }
      p.changeSequence = after.sequence
      p.changeContent = rules.onlyDel ? 0 : after.liveContent
    }
    put(name, index, after, p, emit)
  }

  private func acknowledge(_ s: ModelState, _ index: Int, _ emit: (Successor) -> Void) {
    var after = s
    var p = s[index]
    if p.changeKind == ModelProcess.Kind.revokeA { after.ackedA = 1 }
    if p.changeKind == ModelProcess.Kind.revokeB { after.ackedB = 1 }
    if p.changeKind == ModelProcess.Kind.everyone {
      if p.changeContent & 1 != 0 { after.ackedA = 1 }
      if p.changeContent & 2 != 0 { after.ackedB = 1 }
    }
    if p.change == Change.answered { p.settle = p.changeSequence }
    endChange(&p)
    put(.ack, index, after, p, emit)
  }

  private func endChange(_ p: inout ModelProcess) {
    p.change = Change.idle
    p.changeKind = 0
    p.changeElapsed = 0
    p.changeDeadline = 0
    p.changeSequence = 0
    p.changeContent = 0
  }

  func write(_ s: inout ModelState, era: UInt8, content: UInt8, by isOlder: UInt8) {
    s.hash = Hash.warm
    s.hashReplication = s.replication
    s.hashEra = era
    s.hashContent = content
    s.hashTicket = 0
    s.hashIsOlder = isOlder
  }
}
