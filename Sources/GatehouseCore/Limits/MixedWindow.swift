/// A subject's window under one policy as one process knows it: what Redis told last, and what the process granted by itself while Redis
/// did not answer. Both count everywhere, so that no mix of the two passes more than the limit.
///
/// The two halves go by two clocks. Units that Redis told of return by Redis's clock as it stood when the reply came: late by as long as
/// the reply took, never early. Units that were granted here return by this process's own clock.
struct MixedWindow: Sendable {
  /// A grant of this process alone goes on to count in questions to Redis for this much longer than a window: as long as any reply may
  /// take that is still used. Redis decided before the reply came.
  static let replyMilliseconds: Int64 = 1_000

  /// Units that were granted together, by this process's clock.
  private struct Grant {
    /// The end of their cell: a unit returns between one window and one window and a cell after it was taken, as in Redis.
    let countsAt: Int64
    var units: Int64
  }

  private var told = PackedWindow()
  private var toldAt = Int64.min
  /// Redis's clock less this process's.
  private var ahead: Int64 = 0
  private var own: [Grant] = []

  /// Notes Redis's answer: its window after the call, and its clock. An answer that is older than one heard before changes nothing.
  /// - Parameter now: this process's clock.
  mutating func hear(_ window: PackedWindow, at redis: Int64, now: Int64, policy: Policy) {
    // No reply takes so long that all told units return meanwhile: an earlier time after that comes from another clock.
    // Of two answers of one millisecond the later is the one with more units.
    func live(_ window: PackedWindow) -> Int64 { window.returns(nowMilliseconds: redis, policy: policy).reduce(0) { $0 + $1.units } }
    let isNewer = redis == toldAt ? live(window) >= live(told) : redis > toldAt
    guard isNewer || toldUnits(now: now, policy: policy) == 0 else { return }
    told = window
    toldAt = redis
    ahead = redis - now
  }

  /// Units that this process has granted by itself since `instant` less one window.
  func ownUnits(since instant: Int64, policy: Policy) -> Int64 {
    own.reduce(0) { $0 + ($1.countsAt > instant - policy.windowMilliseconds ? $1.units : 0) }
  }

  private func toldUnits(now: Int64, policy: Policy) -> Int64 {
    told.returns(nowMilliseconds: now + ahead, policy: policy).reduce(0) { $0 + $1.units }
  }

  /// Whether nothing counts any more.
  func isEmpty(now: Int64, policy: Policy) -> Bool {
    ownUnits(since: now - Self.replyMilliseconds, policy: policy) == 0 && toldUnits(now: now, policy: policy) == 0
  }

  /// Decides about `cost` units without Redis.
  /// - Parameters:
  ///   - limit: nil never denies.
  ///   - share: what this process may grant by itself.
  func decide(_ cost: Int64, now: Int64, policy: Policy, limit: Int64?, share: Int64) -> PackedWindow.Verdict {
    guard let limit else { return .passes }
    guard cost <= limit else { return .costExceedsLimit }
    let mine = ownUnits(since: now, policy: policy)
    return mine + cost <= share && mine + toldUnits(now: now, policy: policy) + cost <= limit ? .passes : .full
  }

  /// Takes units without Redis.
  mutating func take(_ cost: Int64, now: Int64, policy: Policy) {
    own.removeAll { $0.countsAt <= now - policy.windowMilliseconds - Self.replyMilliseconds }
    let end = Self.cellEnd(now, policy)
    if let last = own.last, last.countsAt == end {
      own[own.count - 1].units = last.units.addingReportingOverflow(cost).overflow ? .max : last.units + cost
    } else {
      own.append(Grant(countsAt: end, units: cost))
    }
  }

  /// Gives back units that were taken without Redis at `then`, unless they have returned meanwhile.
  mutating func giveBack(_ cost: Int64, takenAt then: Int64, policy: Policy) {
    let end = Self.cellEnd(then, policy)
    guard let place = own.firstIndex(where: { $0.countsAt == end && $0.units >= cost }) else { return }
    own[place].units -= cost
    if own[place].units == 0 { own.remove(at: place) }
  }

  private static func cellEnd(_ now: Int64, _ policy: Policy) -> Int64 {
    let cell = now * policy.cells / policy.windowMilliseconds
    return ((cell + 1) * policy.windowMilliseconds + policy.cells - 1) / policy.cells
  }

  /// Where the subject stands; `limit` is what `remaining` is counted from.
  func standing(now: Int64, policy: Policy, limit: Int64, share: Int64, exceeded: Bool) -> PolicyStanding {
    let mine = ownUnits(since: now, policy: policy)
    let all = mine + toldUnits(now: now, policy: policy)
    let remaining = max(0, min(limit - all, share - mine))
    // The first unit that returns may change nothing where more than the limit counts.
    let reset = all == 0 ? 0 : seconds(now: now, policy: policy, limit: limit, share: share) { $0 > remaining }
    return PolicyStanding(
      policy: policy.name, limit: min(limit, share), windowSeconds: policy.windowSeconds, remaining: remaining, resetSeconds: reset,
      exceeded: exceeded, shadow: policy.shadow)
  }

  /// Whole seconds, rounded up, until `cost` units fit; nil if they never can.
  func retryAfterSeconds(_ cost: Int64, now: Int64, policy: Policy, limit: Int64, share: Int64) -> Int? {
    guard cost <= limit else { return nil }
    guard cost <= share else { return Int(policy.windowSeconds) }
    return seconds(now: now, policy: policy, limit: limit, share: share) { $0 >= cost }
  }

  /// Whole seconds until as much is left as `isEnough` asks for; 0 if it is now, or never.
  private func seconds(now: Int64, policy: Policy, limit: Int64, share: Int64, _ isEnough: (Int64) -> Bool) -> Int {
    var mine = ownUnits(since: now, policy: policy)
    var all = mine + toldUnits(now: now, policy: policy)
    func left() -> Int64 { max(0, min(limit - all, share - mine)) }
    if isEnough(left()) { return 0 }
    let ofTold = told.returns(nowMilliseconds: now + ahead, policy: policy).map {
      (at: $0.atMilliseconds - ahead, units: $0.units, isMine: false)
    }
    let ofMine = own.filter { $0.countsAt > now - policy.windowMilliseconds }.map {
      (at: $0.countsAt + policy.windowMilliseconds, units: $0.units, isMine: true)
    }
    for step in (ofTold + ofMine).sorted(by: { $0.at < $1.at }) {
      all -= step.units
      if step.isMine { mine -= step.units }
      if isEnough(left()) { return Int((max(1, step.at - now) + 999) / 1000) }
    }
    return 0
  }
}
