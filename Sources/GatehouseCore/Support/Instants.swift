/// RFC 3339 instants in UTC with three decimals, such as `2026-11-23T14:02:51.106Z`, and dates such as `2026-11-23`.
public enum Instants {
  /// The last instant that can be written: the end of the year 9999.
  public static let millisecondsMax: Int64 = 253_402_300_799_999

  /// The length of every text, in bytes.
  public static let textLength = 24

  /// The text of an instant from 1970 to 9999.
  public static func text(_ milliseconds: Int64) -> String {
    String(unsafeUninitializedCapacity: textLength) { room in
      var text = OutputSpan(buffer: room, initializedCount: 0)
      write(milliseconds, to: &text)
      return text.finalize(for: room)
    }
  }

  /// Appends the text of an instant from 1970 to 9999, for which there must be room.
  public static func write(_ milliseconds: Int64, to text: inout OutputSpan<UInt8>) {
    let clamped = min(max(0, milliseconds), millisecondsMax)
    let (year, month, day) = civil(clamped / Day.milliseconds)
    let time = clamped % Day.milliseconds
    put(year / 100, year % 100, "-", to: &text)
    put(month, "-", to: &text)
    put(day, "T", to: &text)
    put(time / 3_600_000, ":", to: &text)
    put(time / 60_000 % 60, ":", to: &text)
    put(time / 1000 % 60, ".", to: &text)
    text.append(digit(time / 100 % 10))
    put(time % 100, "Z", to: &text)
  }

  private static func put(_ hundreds: Int64, _ rest: Int64, _ mark: Unicode.Scalar, to text: inout OutputSpan<UInt8>) {
    text.append(digit(hundreds / 10))
    text.append(digit(hundreds % 10))
    put(rest, mark, to: &text)
  }

  private static func put(_ number: Int64, _ mark: Unicode.Scalar, to text: inout OutputSpan<UInt8>) {
    text.append(digit(number / 10))
    text.append(digit(number % 10))
    text.append(UInt8(ascii: mark))
  }

  private static func digit(_ value: Int64) -> UInt8 { UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value) }

  /// The UTC date of an instant.
  public static func date(_ milliseconds: Int64) -> String {
    let (year, month, day) = civil(min(max(0, milliseconds), millisecondsMax) / Day.milliseconds)
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }

  /// The instant that a text with `Z` or an offset names, nil if it names none between 1970 and 9999.
  public static func parse(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 20, bytes.count <= 35, bytes[10] == 0x54 || bytes[10] == 0x74, bytes[13] == 0x3a, bytes[16] == 0x3a,
      let day = dayNumber(String(decoding: bytes[0..<10], as: UTF8.self)), let hour = digits(bytes[11..<13]), hour < 24,
      let minute = digits(bytes[14..<16]), minute < 60, let second = digits(bytes[17..<19]), second < 60
    else { return nil }
    var rest = bytes[19...]
    var fraction: Int64 = 0
    if rest.first == 0x2e {
      let decimals = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
      guard (1...9).contains(decimals.count), let value = digits((Array(decimals) + [0x30, 0x30])[0..<3]) else { return nil }
      fraction = value
      rest = rest.dropFirst(1 + decimals.count)
    }
    guard let offset = offsetMinutes(rest) else { return nil }
    let milliseconds = day * Day.milliseconds + hour * 3_600_000 + (minute - offset) * 60_000 + second * 1000 + fraction
    return (0...millisecondsMax).contains(milliseconds) ? milliseconds : nil
  }

  /// The start of a UTC date written `yyyy-MM-dd`, nil if there is no such date.
  public static func parseDate(_ text: String) -> Int64? { dayNumber(text).map { $0 * Day.milliseconds } }

  private static func offsetMinutes(_ bytes: ArraySlice<UInt8>) -> Int64? {
    guard let sign = bytes.first else { return nil }
    if bytes.count == 1 { return sign == 0x5a || sign == 0x7a ? 0 : nil }
    let at = bytes.startIndex
    guard bytes.count == 6, sign == 0x2b || sign == 0x2d, bytes[at + 3] == 0x3a, let hours = digits(bytes[at + 1..<at + 3]), hours < 24,
      let minutes = digits(bytes[at + 4..<at + 6]), minutes < 60
    else { return nil }
    return (sign == 0x2b ? 1 : -1) * (hours * 60 + minutes)
  }

  private static func digits(_ bytes: ArraySlice<UInt8>) -> Int64? {
    guard bytes.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return bytes.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
  }

  private static func padded(_ number: Int64, _ width: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }

  private static func dayNumber(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    guard bytes.count == 10, bytes[4] == 0x2d, bytes[7] == 0x2d, let year = digits(bytes[0..<4]), let month = digits(bytes[5..<7]),
      let day = digits(bytes[8..<10]), (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    let number = days(year, month, day)
    return civil(number) == (year, month, day) ? number : nil
  }

  // Civil dates by counting from 0000-03-01, so that leap days end their year; a cycle of 400 years has 146,097 days.
  private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let yearOfEra = shifted % 400
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func civil(_ days: Int64) -> (Int64, Int64, Int64) {
    let number = days + 719_468
    let era = number / 146_097
    let dayOfEra = number % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = (shiftedMonth + 2) % 12 + 1
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }
}
