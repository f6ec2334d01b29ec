/// A change that is worth a line in the log. Offsets are milliseconds ahead of the service's time.
public enum ClockChange: Sendable, Equatable {
  /// Redis's clock has jumped by so much, and is not believed.
  case alarmed(offsetMilliseconds: Int64)
  /// Redis's clock is believed again.
  case agrees
  /// The host's clock is off by so much, and is not believed.
  case hostWrong(offsetMilliseconds: Int64)
  /// The host's clock is right again.
  case hostRight
}

/// Notices when a clock begins to lie and when it is right again; fed after every poll.
public struct ClockWatch: Sendable {
  private var isAlarmed = false
  private var isHostWrong = false

  /// A watch that takes all clocks for right until it is told otherwise.
  public init() {}

  /// The changes since the last look; empty mostly.
  public mutating func see(_ status: ClockStatus) -> [ClockChange] {
    var changes: [ClockChange] = []
    if status.isAlarmed != isAlarmed {
      changes.append(status.isAlarmed ? .alarmed(offsetMilliseconds: status.redisOffsetMilliseconds ?? 0) : .agrees)
    }
    if status.isHostWrong != isHostWrong {
      changes.append(status.isHostWrong ? .hostWrong(offsetMilliseconds: status.hostOffsetMilliseconds) : .hostRight)
    }
    (isAlarmed, isHostWrong) = (status.isAlarmed, status.isHostWrong)
    return changes
  }
}
