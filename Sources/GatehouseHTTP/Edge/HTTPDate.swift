import GatehouseCore
import Glibc
import Synchronization

/// Instants as HTTP writes them (IMF-fixdate of RFC 9110).
enum HTTPDate {
  private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  /// The field of the present second, written once for it.
  private static let present = Mutex<(seconds: Int, line: [UInt8])>((-1, []))

  /// The present, such as `Tue, 24 Nov 2026 02:57:24 GMT`.
  static func now() -> String { text(seconds: time(nil)) }

  /// Appends the whole `Date` field of the present, with its line end.
  static func appendLine(to bytes: inout [UInt8]) {
    let seconds = time(nil)
    let line = present.withLock { present in
      if present.seconds != seconds { present = (seconds, Array("Date: \(text(seconds: seconds))\r\n".utf8)) }
      return present.line
    }
    bytes.append(contentsOf: line)
  }

  /// `seconds` since 1970 UTC, at least 0.
  static func text(seconds: Int) -> String {
    var parts = tm()
    var instant = time_t(seconds)
    gmtime_r(&instant, &parts)
    let day = days[seconds / Int(Day.seconds) % days.count]
    let month = months[Int(parts.tm_mon) % months.count]
    return "\(day), \(two(parts.tm_mday)) \(month) \(1_900 + Int(parts.tm_year)) "
      + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
  }

  private static func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : String(number) }
}
