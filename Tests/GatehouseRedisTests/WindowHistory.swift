import TestSupport

@testable import GatehouseCore

/// A seeded history of calls on several windows of one subject, with what the model says of each, and the two judges that know
/// nothing of the model: `GrantList` for what callers are told, and a sweep over the grants for the guarantee.
struct WindowHistory {
  struct Call {
    let policy: Policy
    let now: Int64
    let cost: Int64
    let limit: Int64
    let outcome: Outcome
    /// The standing that a caller must be told, where the judge looked.
    let standing: Standing?
  }

  struct Step {
    let words: String
    /// nil for a flush.
    let call: Call?
  }

  /// One interval that held more than the limit.
  struct Excess: Equatable {
    let field: String
    let units: Int64
    let limit: Int64
  }

  private struct Subject {
    let policy: Policy
    var limit: Int64
    var window = PackedWindow()
    var list: GrantList
    var sweep: GrantSweep

    mutating func flush() {
      window = PackedWindow()
      list = GrantList(policy: policy)
      sweep.flush()
    }
  }

  /// Odd lengths, so that a cell is no whole number of milliseconds; long, so that no key runs out while the test runs.
  private static let shapes: [(seconds: Int64, cells: Int64, limit: Int64)] = [
    (900, 60, 40), (3_600, 7, 10), (7_777, 13, 100), (86_400, 250, 300), (1_801, 1, 5), (900, 3, 3), (60, 250, 50),
  ]
  private static let origin: Int64 = 1_795_600_000_000
  /// Where the numbers of the cells of the last shape, 240 ms each, begin anew.
  private static let wrap: Int64 = (1 << 33) * 240

  private var random: SeededGenerator
  private var now = origin
  /// Time that has really passed: a clock that steps back takes none away.
  private var elapsed: Int64 = 0
  private var subjects: [Subject]
  private(set) var grants = 0
  private(set) var denials = 0
  private(set) var oracleLooks = 0
  private(set) var excess: Excess?
  var timelines: Int { subjects.reduce(0) { $0 + $1.sweep.timelines } }

  init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
    subjects = Self.shapes.map {
      let policy = Policy(name: "p", by: .subject, windowSeconds: $0.seconds, cells: $0.cells, limits: PlanLimits($0.limit))
      return Subject(policy: policy, limit: $0.limit, list: GrantList(policy: policy), sweep: GrantSweep(policy: policy))
    }
  }

  mutating func next() -> Step {
    moveClock()
    if chance(2_000) {
      for index in subjects.indices { subjects[index].flush() }
      return Step(words: "flush", call: nil)
    }
    let index = Int.random(in: subjects.indices, using: &random)
    if chance(40) { subjects[index].limit = Int64.random(in: 0...2 * (Self.shapes[index].limit), using: &random) }
    var subject = subjects[index]
    defer { subjects[index] = subject }
    return call(&subject)
  }

  private mutating func call(_ subject: inout Subject) -> Step {
    let policy = subject.policy
    let peek = chance(8)
    let unlimited = chance(50)
    let cost = chance(4) ? Int64.random(in: 1...max(1, subject.limit + 2), using: &random) : Int64.random(in: 1...3, using: &random)
    let limit = subject.limit
    let verdict = subject.window.check(cost, nowMilliseconds: now, policy: policy, limit: unlimited ? nil : limit, peek: peek)
    let taken = verdict == .passes && !peek
    if taken {
      grants += 1
      // A clock that goes back by more than a window was wrong: what it had counted is dropped, by the rule, and a timeline ends.
      if subject.list.take(cost, now: now) { subject.sweep.flush() }
      let held = subject.sweep.take(cost, elapsed: elapsed)
      if !unlimited, held > limit { excess = excess ?? Excess(field: policy.fieldName, units: held, limit: limit) }
    } else {
      denials += 1
    }
    var standing: Standing?
    if chance(32) {
      oracleLooks += 1
      standing = subject.list.standing(cost, now: now, limit: limit)
    }
    let words = [
      String(now), peek ? "1" : "0", policy.fieldName, String(policy.windowMilliseconds), String(policy.cells),
      unlimited ? "-" : String(limit), String(cost), "0",
    ]
    return Step(
      words: words.joined(separator: " "),
      call: Call(
        policy: policy, now: now, cost: cost, limit: limit, outcome: Outcome(verdict, subject.window.storedBytes), standing: standing))
  }

  /// Mostly a little forward, sometimes back, rarely far: windows ahead, windows back, beyond the wrap of the cells' numbers.
  private mutating func moveClock() {
    let before = now
    switch Int.random(in: 0..<1_000, using: &random) {
    case 0..<300: break
    case 300..<900: now += Int64.random(in: 0...20_000, using: &random)
    case 900..<950: now -= Int64.random(in: 0...60_000, using: &random)
    case 950..<990: now += Int64.random(in: 0...1_000_000, using: &random)
    case 990..<994: now -= Int64.random(in: 0...4_000_000, using: &random)
    case 994..<997: now += Int64.random(in: 0...100_000_000, using: &random)
    case 997: now = Self.wrap - Int64.random(in: 0...60_000, using: &random)
    case 998: now = Self.origin + Int64.random(in: 0...1_000_000_000, using: &random)
    default: now = Self.origin + Int64.random(in: 0...20_000_000_000_000, using: &random)
    }
    elapsed += max(0, now - before)
  }

  private mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }
}

extension PackedWindow {
  /// The bytes that Redis holds: none before the first grant.
  var storedBytes: [UInt8] { self == PackedWindow() ? [] : bytes }
}

/// The rule as a list of grants with whole cell numbers: what is live at an instant is counted, and when that changes is found by
/// trying the instants.
struct GrantList {
  private let policy: Policy
  private var grants: [(cell: Int64, units: Int64)] = []

  init(policy: Policy) { self.policy = policy }

  /// Whether grants from more than a window ahead were dropped.
  mutating func take(_ units: Int64, now: Int64) -> Bool {
    let cell = cell(now)
    let dropsAhead = grants.contains { $0.cell - cell > policy.cells }
    grants = live(now)
    grants.append((max(cell, grants.last?.cell ?? cell), units))
    return dropsAhead
  }

  func standing(_ cost: Int64, now: Int64, limit: Int64) -> Standing {
    var present = self
    present.grants = live(now)
    return present.presentStanding(cost, now: now, limit: limit)
  }

  private func presentStanding(_ cost: Int64, now: Int64, limit: Int64) -> Standing {
    let left = remaining(now, limit)
    let instants = grants.map { freed($0.cell) }.filter { $0 > now }.sorted()
    let reset = instants.first { remaining($0, limit) > left }
    var retry: Int?
    if cost <= limit { retry = left >= cost && total(now) + cost <= limit ? 0 : seconds(instants.first { total($0) + cost <= limit }, now) }
    return Standing(remaining: left, reset: seconds(reset, now) ?? 0, retry: retry)
  }

  private func seconds(_ instant: Int64?, _ now: Int64) -> Int? { instant.map { Int(($0 - now + 999) / 1000) } }

  private func remaining(_ now: Int64, _ limit: Int64) -> Int64 { max(0, limit - total(now)) }

  private func total(_ now: Int64) -> Int64 { live(now).reduce(0) { $0 + $1.units } }

  private func live(_ now: Int64) -> [(cell: Int64, units: Int64)] {
    let kept = grants.filter { $0.cell - cell(now) <= policy.cells }
    let current = max(cell(now), kept.last?.cell ?? 0)
    return kept.filter { current - $0.cell <= policy.cells }
  }

  private func cell(_ now: Int64) -> Int64 { now * policy.cells / policy.windowMilliseconds }

  /// The first millisecond at which a cell no longer counts.
  private func freed(_ cell: Int64) -> Int64 {
    ((cell + policy.cells + 1) * policy.windowMilliseconds + policy.cells - 1) / policy.cells
  }
}

/// Two pointers over the grants of one timeline of Redis: how many units the window's length before a grant holds, itself included.
struct GrantSweep {
  private let policy: Policy
  private var grants: [(elapsed: Int64, units: Int64)] = []
  private var first = 0
  private var held: Int64 = 0
  private(set) var timelines = 1

  init(policy: Policy) { self.policy = policy }

  /// The key was lost.
  mutating func flush() {
    timelines += 1
    grants = []
    first = 0
    held = 0
  }

  mutating func take(_ units: Int64, elapsed: Int64) -> Int64 {
    grants.append((elapsed, units))
    held += units
    while grants[first].elapsed < elapsed - policy.windowMilliseconds {
      held -= grants[first].units
      first += 1
    }
    if first > 128 {
      grants.removeFirst(first)
      first = 0
    }
    return held
  }
}
