/// A stored text as the value of a header field, which can hold visible ASCII alone.
///
/// All but visible ASCII, `%`, and spaces at either end are percent-encoded, each byte of the UTF-8 as `%` and two upper-case digits.
/// Decoding it gives the text again, so no two texts have one value; spaces within stay as they are.
enum HeaderText {
  private static let digits = Array("0123456789ABCDEF".utf8)

  static func encoded(_ text: String) -> String {
    let bytes = Array(text.utf8)
    let space = UInt8(ascii: " ")
    let inner = (bytes.firstIndex { $0 != space } ?? bytes.count)...(bytes.lastIndex { $0 != space } ?? bytes.count)
    var encoded: [UInt8] = []
    encoded.reserveCapacity(bytes.count)
    for (index, byte) in bytes.enumerated() {
      let isPlain = (0x21...0x7e).contains(byte) && byte != UInt8(ascii: "%") || byte == space && inner.contains(index)
      if isPlain {
        encoded.append(byte)
      } else {
        encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: encoded, as: UTF8.self)
  }
}
