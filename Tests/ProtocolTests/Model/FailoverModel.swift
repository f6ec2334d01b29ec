/// The transitions of the model with two servers.
struct FailoverModel: SearchableModel {
  typealias Poll = FailoverProcess.Poll
  typealias Rebuild = FailoverProcess.Rebuild
  typealias Revoke = FailoverState.Revoke
  typealias Image = FailoverState.Image
  typealias Hash = FailoverHash

  static let letIn = "a session was served after its revocation was acknowledged"
  static let stuck = "a session is served for ever, though its revocation is in the ledger and no row is pending"

  static let needless = "a new term, though neither another timeline nor data that went back was met"

  var rules = FailoverRules()
  var scope = FailoverScope()

  var start: FailoverState { FailoverState(scope) }

  func next(_ s: FailoverState, _ emit: (Consequence<FailoverState>) -> Void) {
    // A step counts as a violation where its outcome may not be.
    func put(_ name: StepName, _ index: Int, _ after: FailoverState, _ variant: UInt8 = 0) {
      emit(Consequence(step: Step(name: name, process: UInt8(index), variant: variant), state: after, violation: violation(after)))
    }
    terms(s, put)
    images(s, put)
    lateInstalls(s, put)
    for index in 0..<2 where isAlive(s, index) {
      connection(s, index, put)
      poll(s, index, put)
      rebuild(s, index, put)
    }
    revoke(s, put)
    if scope.login { login(s, put) }
  }

  typealias Put = (StepName, Int, FailoverState, UInt8) -> Void

  // MARK: what holds

  private func isAlive(_ s: FailoverState, _ index: Int) -> Bool { index == 1 || s.revoke != Revoke.dead }
  func server(_ term: UInt8) -> Int { !scope.image && term == 1 ? 1 : 0 }
  func epoch(_ term: UInt8) -> UInt8 { rules.termInEpoch ? term : UInt8(server(term)) }
  func hash(_ s: FailoverState, _ term: UInt8) -> Hash { server(term) == 0 ? s.hash.0 : s.hash.1 }
  func set(_ hash: Hash, _ s: inout FailoverState, _ term: UInt8) {
    if server(term) == 0 { s.hash.0 = hash } else { s.hash.1 = hash }
  }
  /// The term whose server a process speaks to.
  private func spoken(_ p: FailoverProcess) -> UInt8 { rules.registeredTerm ? p.leaseTerm : p.connected }
  private func isReady(_ p: FailoverProcess, _ term: UInt8) -> Bool { !rules.quarantine || p.ready >= term }
  private func serves(_ p: FailoverProcess) -> Bool {
    p.hasLease == 1 && (!rules.registeredTerm || isReady(p, p.leaseTerm))
  }
  private func isLive(_ hash: Hash, _ term: UInt8) -> Bool { hash == Hash(kind: Hash.warm, epoch: epoch(term), value: 1) }

  private func violation(_ s: FailoverState) -> String? {
    if s.isNeedless == 1 { return Self.needless }
    if s.revoke == Revoke.acknowledged {
      for p in [s.a, s.b] where serves(p) && (s.image != Image.inPlace || p.looked == 1) {
        if isLive(hash(s, spoken(p)), spoken(p)) { return Self.letIn }
      }
    }
    let isQuiet =
      s.installs.0.isSent == 0 && s.installs.1.isSent == 0 && s.a.rebuild == Rebuild.idle && s.b.rebuild == Rebuild.idle
      && s.b.poll == Poll.idle && s.loginDrop.phase == FailoverDrop.none && (s.login == 0 || s.login == 3)
    if s.revoke == Revoke.dead, s.live == 0, s.row == 0, isQuiet, !scope.image, isLive(hash(s, s.term), s.term) { return Self.stuck }
    return nil
  }

  // MARK: servers

  private func terms(_ s: FailoverState, _ put: Put) {
    guard !scope.image, s.term + 1 < scope.termsMax else { return }
    var after = s
    after.term += 1
    if s.term == 1 { return put(.failback, 0, after, 0) }
    // Any image that the second server may have of the first.
    let images = [
      Hash(), Hash(kind: Hash.warm, epoch: 0, value: 1), Hash(kind: Hash.warm, epoch: 0, value: 0),
      Hash(kind: Hash.ticket, epoch: 0, value: 1),
    ]
    for (number, image) in images.enumerated() {
      after.hash.1 = image
      put(.failover, 0, after, UInt8(number))
    }
  }

  private func images(_ s: FailoverState, _ put: Put) {
    guard scope.image else { return }
    var after = s
    if s.image == Image.none {
      after.image = Image.made
      after.imageHash = s.hash.0
      put(.copy, 0, after, 0)
    } else if s.image == Image.made {
      after.image = Image.inPlace
      after.hash.0 = s.imageHash
      after.marks = (0, 0)
      after.counterTerm = 0
      put(.putBack, 0, after, 0)
    }
  }

  private func lateInstalls(_ s: FailoverState, _ put: Put) {
    for slot in 0..<2 {
      let install = slot == 0 ? s.installs.0 : s.installs.1
      guard install.isSent == 1 else { continue }
      var after = s
      if slot == 0 { after.installs.0 = FailoverInstall() } else { after.installs.1 = FailoverInstall() }
      if hash(s, install.term) == Hash(kind: Hash.ticket, epoch: epoch(install.term), value: install.ticket) {
        set(Hash(kind: Hash.warm, epoch: epoch(install.term), value: install.live), &after, install.term)
      }
      put(.late, 0, after, UInt8(slot))
    }
  }

  /// drop.lua, sent under `term`, with the user or to look at the counter alone: whether that is broken.
  private func drop(_ s: inout FailoverState, by index: Int, _ term: UInt8, settledBy: UInt8, dropsUser: Bool = true) -> Bool {
    if dropsUser { set(Hash(), &s, term) }
    guard scope.image else { return false }
    if term < s.counterTerm { return true }
    if term > s.counterTerm { (s.counterTerm, s.marks) = (term, (0, 0)) }
    if rules.counter, s[index].knows == 1, s[index].knowsTerm == term, s.mark(index) == 0 { return true }
    if rules.counterInLedger, settledBy != 0, s.mark(Int(settledBy) - 1) == 0 { return true }
    s.setMark(index)
    return false
  }

  /// Redis refuses a drop: before anything of it, or where the hash is gone and the counter is not.
  private func refuse(
    _ s: FailoverState, by index: Int, _ term: UInt8, dropsUser: Bool, _ put: Put, then change: (inout FailoverState) -> Void
  ) {
    guard s.errorsLeft > 0 else { return }
    for part in [UInt8](dropsUser ? 0...1 : 0...0) {
      var after = s
      after.errorsLeft -= 1
      if part == 1 { set(Hash(), &after, term) }
      change(&after)
      put(.refuse, index, after, part)
    }
  }

  // MARK: a process

  private func connection(_ s: FailoverState, _ index: Int, _ put: Put) {
    let p = s[index]
    if !rules.registeredTerm, p.connected < s.term {
      var after = s
      after[index].connected += 1
      endRebuild(&after[index])
      endPoll(&after[index])
      if index == 0, s.revoke == Revoke.asked { (after.revoke, after.revokeDrop) = (Revoke.committed, FailoverDrop()) }
      if index == 1, s.login == 2 { (after.login, after.loginDrop) = (1, FailoverDrop()) }
      put(.reconnect, index, after, 0)
    }
    if p.hasLease == 1 {
      var after = s
      endLease(&after[index])
      put(.leaseLapses, index, after, 0)
    }
    let newest = max(p.hasLease == 1 ? p.leaseTerm : 0, p.poll != Poll.idle ? p.pollTerm : 0)
    guard rules.registeredTerm, rules.quarantine, p.ready < newest else { return }
    for other in [s.a, s.b] {
      if other.hasLease == 1, other.leaseTerm < newest { return }
      if other.poll != Poll.idle, other.pollTerm < newest { return }
    }
    var after = s
    after[index].ready = newest
    put(.quarantineOver, index, after, 0)
  }

  private func poll(_ s: FailoverState, _ index: Int, _ put: Put) {
    var after = s
    var p = s[index]
    if p.poll != Poll.idle {
      endPoll(&after[index])
      put(.pollLapses, index, after, 0)
      after = s
    }
    switch p.poll {
    case Poll.idle:
      (p.pollChange, p.pollRow) = (s.change, s.row)
      p.pollTerm = rules.registeredTerm ? s.term : p.connected
      p.pollSettled = s.settledBy
      p.pollSincePutBack = s.image == Image.inPlace ? 1 : 0
      p.poll = Poll.read
      after[index] = p
      put(.pollRead, index, after, 0)
    case Poll.read:
      // With nothing to drop the counter alone is looked at, where it can tell anything.
      guard p.pollRow != 0 || scope.image else { return grant(s, index, put) }
      guard !rules.oneDropAtATime || (index == 0 ? s.revokeDrop : s.loginDrop).phase == FailoverDrop.none else { return }
      after[index].poll = Poll.sent
      put(.sendDel, index, after, 1)
    case Poll.sent:
      refuse(s, by: index, p.pollTerm, dropsUser: p.pollRow != 0, put) { after in
        // Without an answer the lease is not renewed.
        if rules.errorsAreNoAnswers { endPoll(&after[index]) } else { after[index].poll = Poll.broken }
      }
      let isBroken = drop(&after, by: index, p.pollTerm, settledBy: p.pollSettled, dropsUser: p.pollRow != 0)
      after[index].poll = isBroken ? Poll.broken : Poll.answered
      after[index].pollMarked = s.image == Image.none ? 0 : 1
      put(.redisPollDel, index, after, isBroken ? 1 : 0)
    case Poll.broken:
      endPoll(&after[index])
      endLease(&after[index])
      // The ledger takes it only if the terms are those that were read.
      if p.pollTerm == s.term, s.term + 1 < 3 {
        after.term += 1
        after.settledBy = 0
        if s.image != Image.inPlace { after.isNeedless = 1 }
      }
      put(.register, index, after, 0)
    default: grant(s, index, put)
    }
  }

  private func grant(_ s: FailoverState, _ index: Int, _ put: Put) {
    var after = s
    let p = s[index]
    if p.pollMarked == 1 { (after[index].knows, after[index].knowsTerm) = (1, p.pollTerm) }
    after[index].hasLease = 1
    after[index].leaseChange = p.pollChange
    after[index].leaseTerm = p.pollTerm
    if p.pollSincePutBack == 1 { after[index].looked = 1 }
    endPoll(&after[index])
    let settles = !rules.registeredTerm || !rules.settlesAfterQuarantine || isReady(p, p.pollTerm)
    if p.poll == Poll.answered, p.pollRow != 0, settles, s.row == p.pollRow { settle(&after, index, p.pollTerm, isMarked: p.pollMarked) }
    put(.renew, index, after, settles ? 0 : 1)
  }

  private func settle(_ s: inout FailoverState, _ index: Int, _ term: UInt8, isMarked: UInt8) {
    s.row = 0
    if isMarked == 1, term == s.term { s.settledBy = UInt8(index + 1) }
  }

  private func rebuild(_ s: FailoverState, _ index: Int, _ put: Put) {
    let p = s[index]
    var after = s
    switch p.rebuild {
    case Rebuild.idle:
      guard serves(p), s.ticketsMade < scope.tickets else { return }
      let term = spoken(p)
      let found = hash(s, term)
      guard found.kind != Hash.warm || found.epoch != epoch(term) else { return }
      var ticket = found.value
      if found.kind != Hash.ticket || found.epoch != epoch(term) {
        after.ticketsMade += 1
        ticket = after.ticketsMade
        set(Hash(kind: Hash.ticket, epoch: epoch(term), value: ticket), &after, term)
      }
      after[index].rebuild = Rebuild.ticket
      after[index].rebuildTicket = ticket
      after[index].rebuildTerm = term
      put(.redisGate, index, after, 0)
    case Rebuild.ticket:
      after[index].rebuild = Rebuild.read
      after[index].rebuildLive = s.live
      put(.snapshot, index, after, s.live)
    default:
      let install = FailoverInstall(isSent: 1, term: p.rebuildTerm, ticket: p.rebuildTicket, live: p.rebuildLive)
      if s.installs.0.isSent == 0 {
        after.installs.0 = install
      } else {
        guard s.installs.1.isSent == 0 else { return }
        after.installs.1 = install
      }
      endRebuild(&after[index])
      put(.install, index, after, 0)
    }
  }

  private func endLease(_ p: inout FailoverProcess) { (p.hasLease, p.leaseChange, p.leaseTerm) = (0, 0, 0) }
  private func endRebuild(_ p: inout FailoverProcess) {
    (p.rebuild, p.rebuildTicket, p.rebuildLive, p.rebuildTerm) = (Rebuild.idle, 0, 0, 0)
  }
  private func endPoll(_ p: inout FailoverProcess) {
    (p.poll, p.pollChange, p.pollRow, p.pollTerm) = (Poll.idle, 0, 0, 0)
    (p.pollSettled, p.pollSincePutBack, p.pollMarked) = (0, 0, 0)
  }

  // MARK: changes

  /// Where a process sends a drop; nil if it can't.
  private func target(_ p: FailoverProcess) -> UInt8? {
    if rules.oneDropAtATime, p.poll == Poll.sent || p.poll == Poll.answered || p.poll == Poll.broken { return nil }
    guard rules.registeredTerm else { return p.connected }
    if p.hasLease == 1 { return p.leaseTerm }
    return rules.countedDrops ? nil : p.connected
  }

  private func counts(_ p: FailoverProcess, _ term: UInt8) -> Bool {
    guard rules.registeredTerm, rules.countedDrops else { return true }
    return p.hasLease == 1 && p.leaseTerm == term && isReady(p, term)
  }

  private func revoke(_ s: FailoverState, _ put: Put) {
    var after = s
    if s.revoke == Revoke.none {
      after.revoke = Revoke.committed
      after.live = 0
      after.change += 1
      (after.revokeChange, after.row) = (after.change, after.change)
      return put(.commitRevokeA, 0, after, 0)
    }
    guard s.revoke != Revoke.acknowledged, s.revoke != Revoke.dead else { return }
    if s.revoke == Revoke.committed, s.revokeDrop.phase == FailoverDrop.none, let term = target(s.a) {
      after.revoke = Revoke.asked
      after.revokeDrop = FailoverDrop(phase: FailoverDrop.sent, term: term)
      put(.sendDel, 0, after, 0)
      after = s
    }
    if s.revokeDrop.phase == FailoverDrop.sent {
      refuse(s, by: 0, s.revokeDrop.term, dropsUser: true, put) { $0.revokeDrop.phase = FailoverDrop.refused }
      let isBroken = drop(&after, by: 0, s.revokeDrop.term, settledBy: 0)
      after.revokeDrop.phase = isBroken ? FailoverDrop.broken : FailoverDrop.answered
      after.revokeDrop.isMarked = s.image == Image.none ? 0 : 1
      put(.redisDel, 0, after, 0)
      after = s
    }
    if s.revokeDrop.phase >= FailoverDrop.answered, s.revoke == Revoke.asked {
      let isCounted = s.revokeDrop.phase == FailoverDrop.answered && counts(s.a, s.revokeDrop.term)
      after.revokeDrop = FailoverDrop()
      after.revoke = isCounted ? Revoke.acknowledged : Revoke.waiting
      if s.revokeDrop.phase == FailoverDrop.broken { endLease(&after.a) }
      if isCounted {
        if s.revokeDrop.isMarked == 1 { (after.a.knows, after.a.knowsTerm) = (1, s.revokeDrop.term) }
        if s.row == s.revokeChange { settle(&after, 0, s.revokeDrop.term, isMarked: s.revokeDrop.isMarked) }
      }
      put(.ack, 0, after, isCounted ? 0 : 1)
      after = s
    }
    let isKnown = [s.a, s.b].allSatisfy { p in
      (p.hasLease == 0 || p.leaseChange >= s.revokeChange) && (p.poll == Poll.idle || p.pollChange >= s.revokeChange)
    }
    if isKnown || s.row < s.revokeChange {
      after.revoke = Revoke.acknowledged
      after.revokeDrop = FailoverDrop()
      put(.ack, 0, after, 2)
      after = s
    }
    guard s.crashesLeft > 0 else { return }
    crash(&after)
    put(.crash, 0, after, 0)
  }

  private func crash(_ s: inout FailoverState) {
    s.revoke = Revoke.dead
    s.crashesLeft = 0
    s.revokeDrop = FailoverDrop()
    endLease(&s.a)
    endPoll(&s.a)
    endRebuild(&s.a)
  }

  private func login(_ s: FailoverState, _ put: Put) {
    var after = s
    if s.login == 0 {
      after.login = 1
      after.change += 1
      (after.loginChange, after.row) = (after.change, after.change)
      return put(.commitLogin, 1, after, 0)
    }
    if s.login == 1, s.loginDrop.phase == FailoverDrop.none, let term = target(s.b) {
      after.login = 2
      after.loginDrop = FailoverDrop(phase: FailoverDrop.sent, term: term)
      return put(.sendDel, 1, after, 0)
    }
    if s.loginDrop.phase == FailoverDrop.sent {
      refuse(s, by: 1, s.loginDrop.term, dropsUser: true, put) { $0.loginDrop.phase = FailoverDrop.refused }
      let isBroken = drop(&after, by: 1, s.loginDrop.term, settledBy: 0)
      after.loginDrop.phase = isBroken ? FailoverDrop.broken : FailoverDrop.answered
      after.loginDrop.isMarked = s.image == Image.none ? 0 : 1
      return put(.redisDel, 1, after, 0)
    }
    guard s.loginDrop.phase >= FailoverDrop.answered else { return }
    after.login = 3
    after.loginDrop = FailoverDrop()
    if s.loginDrop.phase == FailoverDrop.broken { endLease(&after.b) }
    if s.loginDrop.phase == FailoverDrop.answered, counts(s.b, s.loginDrop.term) {
      if s.loginDrop.isMarked == 1 { (after.b.knows, after.b.knowsTerm) = (1, s.loginDrop.term) }
      if s.row == s.loginChange { settle(&after, 1, s.loginDrop.term, isMarked: s.loginDrop.isMarked) }
    }
    put(.ack, 1, after, 0)
  }
}
