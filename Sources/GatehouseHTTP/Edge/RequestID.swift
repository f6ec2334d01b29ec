import HTTPTypes
import Synchronization

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

  /// `req_` and 60 bits that no other name has soon (SplitMix64: each of a process once, from a random start).
  static func made() -> String {
    // A name need not be hard to guess: one look at the system's randomness is enough for a process.
    var bits = seed &+ count.wrappingAdd(1, ordering: .relaxed).newValue &* 0x9e37_79b9_7f4a_7c15
    bits = (bits ^ bits >> 30) &* 0xbf58_476d_1ce4_e5b9
    bits = (bits ^ bits >> 27) &* 0x94d0_49bb_1331_11eb
    bits ^= bits >> 31
    return String(unsafeUninitializedCapacity: 16) { text in
      for (at, byte) in "req_".utf8.enumerated() { text[at] = byte }
      for at in 4..<16 {
        text[at] = alphabet[Int(bits & 31)]
        bits >>= 5
      }
      return 16
    }
  }

  private static let seed = UInt64.random(in: 0...UInt64.max)
  private static let count = Atomic<UInt64>(0)
}
