/// Bytes as letters and digits of a fixed length: nothing to escape in a header, a URL or a log, and one double click selects it.
///
/// The bytes are read as one big-endian number and written in base 62, digits before capitals before small letters, zeros in front.
public enum Base62 {
  private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

  /// The number that `bytes` are, modulo 62^`length`, in exactly `length` characters. 43 characters hold 32 bytes whole.
  public static func encode(_ bytes: [UInt8], length: Int) -> [UInt8] {
    var number = words(bytes)
    var text = [UInt8](repeating: alphabet[0], count: length)
    for place in text.indices.reversed() {
      var remainder: UInt64 = 0
      for index in number.indices {
        let part = remainder << 32 | UInt64(number[index])
        number[index] = UInt32(part / 62)
        remainder = part % 62
      }
      text[place] = alphabet[Int(remainder)]
    }
    return text
  }

  /// The `byteCount` bytes whose number `text` spells; nil for any other character, or a number that needs more bytes.
  public static func decode(_ text: some Collection<UInt8>, byteCount: Int) -> [UInt8]? {
    var number = [UInt64](repeating: 0, count: (byteCount + 7) / 8)
    var (chunk, scale): (UInt64, UInt64) = (0, 1)
    for character in text {
      let digit = value(character)
      guard digit < 62 else { return nil }
      chunk = chunk * 62 + UInt64(digit)
      scale *= 62
      // 62^10 is the greatest power that 64 bits hold.
      guard scale > UInt64.max / 62 else { continue }
      guard add(chunk, times: scale, to: &number) else { return nil }
      (chunk, scale) = (0, 1)
    }
    guard add(chunk, times: scale, to: &number) else { return nil }
    let spare = 8 * number.count - byteCount
    var bytes = [UInt8](repeating: 0, count: byteCount)
    for at in 0..<8 * number.count {
      let byte = UInt8(truncatingIfNeeded: number[at / 8] >> UInt64(56 - at % 8 * 8))
      if at >= spare { bytes[at - spare] = byte } else if byte != 0 { return nil }
    }
    return bytes
  }

  /// `number` times `scale`, plus `chunk`; false if that needs more words.
  private static func add(_ chunk: UInt64, times scale: UInt64, to number: inout [UInt64]) -> Bool {
    var carry = chunk
    for index in number.indices.reversed() {
      let part = number[index].multipliedFullWidth(by: scale)
      let (low, overflows) = part.low.addingReportingOverflow(carry)
      number[index] = low
      carry = part.high &+ (overflows ? 1 : 0)
    }
    return carry == 0
  }

  /// Whether a byte is a letter or a digit.
  @inline(__always) static func isDigit(_ byte: UInt8) -> Bool { value(byte) < 62 }

  /// The digit that a character is; 62 for any other.
  @inline(__always) private static func value(_ character: UInt8) -> UInt8 {
    switch character {
    case 0x30...0x39: character - 0x30
    case 0x41...0x5a: character - 0x41 + 10
    case 0x61...0x7a: character - 0x61 + 36
    default: 62
    }
  }

  /// The character of a digit less than 62.
  @inline(__always) static func character(_ digit: UInt64) -> UInt8 {
    switch digit {
    case ..<10: 0x30 + UInt8(digit)
    case ..<36: 0x41 + UInt8(digit - 10)
    default: 0x61 + UInt8(truncatingIfNeeded: digit - 36)
    }
  }

  /// Big-endian words of 32 bits, zeros in front.
  private static func words(_ bytes: [UInt8]) -> [UInt32] {
    var words = [UInt32](repeating: 0, count: (bytes.count + 3) / 4)
    let spare = 4 * words.count - bytes.count
    for (at, byte) in bytes.enumerated() { words[(at + spare) / 4] = words[(at + spare) / 4] << 8 | UInt32(byte) }
    return words
  }
}
