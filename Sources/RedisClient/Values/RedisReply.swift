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

  /// The elements of an array.
  public var elements: [RedisReply]? {
    if case .array(let elements) = self { elements } else { nil }
  }
}
