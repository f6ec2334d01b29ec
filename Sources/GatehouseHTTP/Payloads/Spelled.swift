/// Numbers as sentences for people say them.
enum Spelled {
  /// A size in bytes as whole KiB, such as `8 KiB`.
  static func kibibytes(_ bytes: Int) -> String { "\(bytes / 1_024) KiB" }

  /// A span as whole minutes, such as `15 minutes`.
  static func minutes(_ milliseconds: Int64) -> String { "\(milliseconds / 60_000) minutes" }

  /// A span as whole hours, such as `24 hours`.
  static func hours(_ milliseconds: Int64) -> String { "\(milliseconds / 3_600_000) hours" }

  /// A count with a comma before each three digits, such as `1,000`.
  static func count(_ count: Int) -> String {
    var text = ""
    for (place, digit) in String(count).reversed().enumerated() {
      if place > 0, place % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return String(text.reversed())
  }
}
