/// Rate limits outside a user's own slot, and every rate limit while Redis is away: by a window in this process at
/// `max(1, limit / processes)`, never by none. It begins where Redis stood last, and what it grants is counted with Redis's answers
/// afterwards: no mix of the two in one process passes more than the limit.
public struct SubjectLimits: Sendable {
  let window: LocalWindow
  /// Counts what Redis counts as well, for the time that Redis may forget it.
  private let spare: LocalWindow
  /// Whether what Redis counts may be gone before its time.
  public let memory = HotMemory()
  let now: @Sendable () -> Int64

  /// - Parameter now: milliseconds of a clock of this process that never goes back.
  public init(window: LocalWindow, now: @escaping @Sendable () -> Int64 = { ContinuousWindowClock.nowMilliseconds }) {
    self.window = window
    spare = window.another()
    self.now = now
  }

  /// Counts an attempt of addresses and other subjects, subject by subject in the order in which they first stand. The policies of one
  /// subject are charged together or not at all, and a subject is charged only when all before it passed: what is refused spends
  /// nothing of anybody who comes after. Behind a refusal the rest is only looked at, so that the wait can be told.
  ///
  /// One round trip a subject, since their windows live in different cluster slots and each charge depends on the one before; without
  /// Redis none, and the same order in this process alone. Verdicts in the order of the charges.
  public func check(_ charges: [SubjectCharge], peek: Bool, hot: any LimitStore, lease: Lease) async -> [SubjectVerdict] {
    await count(charges, peek: peek, hot: hot, lease: lease).verdicts
  }

  /// `check`, and what it has taken, which `giveBack` takes.
  func count(
    _ charges: [SubjectCharge], peek: Bool, hot: any LimitStore, lease: Lease
  ) async -> (verdicts: [SubjectVerdict], taken: [TakenUnits]) {
    var verdicts = [SubjectVerdict?](repeating: nil, count: charges.count)
    var taken: [TakenUnits] = []
    var isRefused = false
    for (index, first) in charges.enumerated() where verdicts[index] == nil {
      let places = charges.indices.filter { charges[$0].subject == first.subject }
      var units = TakenUnits(
        subject: first.subject, charges: places.map { PolicyCharge(policy: charges[$0].policy, cost: charges[$0].cost) })
      let decided = await decide(&units, peek: peek || isRefused, hot: hot, lease: lease)
      for (place, verdict) in zip(places, decided) { verdicts[place] = verdict }
      if decided.contains(where: { !$0.allowed }) { isRefused = true }
      taken.append(units)
    }
    return (verdicts.compactMap(\.self), taken)
  }

  /// Gives back what one `count` has taken; to be called once at most. In Redis only while that is served from as it was then: units that
  /// it can't be asked for stay taken until their window is over.
  func giveBack(_ taken: [TakenUnits], hot: any LimitStore, lease: Lease) async {
    for units in taken {
      let (name, charges) = (units.subject.localName, units.charges.map { $0.local(plan: nil) })
      if let then = units.hereAt { window.giveBack(subject: name, charges, takenAtMilliseconds: then) }
      if let then = units.spareAt { spare.giveBack(subject: name, charges, takenAtMilliseconds: then) }
      guard let inRedis = units.inRedis, lease.term == inRedis.term, hot.isUsable else { continue }
      let asked = now()
      guard case .success(let answer) = await hot.giveBack(units.subject, inRedis.cells, under: inRedis.term) else { continue }
      let told = zip(charges, answer.windows).map { LocalWindow.Told(charge: $0, window: $1) }
      _ = window.hear(
        subject: name, told, isTaken: false, redisMilliseconds: answer.nowMilliseconds, askedMilliseconds: asked, nowMilliseconds: now())
    }
  }

  private func decide(_ units: inout TakenUnits, peek: Bool, hot: any LimitStore, lease: Lease) async -> [SubjectVerdict] {
    let (subject, charges) = (units.subject, units.charges)
    let asked = now()
    if let term = lease.term, hot.isUsable {
      let owed = window.owed(subject: subject.localName, charges.map(\.policy), nowMilliseconds: asked)
      let question = zip(charges, owed).map { PolicyCharge(policy: $0.policy, cost: $0.cost, besides: $1) }
      if case .success(let answer) = await hot.check(subject, question, peek: peek, under: term) {
        if !peek, answer.verdicts.allSatisfy(\.allowed) {
          units.inRedis = (
            term,
            zip(charges, answer.windows).compactMap { charge, window in
              window.lastCell.map { TakenCell(policy: charge.policy, cell: $0, units: charge.cost) }
            }
          )
        }
        let heard = hear(answer, subject, charges, peek: peek, asked: asked)
        guard memory.mayForget else { return heard }
        // Whichever refuses decides, and what Redis refuses is only looked at here.
        let own = decide(units, peek: peek || heard.contains { !$0.allowed }, in: spare, takenAt: &units.spareAt)
        return zip(heard, own).map { $0.allowed ? $1 : $0 }
      }
    }
    return decide(units, peek: peek, in: window, takenAt: &units.hereAt)
  }

  private func decide(_ units: TakenUnits, peek: Bool, in window: LocalWindow, takenAt: inout Int64?) -> [SubjectVerdict] {
    let now = now()
    let results = window.checkAll(
      subject: units.subject.localName, units.charges.map { $0.local(plan: nil) }, nowMilliseconds: now, peek: peek)
    if !peek, results.allSatisfy(\.allowed) { takenAt = now }
    return results.map { SubjectVerdict(standing: $0.standing, allowed: $0.allowed, retryAfterSeconds: $0.retryAfterSeconds) }
  }

  private func hear(
    _ answer: HotCheck, _ subject: Subject, _ charges: [PolicyCharge], peek: Bool, asked: Int64
  ) -> [SubjectVerdict] {
    let told = zip(charges, answer.windows).map { LocalWindow.Told(charge: $0.local(plan: nil), window: $1) }
    let results = window.hear(
      subject: subject.localName, told, isTaken: !peek && answer.verdicts.allSatisfy(\.allowed), redisMilliseconds: answer.nowMilliseconds,
      askedMilliseconds: asked, nowMilliseconds: now())
    guard let results else { return answer.verdicts }
    return results.map { SubjectVerdict(standing: $0.standing, allowed: $0.allowed, retryAfterSeconds: $0.retryAfterSeconds) }
  }
}

/// Units that one check has taken of a subject, and where: enough to give them back.
struct TakenUnits: Sendable {
  let subject: Subject
  let charges: [PolicyCharge]
  /// In Redis: under which term, and in which cells.
  var inRedis: (term: HotTerm, cells: [TakenCell])?
  /// When this process counted them by itself; nil if it did not.
  var hereAt: Int64?
  /// When this process counted them beside Redis; nil if it did not.
  var spareAt: Int64?

  init(subject: Subject, charges: [PolicyCharge]) {
    self.subject = subject
    self.charges = charges
  }
}

/// The clock of windows in this process: monotonic, whatever Redis's does.
public enum ContinuousWindowClock {
  private static let start = ContinuousClock.now
  private static let offsetMilliseconds: Int64 = 1_000_000_000

  /// Milliseconds from an arbitrary start, greater than 0 and never going back: they say nothing to another process.
  public static var nowMilliseconds: Int64 {
    let elapsed = start.duration(to: .now)
    return offsetMilliseconds + elapsed.components.seconds * 1000 + elapsed.components.attoseconds / 1_000_000_000_000_000
  }
}

extension PolicyCharge {
  func local(plan: String?) -> LocalWindow.Charge { LocalWindow.Charge(policy: policy, limit: policy.limits.limit(plan: plan), cost: cost) }
}

extension Subject {
  var localName: String {
    switch self {
    case .network(let network): "ip:" + network
    case .keyed(let digest): "sub:" + digest
    case .ownNetwork(let network): "own:ip:" + network
    case .own(let digest): "own:" + digest
    }
  }
}
