/// A whole reply of Redis.
public enum RedisReply: Sendable, Equatable {
  case null
  case integer(Int64)
  case bytes([UInt8])
  case status([UInt8])
  case array([RedisReply])
  /// Only inside an array; a reply that is an error reaches its caller as `RedisError.server`.
  case error(RedisServerError)

  /// The number of an integer reply, or the one that a text spells.
  public var integerValue: Int64? {
    switch self {
    case .integer(let value): value
    case .bytes(let bytes), .status(let bytes): Int64(String(decoding: bytes, as: UTF8.self))
    default: nil
    }
  }

  /// The bytes of a bulk or status reply.
  public var byteValues: [UInt8]? {
    switch self {
    case .bytes(let bytes), .status(let bytes): bytes
    default: nil
    }
  }

  /// The bytes of a bulk or status reply as text; bytes that are no UTF-8 become replacement characters.
  public var text: String? { byteValues.map { String(decoding: $0, as: UTF8.self) } }

  /// The value of a field in an answer to INFO, which has a line `<name>:<value>` for each; nil without such a line.
  public func information(_ name: String) -> String? {
    // By bytes: as characters the lines would cost most of what a connection costs that is asked every now and then.
    for line in byteValues?.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) ?? [] {
      guard line.starts(with: name.utf8), line.dropFirst(name.utf8.count).first == UInt8(ascii: ":") else { continue }
      return String(decoding: line.dropFirst(name.utf8.count + 1), as: UTF8.self)
    }
    return nil
  }

  /// The elements of an array.
  public var elements: [RedisReply]? {
    if case .array(let elements) = self { elements } else { nil }
  }
}
