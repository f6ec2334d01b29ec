/// Which lines may be written: so many at once, and from then on so many a second. Lines that are left out are counted, and told with a later
/// line, once a second at most. Pure.
struct LineAllowance: Sendable {
  private static let tellInterval: Duration = .seconds(1)

  private let burst: Double
  private let perSecond: Double
  private var left: Double
  private var seen: ContinuousClock.Instant?
  private var told: ContinuousClock.Instant?
  private var leftOut = 0

  init(burst: Int, perSecond: Int) {
    (self.burst, self.perSecond, left) = (Double(burst), Double(perSecond), Double(burst))
  }

  /// nil if the line is to be left out; else how many were left out before it and are to be told now.
  mutating func take(at now: ContinuousClock.Instant) -> Int? {
    if let seen { left = min(burst, left + max(0, seen.duration(to: now) / .seconds(1)) * perSecond) }
    seen = now
    guard left >= 1 else {
      leftOut += 1
      return nil
    }
    left -= 1
    if let told, told.duration(to: now) < Self.tellInterval { return 0 }
    guard leftOut > 0 else { return 0 }
    told = now
    defer { leftOut = 0 }
    return leftOut
  }
}
