import GatehouseCore

/// Durations as people write them: a whole number and a unit, such as `90d`, `24h`, `15m` or `30s`.
enum DurationText {
  private static let units: [(Character, Int64)] = [("d", Day.seconds), ("h", 3_600), ("m", 60), ("s", 1)]

  /// The seconds that `text` names, nil if it names none.
  static func seconds(_ text: String) -> Int64? {
    guard let unit = text.last, let factor = units.first(where: { $0.0 == unit })?.1 else { return nil }
    let digits = text.dropLast()
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int64(digits) else { return nil }
    let (seconds, overflow) = number.multipliedReportingOverflow(by: factor)
    return overflow ? nil : seconds
  }

  /// The shortest exact text of a whole number of seconds.
  static func text(seconds: Int64) -> String {
    let unit = units.first { seconds != 0 && seconds % $0.1 == 0 } ?? ("s", 1)
    return "\(seconds / unit.1)\(unit.0)"
  }

  /// A span for the eye: its two largest units, rounded up to a second, such as `23 h 14 min`.
  static func words(milliseconds: Int64) -> String {
    let seconds = (max(0, milliseconds) + 999) / 1000
    let parts = [("d", seconds / Day.seconds), ("h", seconds / 3_600 % 24), ("min", seconds / 60 % 60), ("s", seconds % 60)]
    let first = parts.firstIndex { $0.1 > 0 } ?? 3
    return parts[first...].prefix(2).filter { $0.1 > 0 || seconds == 0 }.map { "\($0.1) \($0.0)" }.joined(separator: " ")
  }
}
