import HTTPTypes

/// The name of one request in logs, problems and the answer.
public enum RequestID {
  /// The header field that carries it, both ways.
  public static let header = "X-Request-Id"
  static let field = HTTPField.Name(header)
  private static let lengthMax = 64
  private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

  /// `given` when it matches `[A-Za-z0-9._-]{1,64}`, else a new one.
  public static func taken(_ given: String?) -> String {
    guard let given, isValid(given) else { return made() }
    return given
  }

  static func isValid(_ text: String) -> Bool {
    let bytes = text.utf8
    guard !bytes.isEmpty, bytes.count <= lengthMax else { return false }
    return bytes.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
      default: byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
      }
    }
  }

  /// `req_` and 60 random bits.
  static func made() -> String {
    var bits = UInt64.random(in: 0...UInt64.max)
    var bytes = Array("req_".utf8)
    for _ in 0..<12 {
      bytes.append(alphabet[Int(bits & 31)])
      bits >>= 5
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
