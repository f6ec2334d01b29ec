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
    var number = [UInt32](repeating: 0, count: (byteCount + 3) / 4)
    for character in text {
      guard let digit = value(character) else { return nil }
      var carry = UInt64(digit)
      for index in number.indices.reversed() {
        let part = UInt64(number[index]) * 62 + carry
        number[index] = UInt32(truncatingIfNeeded: part)
        carry = part >> 32
      }
      guard carry == 0 else { return nil }
    }
    let bytes = number.flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) } }
    let spare = bytes.count - byteCount
    guard bytes.prefix(spare).allSatisfy({ $0 == 0 }) else { return nil }
    return Array(bytes.dropFirst(spare))
  }

  /// Whether a byte is a letter or a digit.
  static func isDigit(_ byte: UInt8) -> Bool { value(byte) != nil }

  private static func value(_ character: UInt8) -> UInt8? {
    switch character {
    case 0x30...0x39: character - 0x30
    case 0x41...0x5a: character - 0x41 + 10
    case 0x61...0x7a: character - 0x61 + 36
    default: nil
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
