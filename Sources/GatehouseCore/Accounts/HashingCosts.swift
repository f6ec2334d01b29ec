import GatehouseCrypto

/// The cost of hashing on this machine now, which says when an answer about a password may leave. It decides; the clock and the work are
/// its caller's.
///
/// Passwords wait in a simulated queue. It has as many servers as there are threads for hashing, and each takes as long as the dearest hash
/// of the ledger would. The true queue moves faster, so an answer is ready when its simulated turn is over. That turn depends on when
/// passwords came, and on nothing that they are compared with.
struct HashingCosts: Sendable {
  /// No password is given more than this, whatever its hash: it is what a login waits for a thread at most.
  static let spanMax = Passwords.patience
  /// How far the simulated queue may run ahead of the clock. Beyond it so many wait that a wait tells nothing.
  static let aheadMax: Duration = .seconds(1)
  /// The time around the hash: reading the account, waking up.
  static let around: Duration = .milliseconds(2)
  /// Over what was measured.
  private static let margin = 1.1
  /// A thread that stands back (nice 15) gets at least a thirtieth of a core beside one that does not.
  private static let slownessMax = 30.0
  private static let samplesMax = 32
  private static let sampleAgeMax: Duration = .seconds(60)

  /// The time that each of `inForce` takes by itself.
  private var alone: [PasswordCost: Duration] = [:]
  /// The dearest cost of each scheme that a password may be verified by.
  private(set) var inForce: Set<PasswordCost> = []
  /// How much slower than alone hashing was lately, the newest last.
  private var slowness: [(at: ContinuousClock.Instant, times: Double)] = []
  /// Hashes that are cheap beside the dearest are taken together, since one of them says little about the load on a dear one.
  private var batch = (alone: Duration.zero, taken: Duration.zero)
  /// When each server of the simulated queue is free.
  private var free: [ContinuousClock.Instant]
  private(set) var hasBooked = false

  init(threads: Int) { free = Array(repeating: .now, count: max(1, threads)) }

  /// The costs that must be calibrated before these are `believe`d.
  func unknown(among costs: Set<PasswordCost>) -> Set<PasswordCost> { costs.filter { alone[$0] == nil } }

  /// From now on passwords may be verified by these, and by cheaper ones of the same schemes.
  mutating func believe(_ costs: Set<PasswordCost>) {
    inForce = costs
    alone = alone.filter { costs.contains($0.key) }
  }

  /// - Parameter runs: how long verifying took, several times.
  mutating func calibrate(_ cost: PasswordCost, runs: [Duration]) {
    guard !runs.isEmpty else { return }
    alone[cost] = runs.sorted()[runs.count / 2]
  }

  /// The dearest hash, and what it takes by itself.
  var dearest: (cost: PasswordCost, alone: Duration)? {
    inForce.compactMap { cost in alone[cost].map { (cost, $0) } }.max { $0.1 < $1.1 }
  }

  /// Notes how long verifying took.
  mutating func observe(_ cost: PasswordCost, taken: Duration, at now: ContinuousClock.Instant) {
    guard let dearest, let expected = expected(cost), expected > .zero else { return }
    batch = (batch.alone + expected, batch.taken + taken)
    guard batch.alone >= dearest.alone / 2 else { return }
    if slowness.count == Self.samplesMax { slowness.removeFirst() }
    slowness.append((now, batch.taken / batch.alone))
    batch = (.zero, .zero)
  }

  private func expected(_ cost: PasswordCost) -> Duration? {
    if let known = alone[cost] { return known }
    // Within a scheme time goes with work.
    guard let like = inForce.first(where: { $0.scheme == cost.scheme }), let known = alone[like] else { return nil }
    return known * (Double(cost.work) / Double(like.work))
  }

  /// How much longer than by itself a hash takes now: the second worst of the last minute, since a single one may have been held up by
  /// what does not come again; the newest where the last minute has none.
  private func load(at now: ContinuousClock.Instant) -> Double {
    let recent = slowness.filter { $0.at.duration(to: now) < Self.sampleAgeMax }.map(\.times).sorted()
    let times = recent.count > 1 ? recent[recent.count - 2] : slowness.last?.times ?? 1
    return min(times, Self.slownessMax)
  }

  /// The longest time that verifying a password takes, as far as is known.
  func span(at now: ContinuousClock.Instant) -> Duration {
    guard let dearest else { return .zero }
    return min(dearest.alone * (load(at: now) * Self.margin), Self.spanMax)
  }

  /// No answer about a password leaves before this.
  func floor(at now: ContinuousClock.Instant, minimum: Duration) -> Duration { max(minimum, span(at: now) + Self.around) }

  /// Takes a turn in the simulated queue: when the answer may leave.
  mutating func book(at now: ContinuousClock.Instant, minimum: Duration) -> ContinuousClock.Instant {
    hasBooked = true
    let span = span(at: now)
    let server = free.indices.min { free[$0] < free[$1] } ?? 0
    let begin = min(max(free[server], now), now + Self.aheadMax)
    free[server] = begin + span
    return max(begin + span + Self.around, now + minimum)
  }

  /// Whether passwords came since this was asked before.
  mutating func wasUsed() -> Bool {
    defer { hasBooked = false }
    return hasBooked
  }
}
