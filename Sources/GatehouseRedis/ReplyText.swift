/// The bytes of a script's answer, read from the front word by word without a copy. It must not outlive the bytes.
struct ReplyText {
  enum Separator: UInt8 { case blank = 0x20, newline = 0x0a, bar = 0x7c }

  /// The bytes that are left.
  private(set) var bytes: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var isEmpty: Bool { bytes.isEmpty }
  var count: Int { bytes.count }

  /// Takes what stands before the next separator, and the separator; nil, and nothing taken, without one. `orEnd` takes the rest then,
  /// if there is one.
  mutating func word(before separator: Separator, orEnd: Bool = false) -> ReplyText? {
    guard let at = bytes.firstIndex(of: separator.rawValue) else { return orEnd && !isEmpty ? take(count) : nil }
    let word = ReplyText(UnsafeRawBufferPointer(rebasing: bytes[..<at]))
    bytes = UnsafeRawBufferPointer(rebasing: bytes[(at + 1)...])
    return word
  }

  /// Takes so many bytes; nil, and nothing taken, if there are fewer.
  mutating func take(_ count: Int) -> ReplyText? {
    guard count >= 0, count <= bytes.count else { return nil }
    let taken = ReplyText(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
    bytes = UnsafeRawBufferPointer(rebasing: bytes[count...])
    return taken
  }

  /// Takes Redis's time, seconds and microseconds with a blank behind each, in milliseconds.
  mutating func time() -> Int64? {
    guard let seconds = word(before: .blank)?.number, let micros = word(before: .blank)?.number else { return nil }
    let (whole, isTooLarge) = seconds.multipliedReportingOverflow(by: 1000)
    let (sum, overflows) = whole.addingReportingOverflow(micros / 1000)
    return isTooLarge || overflows ? nil : sum
  }

  /// The number that all of it spells, which has no sign; nil for anything else.
  var number: Int64? {
    guard !isEmpty else { return nil }
    var number: Int64 = 0
    for byte in bytes {
      let digit = byte &- 0x30
      guard digit < 10 else { return nil }
      let (tens, isTooLarge) = number.multipliedReportingOverflow(by: 10)
      let (sum, overflows) = tens.addingReportingOverflow(Int64(digit))
      guard !isTooLarge, !overflows else { return nil }
      number = sum
    }
    return number
  }

  var string: String { String(decoding: bytes, as: UTF8.self) }

  func spells(_ text: String) -> Bool { text.utf8.count == bytes.count && bytes.elementsEqual(text.utf8) }

  /// The value that it spells; nil for any other word.
  func value<Value: CaseIterable & RawRepresentable<String>>(_ type: Value.Type) -> Value? {
    Value.allCases.first { spells($0.rawValue) }
  }
}
