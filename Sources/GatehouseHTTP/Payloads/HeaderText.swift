/// A stored text as the value of a header field, which can hold visible ASCII alone.
///
/// All but visible ASCII, `%`, and spaces at either end are percent-encoded, each byte of the UTF-8 as `%` and two upper-case digits.
/// Decoding it gives the text again, so no two texts have one value; spaces within stay as they are.
enum HeaderText {
  private static let digits = Array("0123456789ABCDEF".utf8)

  static func encoded(_ text: String) -> String {
    var encoded: [UInt8] = []
    encode(text, into: &encoded)
    return String(decoding: encoded, as: UTF8.self)
  }

  static func encode(_ text: String, into encoded: inout [UInt8]) {
    var text = text
    text.withUTF8 { bytes in
      let space = UInt8(ascii: " ")
      if let first = bytes.first, let last = bytes.last, first != space, last != space, bytes.allSatisfy({ isPlain($0) || $0 == space }) {
        encoded.append(contentsOf: bytes)
        return
      }
      let inner = (bytes.firstIndex { $0 != space } ?? bytes.count)...(bytes.lastIndex { $0 != space } ?? bytes.count)
      for (index, byte) in bytes.enumerated() {
        if isPlain(byte) || byte == space && inner.contains(index) {
          encoded.append(byte)
        } else {
          encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
      }
    }
  }

  private static func isPlain(_ byte: UInt8) -> Bool { (0x21...0x7e).contains(byte) && byte != UInt8(ascii: "%") }
}
