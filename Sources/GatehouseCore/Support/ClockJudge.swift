/// Decides what time it is from clocks that may be wrong: Redis TIME, the host's wall clock, the newest stamp of the ledger.
///
/// The boot-time clock, which nobody can set, carries time on from the last reading that was believed. A reading that jumps away from
/// that time is an alarm and not a fact: Redis is not used until its clock agrees again, or an operator accepts the new time.
///
/// Instants are milliseconds since 1970 UTC; `boot` is milliseconds of the boot-time clock.
public struct ClockJudge: Sendable, Hashable {
  /// A reading further than this from the time that is carried on is an alarm.
  public static let stepMaxMilliseconds: Int64 = 10_000
  /// How much two honest clocks drift apart: one part in so many, on top of the step.
  static let driftParts: Int64 = 1_000
  /// Readings are compared with one line for so long, so that many small steps add up to an alarm too.
  static let baseMilliseconds: Int64 = 3_600_000
  /// An alarm ends when Redis has agreed for so long, on every connection.
  static let calmMilliseconds: Int64 = 2_000
  /// At a start without a line of this boot: a clock that is further ahead of the ledger needs a second clock that says the same.
  static let gapMaxMilliseconds: Int64 = 3_600_000
  /// Nothing is removed for so long after an alarm that ended by itself.
  static let quietAfterAlarmMilliseconds: Int64 = 600_000
  /// Nothing is removed for so long after time jumped: an operator accepted it, or a start found no line of this boot.
  static let quietAfterJumpMilliseconds = Day.milliseconds
  /// 2025-01-01: no clock that is right says less.
  static let earliestMilliseconds: Int64 = 1_735_689_600_000

  /// A time, and what the boot-time clock said then.
  public struct Line: Sendable, Hashable {
    /// The time, in milliseconds since 1970 UTC.
    public let milliseconds: Int64
    /// The boot-time clock at that time, in milliseconds; it means nothing after a restart of the host.
    public let boot: Int64
    /// A line through one reading of both clocks.
    public init(milliseconds: Int64, boot: Int64) {
      self.milliseconds = milliseconds
      self.boot = boot
    }
    func at(_ boot: Int64) -> Int64 { milliseconds + boot - self.boot }
  }

  /// The line with which Redis's readings are compared; nil until one was believed.
  private var base: Line?
  /// The last reading that was believed.
  private var line: Line?
  /// The ledger's newest stamp, carried on; nil for an empty ledger.
  private var floor: Line?
  /// The host's wall clock when it was first plausible. It is carried on: later steps of it count for nothing.
  private var wall: Line
  private var lastBadBoot: Int64?
  private var quietUntilBoot: Int64?
  /// How far Redis's clock was from the time that is carried on, at its last reading.
  public private(set) var redisOffsetMilliseconds: Int64?
  /// How far the host's clock was from the time that is carried on, at its last reading.
  public private(set) var hostOffsetMilliseconds: Int64 = 0

  /// A judge that has heard no Redis: time goes on from the host's wall clock until a better one is known.
  public init(wallMilliseconds: Int64, boot: Int64) { wall = Line(milliseconds: Self.bounded(wallMilliseconds), boot: boot) }

  /// Whether Redis's clock can't be believed now.
  public var isAlarmed: Bool { lastBadBoot != nil }

  /// The time.
  public func now(at boot: Int64) -> Int64 { line?.at(boot) ?? start(at: boot) }

  /// Whether nothing may be removed for its age now.
  public func isQuiet(at boot: Int64) -> Bool { isAlarmed || boot < quietUntilBoot ?? boot }

  /// Until when nothing is removed; nil when rows may go.
  public func quietUntilMilliseconds(at boot: Int64) -> Int64? {
    quietUntilBoot.flatMap { boot < $0 ? now(at: boot) + $0 - boot : nil }
  }

  /// The line to go on from after a restart; nil while none is believed.
  public func agreedLine(at boot: Int64) -> Line? { base == nil || isAlarmed ? nil : Line(milliseconds: now(at: boot), boot: boot) }

  /// Whether the host's clock is further away than a step.
  public var isHostWrong: Bool { abs(hostOffsetMilliseconds) > Self.stepMaxMilliseconds }

  // MARK: readings

  /// Redis said what time it is. Whether that may be used, with whatever was decided by it.
  public mutating func heard(redisMilliseconds reading: Int64, at boot: Int64) -> Bool {
    let reading = Self.bounded(reading)
    guard let base else { return first(reading, at: boot) }
    redisOffsetMilliseconds = reading - now(at: boot)
    let carried = max(0, boot - base.boot)
    guard abs(reading - base.at(boot)) <= Self.stepMaxMilliseconds + carried / Self.driftParts else {
      lastBadBoot = boot
      return false
    }
    if let last = lastBadBoot {
      guard boot - last >= Self.calmMilliseconds else { return false }
      lastBadBoot = nil
      quietUntilBoot = max(quietUntilBoot ?? boot, boot + Self.quietAfterAlarmMilliseconds)
    }
    let next = Line(milliseconds: reading, boot: boot)
    line = next
    if carried >= Self.baseMilliseconds { self.base = next }
    return true
  }

  /// The host's wall clock was read. It is believed only at a start, and only once.
  public mutating func saw(hostMilliseconds reading: Int64, at boot: Int64) {
    let reading = Self.bounded(reading)
    if base == nil, !isPlausible(wall.at(boot), at: boot), isPlausible(reading, at: boot) { wall = Line(milliseconds: reading, boot: boot) }
    hostOffsetMilliseconds = reading - now(at: boot)
  }

  /// The ledger holds this stamp: until Redis is heard, time is not before it.
  public mutating func atLeast(ledgerMilliseconds stamp: Int64, at boot: Int64) {
    guard stamp > 0, stamp > floor?.at(boot) ?? 0 else { return }
    floor = Line(milliseconds: stamp, boot: boot)
  }

  /// A process of this boot left its line, or another one of the ledger accepted a time.
  public mutating func resume(_ line: Line, quietUntilMilliseconds: Int64, at boot: Int64) {
    base = line
    self.line = line
    lastBadBoot = nil
    redisOffsetMilliseconds = nil
    quietUntilBoot = nil
    stayQuiet(untilMilliseconds: quietUntilMilliseconds, at: boot)
  }

  /// Another boot's processes had a time to be quiet in that is not over.
  public mutating func stayQuiet(untilMilliseconds: Int64, at boot: Int64) {
    let left = untilMilliseconds - now(at: boot)
    if left > 0 { quietUntilBoot = max(quietUntilBoot ?? boot, boot + min(left, Self.quietAfterJumpMilliseconds)) }
  }

  // MARK: a start without a line of this boot

  private func start(at boot: Int64) -> Int64 {
    let wall = wall.at(boot)
    guard let floor else { return wall }
    return isPlausible(wall, at: boot) ? wall : floor.at(boot)
  }

  /// Neither before the ledger's newest stamp nor far ahead of it.
  private func isPlausible(_ reading: Int64, at boot: Int64) -> Bool {
    guard reading >= Self.earliestMilliseconds else { return false }
    guard let floor = floor?.at(boot) else { return true }
    return reading >= floor - Self.stepMaxMilliseconds && reading - floor <= Self.gapMaxMilliseconds
  }

  /// The first reading: believed unless it is before the ledger's stamps, or ahead of a wall clock that is not. Of two clocks that
  /// differ the earlier one opens no day too soon.
  private mutating func first(_ reading: Int64, at boot: Int64) -> Bool {
    let earliest = max(Self.earliestMilliseconds, floor?.at(boot) ?? 0) - Self.stepMaxMilliseconds
    let wall = wall.at(boot)
    redisOffsetMilliseconds = reading - now(at: boot)
    guard reading >= earliest, wall < earliest || reading - wall <= Self.stepMaxMilliseconds else {
      lastBadBoot = boot
      return false
    }
    if let floor = floor?.at(boot), reading - floor > Self.gapMaxMilliseconds {
      quietUntilBoot = boot + Self.quietAfterJumpMilliseconds
    }
    let next = Line(milliseconds: reading, boot: boot)
    (base, line, lastBadBoot) = (next, next, nil)
    return true
  }

  /// Readings come from outside: none can make a sum overflow.
  private static func bounded(_ milliseconds: Int64) -> Int64 { min(max(0, milliseconds), Instants.millisecondsMax) }
}
