// Steps that come late, steps that go wrong, and time.

extension ProtocolModel {
  func lateCommands(_ s: ModelState, _ emit: (Successor) -> Void) {
    for slot in 0..<3 {
      var after = s
      let command: LateCommand
      switch slot {
      case 0: (command, after.late.0) = (s.late.0, LateCommand())
      case 1: (command, after.late.1) = (s.late.1, LateCommand())
      default: (command, after.late.2) = (s.late.2, LateCommand())
      }
      let isOlder = command.kind / LateCommand.older
      switch command.kind % LateCommand.older {
      case LateCommand.none: continue
      case LateCommand.del: drop(&after, by: isOlder)
      case LateCommand.write: write(&after, era: command.era, content: command.content, by: isOlder)
      case LateCommand.gate:
        if !isWarm(s, era: command.era, for: isOlder) { _ = keepOrSetTicket(&after, era: command.era) }
      default:
        let stands =
          s.hash == Hash.ticket && s.hashTicket == command.ticket && s.hashReplication == s.replication && s.hashEra == command.era
        if stands || !rules.ticketedInstall { write(&after, era: command.era, content: command.content, by: isOlder) }
      }
      emit(Successor(step: Step(name: .late, process: 0, variant: command.kind), state: after))
    }
  }

  /// Commands of a process that wait for Redis get no answer; they may be carried out later if Redis still has them.
  private func lose(_ p: inout ModelProcess, _ s: inout ModelState, redisHasThem: Bool) {
    if p.gate == Gate.asked {
      if redisHasThem { _ = s.addLate(LateCommand(kind: kind(LateCommand.gate, p), era: p.gateEra)) }
      p.gate = Gate.ledger
      p.gateDeadline = 0
      p.gateEra = 0
    }
    if p.poll == Poll.asked {
      if redisHasThem { _ = s.addLate(LateCommand(kind: kind(LateCommand.del, p))) }
      endPoll(&p)
    }
    if p.change == Change.asked {
      if redisHasThem { _ = s.addLate(lateChange(p)) }
      p.change = Change.waiting
      p.changeDeadline = 0
    }
  }

  private func lateChange(_ p: ModelProcess) -> LateCommand {
    rules.onlyDel
      ? LateCommand(kind: kind(LateCommand.del, p)) : LateCommand(kind: kind(LateCommand.write, p), era: p.era, content: p.changeContent)
  }

  func faults(_ s: ModelState, _ index: Int, _ emit: (Successor) -> Void) {
    if s.crashesLeft > 0 {
      var after = s
      var p = s[index]
      lose(&p, &after, redisHasThem: true)
      after.crashesLeft -= 1
      var fresh = ModelProcess()
      fresh.isCut = p.isCut
      fresh.isOlder = p.isOlder
      put(.crash, index, after, fresh, emit)
    }
    if s[index].isCut == 1 {
      var p = s[index]
      p.isCut = 0
      put(.join, index, s, p, emit)
    } else if s.cutsLeft > 0 {
      var after = s
      var p = s[index]
      lose(&p, &after, redisHasThem: true)
      after.cutsLeft -= 1
      p.isCut = 1
      put(.cut, index, after, p, emit)
    }
  }

  func redisFaults(_ s: ModelState, _ emit: (Successor) -> Void) {
    if s.flushesLeft > 0, s.hash != Hash.absent {
      var after = s
      after.flushesLeft -= 1
      empty(&after)
      emit(Successor(step: Step(name: .flush, process: 0, variant: 0), state: after))
    }
    guard s.restartsLeft > 0 else { return }
    var after = s
    after.restartsLeft -= 1
    after.late = (LateCommand(), LateCommand(), LateCommand())
    for index in 0..<2 {
      var p = after[index]
      lose(&p, &after, redisHasThem: false)
      after[index] = p
    }
    if rules.epochFollowsReplication { after.replication += 1 }
    empty(&after)
    emit(Successor(step: Step(name: .restart, process: 0, variant: 0), state: after))
    // Any older image: a superset of those that ever were.
    for era in 0...s.era {
      for content in UInt8(1)...3 where content & 2 == 0 || s.b != ModelState.none {
        var image = after
        image.hash = Hash.warm
        image.hashReplication = s.replication
        image.hashEra = era
        image.hashContent = content
        emit(Successor(step: Step(name: .restart, process: 0, variant: 1 + era * 4 + content), state: image))
        guard scope.mixed else { continue }
        image.hashIsOlder = 1
        emit(Successor(step: Step(name: .restart, process: 0, variant: 17 + era * 4 + content), state: image))
      }
    }
  }

  func tick(_ s: ModelState, _ emit: (Successor) -> Void) {
    var after = s
    for index in 0..<2 {
      var p = s[index]
      p.lease -= p.lease > 0 ? 1 : 0
      if p.gate == Gate.asked {
        if p.gateDeadline == 0 {
          _ = after.addLate(LateCommand(kind: kind(LateCommand.gate, p), era: p.gateEra))
          p.gate = Gate.ledger
          p.gateEra = 0
        } else {
          p.gateDeadline -= 1
        }
      }
      if p.poll != Poll.idle { p.pollElapsed = min(Ticks.lease, p.pollElapsed + 1) }
      if p.poll == Poll.asked {
        if p.pollDeadline == 0 {
          _ = after.addLate(LateCommand(kind: kind(LateCommand.del, p)))
          endPoll(&p)
        } else {
          p.pollDeadline -= 1
        }
      }
      if p.change != Change.idle { p.changeElapsed = min(Ticks.revokeWait, p.changeElapsed + 1) }
      if p.change == Change.asked {
        if p.changeDeadline == 0 {
          _ = after.addLate(lateChange(p))
          p.change = Change.waiting
        } else {
          p.changeDeadline -= 1
        }
      }
      after[index] = p
    }
    emit(Successor(step: Step(name: .tick, process: 0, variant: 0), state: after))
  }
}
