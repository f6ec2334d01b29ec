extension Parser {
  /// The text that starts at the quote under the cursor.
  mutating func string() throws(JSONError) -> String {
    position += 1
    let start = position
    while let byte = peek() {
      if byte == UInt8(ascii: "\"") {
        let text = String(decoding: source[start..<position], as: UTF8.self)
        position += 1
        return text
      }
      if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
      guard byte >= 0x20 else { throw fault(.controlCharacter) }
      position += 1
    }
    throw fault(.unexpectedEnd)
  }

  /// Goes on at the first backslash of a text that began at `start`.
  private mutating func escapedString(from start: Int) throws(JSONError) -> String {
    var bytes = Array(source[start..<position])
    while let byte = peek() {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return String(decoding: bytes, as: UTF8.self)
      case UInt8(ascii: "\\"):
        bytes.append(contentsOf: try escape().utf8)
      case ..<0x20:
        throw fault(.controlCharacter)
      default:
        bytes.append(byte)
        position += 1
      }
    }
    throw fault(.unexpectedEnd)
  }

  private mutating func escape() throws(JSONError) -> String {
    let start = position
    position += 1
    guard let kind = peek() else { throw fault(.unexpectedEnd) }
    position += 1
    switch kind {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return String(Character(try unicodeEscape(from: start)))
    default: throw fault(.invalidEscape, at: start)
    }
  }

  /// The scalar of `\uXXXX`, or of two of them that form a surrogate pair; the cursor is behind the first `u`.
  private mutating func unicodeEscape(from start: Int) throws(JSONError) -> Unicode.Scalar {
    let first = try fourHexDigits(from: start)
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard (0xD800..<0xDC00).contains(first), take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
      throw fault(.loneSurrogate, at: start)
    }
    let second = try fourHexDigits(from: start)
    guard (0xDC00..<0xE000).contains(second), let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) else {
      throw fault(.loneSurrogate, at: start)
    }
    return scalar
  }

  private mutating func fourHexDigits(from start: Int) throws(JSONError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek() else { throw fault(.unexpectedEnd) }
      guard let digit = hexDigit(byte) else { throw fault(.invalidEscape, at: start) }
      value = value << 4 | digit
      position += 1
    }
    return value
  }

  private func hexDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A")) + 10
    default: nil
    }
  }
}
