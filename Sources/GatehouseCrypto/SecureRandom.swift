import COpenSSL

/// Random values that nobody can guess.
public enum SecureRandom {
  /// 32 lower-case letters and digits without those that look alike (no i, l, o, u), so a random byte's low 5 bits pick one evenly.
  private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

  /// `count` random bytes. Without randomness no secret is safe, so a failing generator stops the process.
  public static func bytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    guard RAND_bytes(&bytes, Int32(count)) == 1 else {
      fatalError("The system's random generator gives no bytes; nothing secret can be made without it.")
    }
    return bytes
  }

  /// `length` random characters of 5 bits each: 14 of them, 70 bits, make the body of an id.
  public static func identifier(length: Int) -> String {
    String(decoding: bytes(length).map { alphabet[Int($0 & 31)] }, as: UTF8.self)
  }

  /// The low bits of `number` in `length` characters of the same alphabet, 5 bits each, the highest first: texts are in the order of
  /// their numbers.
  public static func spelled(_ number: UInt64, length: Int) -> String {
    String(decoding: (0..<length).reversed().map { alphabet[Int(number >> UInt64(5 * $0) & 31)] }, as: UTF8.self)
  }
}
