/// A sliding window as one hash field holds it: a total, then (cell, count) pairs, oldest first, all unsigned 32-bit little-endian.
///
/// A cell counts in full until all of it is older than the window, so that at most `limit` units pass in any interval of its length.
/// Cell numbers are taken modulo 2^32 and compared by signed difference. This is the model of `window.lua`: both decide alike.
public struct PackedWindow: Sendable, Equatable {
  struct Cell: Equatable {
    var number: UInt32
    var count: UInt32
  }

  /// The outcome of a check.
  public enum Verdict: Int64, Sendable {
    /// The window has no room for the cost now.
    case full = 0
    /// The cost fits into the window.
    case passes = 1
    /// The cost is larger than the limit, and never fits.
    case costExceedsLimit = 2
  }

  private(set) var total: UInt32 = 0
  private(set) var units: [Cell] = []

  /// An empty window.
  public init() {}

  /// Reads a stored window; bytes of no whole number of cells are an empty one. A total that does not add up is healed as the script
  /// heals it: it ends with the last cell.
  public init(bytes: [UInt8]) {
    guard bytes.count >= 12, bytes.count % 8 == 4 else { return }
    func word(_ at: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << (8 * UInt32($1)) } }
    total = word(0)
    units = stride(from: 4, to: bytes.count, by: 8).map { Cell(number: word($0), count: word($0 + 4)) }
  }

  /// The cell that units were taken into last; nil of an empty window.
  var lastCell: UInt32? { units.last?.number }

  /// The stored form.
  public var bytes: [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(4 + 8 * units.count)
    func put(_ word: UInt32) {
      for shift in stride(from: UInt32(0), to: 32, by: 8) { out.append(UInt8(truncatingIfNeeded: word >> shift)) }
    }
    put(total)
    for cell in units {
      put(cell.number)
      put(cell.count)
    }
    return out
  }

  /// Decides about `cost` units at `now` and, unless `peek` or refused, takes them.
  public mutating func check(_ cost: Int64, nowMilliseconds now: Int64, policy: Policy, limit: Int64?, peek: Bool) -> Verdict {
    if let limit, cost > limit { return .costExceedsLimit }
    var trimmed = self
    let cell = trimmed.trim(nowMilliseconds: now, policy: policy)
    if let limit, Int64(trimmed.total) + cost > limit { return .full }
    guard !peek else { return .passes }
    // Without a limit the total ends at its largest value.
    let taken = min(UInt32(clamping: cost), UInt32.max - trimmed.total)
    trimmed.total += taken
    if let last = trimmed.units.last, last.number == cell {
      trimmed.units[trimmed.units.count - 1].count &+= taken
    } else {
      trimmed.units.append(Cell(number: cell, count: taken))
    }
    self = trimmed
    return .passes
  }

  /// Whether `cost` units would pass now.
  public func admits(_ cost: Int64, nowMilliseconds now: Int64, policy: Policy, limit: Int64) -> Bool {
    var copy = self
    return copy.check(cost, nowMilliseconds: now, policy: policy, limit: limit, peek: true) == .passes
  }

  /// Units left and the whole seconds (rounded up) until there are more; 0 when all are left.
  public func standing(nowMilliseconds now: Int64, policy: Policy, limit: Int64, exceeded: Bool) -> PolicyStanding {
    var live = self
    live.trim(nowMilliseconds: now, policy: policy)
    let remaining = max(0, limit - Int64(live.total))
    let reset = live.total == 0 ? 0 : live.secondsUntil(totalBelow: min(Int64(live.total), limit), nowMilliseconds: now, policy: policy)
    return PolicyStanding(
      policy: policy.name, limit: limit, windowSeconds: policy.windowSeconds, remaining: remaining, resetSeconds: reset,
      exceeded: exceeded, shadow: policy.shadow)
  }

  /// Whole seconds, rounded up, until `cost` units fit, exact to a cell; 0 if they fit now, nil if they never can.
  public func retryAfterSeconds(_ cost: Int64, nowMilliseconds now: Int64, policy: Policy, limit: Int64) -> Int? {
    guard cost <= limit else { return nil }
    var live = self
    live.trim(nowMilliseconds: now, policy: policy)
    if Int64(live.total) + cost <= limit { return 0 }
    return live.secondsUntil(totalBelow: limit - cost + 1, nowMilliseconds: now, policy: policy)
  }

  /// Units that return together, and when.
  public struct Return: Sendable, Equatable {
    /// The number of units that return at that instant.
    public let units: Int64
    /// The first instant at which they no longer count, by the clock that they were counted by.
    public let atMilliseconds: Int64
  }

  /// When the units that are taken at `now` return, the next first; exact to a cell.
  public func returns(nowMilliseconds now: Int64, policy: Policy) -> [Return] {
    var live = self
    live.trim(nowMilliseconds: now, policy: policy)
    return live.units.map { Return(units: Int64($0.count), atMilliseconds: Self.end(of: $0, nowMilliseconds: now, policy: policy)) }
  }

  /// The first instant at which a cell does not count any more.
  private static func end(of cell: Cell, nowMilliseconds now: Int64, policy: Policy) -> Int64 {
    let current = now * policy.cells / policy.windowMilliseconds
    let number = current + Int64(Int32(bitPattern: cell.number &- UInt32(truncatingIfNeeded: current)))
    return ((number + policy.cells + 1) * policy.windowMilliseconds + policy.cells - 1) / policy.cells
  }

  /// Drops what is older than the window, and what lies more than a window ahead (a clock that was wrong); the cell of now, which
  /// never lies before the last stored one.
  @discardableResult private mutating func trim(nowMilliseconds now: Int64, policy: Policy) -> UInt32 {
    var cell = UInt32(truncatingIfNeeded: now * policy.cells / policy.windowMilliseconds)
    var left = Int64(total)
    let cells = Int32(clamping: policy.cells)
    while let last = units.last, Int32(bitPattern: last.number &- cell) > cells {
      left -= Int64(last.count)
      units.removeLast()
    }
    if let last = units.last, Int32(bitPattern: last.number &- cell) > 0 { cell = last.number }
    let expired = units.prefix { Int32(bitPattern: cell &- $0.number) > cells }
    left -= expired.reduce(0) { $0 + Int64($1.count) }
    units.removeFirst(expired.count)
    if left < 0 || units.isEmpty {
      left = 0
      units = []
    }
    total = UInt32(clamping: left)
    return cell
  }

  /// Whole seconds until the total is below `bound`; 0 if it never is.
  private func secondsUntil(totalBelow bound: Int64, nowMilliseconds now: Int64, policy: Policy) -> Int {
    guard bound > 0 else { return 0 }
    var left = Int64(total)
    for (index, cell) in units.enumerated() {
      left -= Int64(cell.count)
      guard left < bound || index == units.count - 1 else { continue }
      return Int((max(1, Self.end(of: cell, nowMilliseconds: now, policy: policy) - now) + 999) / 1000)
    }
    return 0
  }
}
