@testable import GatehouseCore

// A model of time: one process with the real `ClockJudge`, the clocks of Redis and of the host, which may be moved, and a ledger with
// what is granted and removed by the time. It is small enough to be searched.
//
// WHAT IS IN IT. True time and the boot-time clock go on together; a reboot starts the latter anew. Redis's clock and the host's are
// right or away by one of `offsets`. The ledger has the newest stamp, the days in which a `free` user's unit was taken, one row that is
// kept for a day, and the time that it keeps for the next process.
//
// STEP                         IMPLEMENTED BY
// pass                         LeaseKeeper.poll and Upkeep.poll at its end: `heard`, `saw`, `atLeast`, the time is kept
// reserve                      gate.lua within the span that can be believed, then ReservationRecord.period
// write, sweep                 Idempotency, Upkeep.sweep
// moveRedis, moveHost, moveBoth, healing
// away                         Redis is down: no reading, the ledger serves
// restart, reboot              a process of the same boot, or of another one, with ServiceClock.follow
// accept                       an operator who sees the alarm and that Redis's clock is right: `gatehouse clock accept`
//
// WHAT MUST HOLD. (1) No more units than days, as long as one clock is right. (2) No unit in a period older than the newest. (3) A row
// is there for as long as it is kept, in true time. A start with both clocks a day ahead can't be told from a day without service: a
// unit then comes early, and (2) sees to it that it is not given again.
//
// EACH RULE CAN BE SWITCHED OFF (`ClockRules`), and the search then must find a violation.

/// The rules of time, each of which can be switched off.
struct ClockRules {
  /// A reading that jumps is not believed.
  var alarm = true
  /// No unit is taken in a period older than the newest in which one was taken.
  var noOlderPeriod = true
  /// Nothing is removed during an alarm and for some time after a jump.
  var quiet = true
  /// At a start time is not before the ledger's newest stamp.
  var floor = true
  /// A process goes on with the time that one of the same boot has left.
  var resumes = true
}

/// The bounds of what may happen in a search.
struct ClockScope: Sendable {
  var offsets: [Int64] = [-3 * ClockState.day, -ClockState.hour, ClockState.hour, ClockState.day, 10 * ClockState.day]
  var redisMoves = true
  var hostMoves = true
  var bothMove = false
  var restarts: UInt8 = 1
  var reboots: UInt8 = 0
  var outages: UInt8 = 1
  var accepts: UInt8 = 0
  var moves: UInt8 = 3

  /// Whether a clock that is wrong from a start on has its midnights when they are.
  var keepsMidnights: Bool { reboots == 0 || offsets.allSatisfy { $0 % ClockState.day == 0 } }
}

/// Everything at one moment. Instants are milliseconds since 1970 UTC.
struct ClockState: Hashable {
  static let minute: Int64 = 60_000
  static let hour = 60 * minute
  static let day = 24 * hour
  /// Six in the morning of a day.
  static let start = 20_600 * day + 6 * hour

  var now = ClockState.start
  /// Milliseconds that the boot-time clock is behind true time.
  var bootOffset = ClockState.start - ClockState.hour
  var boot: UInt8 = 0
  var redisOffset: Int64 = 0
  var hostOffset: Int64 = 0
  var redisIsUp = true

  var judge: ClockJudge
  var newestStamp: Int64 = 0
  var keptLine: ClockJudge.Line?
  var keptBoot: UInt8 = 0
  var keptQuiet: Int64 = 0

  /// The days in which a unit was taken, in the order of the taking, and when the first was, in true time.
  var days: [Int64] = []
  var firstGrant: Int64 = 0
  /// A row that is kept for a day: its stamp, and when it was written in true time.
  var rowStamp: Int64?
  var rowWritten: Int64 = 0

  var restartsLeft: UInt8
  var rebootsLeft: UInt8
  var outagesLeft: UInt8
  var acceptsLeft: UInt8
  var movesLeft: UInt8

  init(_ scope: ClockScope) {
    judge = ClockJudge(wallMilliseconds: now, boot: ClockState.hour)
    (restartsLeft, rebootsLeft, outagesLeft) = (scope.restarts, scope.reboots, scope.outages)
    (acceptsLeft, movesLeft) = (scope.accepts, scope.moves)
    poll(ClockRules())
  }

  var bootNow: Int64 { now - bootOffset }
  /// The time as the process takes it to be.
  var time: Int64 { judge.now(at: bootNow) }

  /// Reads the clocks and keeps the time, as the polls do.
  mutating func poll(_ rules: ClockRules) {
    if rules.floor { judge.atLeast(ledgerMilliseconds: newestStamp, at: bootNow) }
    if redisIsUp { hear(rules) }
    judge.saw(hostMilliseconds: now + hostOffset, at: bootNow)
    if let line = judge.agreedLine(at: bootNow) {
      (keptLine, keptBoot, keptQuiet) = (line, boot, judge.quietUntilMilliseconds(at: bootNow) ?? 0)
    }
  }

  /// Whether what Redis decides at this moment may be used.
  @discardableResult mutating func hear(_ rules: ClockRules) -> Bool {
    if rules.alarm { return judge.heard(redisMilliseconds: now + redisOffset, at: bootNow) }
    // Any reading is a fact.
    judge = ClockJudge(wallMilliseconds: now + redisOffset, boot: bootNow)
    return judge.heard(redisMilliseconds: now + redisOffset, at: bootNow)
  }

  mutating func startProcess(_ rules: ClockRules) {
    judge = ClockJudge(wallMilliseconds: now + hostOffset, boot: bootNow)
    if rules.floor { judge.atLeast(ledgerMilliseconds: newestStamp, at: bootNow) }
    if let keptLine, rules.resumes, keptBoot == boot {
      judge.resume(keptLine, quietUntilMilliseconds: keptQuiet, at: bootNow)
    } else {
      judge.stayQuiet(untilMilliseconds: keptQuiet, at: bootNow)
    }
  }
}

/// The steps of the model.
struct ClockModel {
  static let passes = [11 * ClockState.minute, 8 * ClockState.hour + 45 * ClockState.minute, 25 * ClockState.hour]
  /// How long the row is kept.
  static let kept = ClockState.day

  var rules = ClockRules()
  let scope: ClockScope

  /// Every state that can come next, with what happened and what it violates.
  func next(_ s: ClockState, _ emit: (String, ClockState, String?) -> Void) {
    for span in Self.passes {
      var after = s
      after.now += span
      after.poll(rules)
      emit("pass \(span / ClockState.minute) minutes", after, nil)
    }
    reserve(s, emit)
    rows(s, emit)
    moves(s, emit)
    if s.redisIsUp, s.outagesLeft > 0 {
      var after = s
      after.redisIsUp = false
      after.outagesLeft -= 1
      emit("Redis goes away", after, nil)
    } else if !s.redisIsUp {
      var after = s
      after.redisIsUp = true
      emit("Redis is back", after, nil)
    }
    if s.acceptsLeft > 0, s.judge.isAlarmed, s.redisOffset == 0 {
      var after = s
      after.acceptsLeft -= 1
      let quiet = s.now + ClockJudge.quietAfterJumpMilliseconds
      after.judge.resume(ClockJudge.Line(milliseconds: s.now, boot: s.bootNow), quietUntilMilliseconds: quiet, at: s.bootNow)
      emit("accept", after, nil)
    }
    if s.restartsLeft > 0 {
      var after = s
      after.restartsLeft -= 1
      after.startProcess(rules)
      emit("restart", after, nil)
    }
    if s.rebootsLeft > 0 {
      var after = s
      after.rebootsLeft -= 1
      after.boot += 1
      after.bootOffset = after.now - ClockState.minute
      after.startProcess(rules)
      emit("reboot", after, nil)
    }
  }

  private func reserve(_ s: ClockState, _ emit: (String, ClockState, String?) -> Void) {
    var after = s
    let redisDecides = after.redisIsUp && after.hear(rules)
    let named = redisDecides ? after.now + after.redisOffset : nil
    let time = after.time
    var day = (named ?? time) / ClockState.day
    if rules.noOlderPeriod, let newest = s.days.max(), day < newest { day = max(time / ClockState.day, newest) }
    guard !after.days.contains(day) else { return }
    after.days.append(day)
    after.newestStamp = max(after.newestStamp, time)
    if after.days.count == 1 { after.firstGrant = after.now }
    let days = after.now / ClockState.day - after.firstGrant / ClockState.day + (scope.keepsMidnights ? 1 : 2)
    var violation: String?
    if !scope.bothMove, after.days.count > days { violation = "\(after.days.count) units in \(days) days" }
    if let newest = s.days.max(), day < newest { violation = "a unit in a period that is over" }
    emit("reserve", after, violation)
  }

  private func rows(_ s: ClockState, _ emit: (String, ClockState, String?) -> Void) {
    guard let stamp = s.rowStamp else {
      var after = s
      (after.rowStamp, after.rowWritten) = (s.time, s.now)
      after.newestStamp = max(after.newestStamp, s.time)
      return emit("write", after, nil)
    }
    guard !rules.quiet || !s.judge.isQuiet(at: s.bootNow), stamp + Self.kept <= s.time else { return }
    var after = s
    after.rowStamp = nil
    // Clocks drift, and a step is believed.
    let age = s.now - s.rowWritten + 2 * ClockJudge.stepMaxMilliseconds
    emit("sweep", after, age < Self.kept ? "a row is removed after \((s.now - s.rowWritten) / ClockState.minute) minutes" : nil)
  }

  private func moves(_ s: ClockState, _ emit: (String, ClockState, String?) -> Void) {
    if s.redisOffset == 0, s.hostOffset == 0, s.movesLeft > 0 {
      for offset in scope.offsets {
        for (redis, host, isWanted) in [(true, false, scope.redisMoves), (false, true, scope.hostMoves), (true, true, scope.bothMove)]
        where isWanted {
          var after = s
          after.movesLeft -= 1
          if redis { after.redisOffset = offset }
          if host { after.hostOffset = offset }
          emit("\(redis ? "Redis" : "")\(host ? " host" : "") moves by \(offset / ClockState.minute) minutes", after, nil)
        }
      }
    } else if s.redisOffset != 0 || s.hostOffset != 0 {
      var after = s
      (after.redisOffset, after.hostOffset) = (0, 0)
      emit("clocks are right again", after, nil)
    }
  }
}

/// Searches the model, nearest first, up to a bound.
struct ClockSearch {
  let model: ClockModel
  let statesMax: Int
  private(set) var states = 0
  private(set) var finding: Finding?
  private(set) var isExhausted = false

  init(model: ClockModel, statesMax: Int) {
    self.model = model
    self.statesMax = statesMax
  }

  /// A violation and how it came about.
  struct Finding: CustomStringConvertible {
    let violation: String
    let steps: [String]
    var description: String { violation + ":\n" + steps.map { "  \($0)" }.joined(separator: "\n") }
  }

  private struct Reached {
    let state: ClockState
    let parent: Int
    let step: String
  }

  mutating func run() {
    let start = ClockState(model.scope)
    var seen: Set<ClockState> = [start]
    var reached = [Reached(state: start, parent: -1, step: "start")]
    var at = 0
    while at < reached.count, finding == nil, reached.count < statesMax {
      model.next(reached[at].state) { step, state, violation in
        guard finding == nil else { return }
        if let violation {
          finding = Finding(violation: violation, steps: Self.steps(to: at, in: reached) + [step])
        } else if seen.insert(state).inserted {
          reached.append(Reached(state: state, parent: at, step: step))
        }
      }
      at += 1
    }
    states = reached.count
    isExhausted = at == reached.count
  }

  private static func steps(to last: Int, in reached: [Reached]) -> [String] {
    var steps: [String] = []
    var at = last
    while at >= 0 {
      steps.append(reached[at].step)
      at = reached[at].parent
    }
    return steps.reversed()
  }
}
