/// A JSON value as it stood in the text: numbers keep their spelling, objects their order.
public enum JSONValue: Sendable {
  case null
  case bool(Bool)
  case number(JSONNumber)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// A whole number.
  public static func int64(_ value: Int64) -> JSONValue { .number(JSONNumber(value)) }

  /// A text, or `null` for nil.
  public static func optional(_ value: String?) -> JSONValue { value.map(JSONValue.string) ?? .null }

  /// A whole number, or `null` for nil.
  public static func optional(_ value: Int64?) -> JSONValue { value.map(JSONValue.int64) ?? .null }

  /// The object with another value for its member of this name; any other value, and an object without it, as it is.
  public func replacing(_ name: String, _ value: JSONValue) -> JSONValue {
    guard case .object(let object) = self else { return self }
    return .object(JSONObject(object.members.map { ($0.name, $0.name == name ? value : $0.value) }))
  }

  /// The name of the value's kind in a sentence for the caller: "text", "a number", "an object".
  public var kind: String {
    switch self {
    case .null: "null"
    case .bool: "true or false"
    case .number: "a number"
    case .string: "text"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

extension JSONValue: Equatable {
  /// Texts are equal when their bytes are: no Unicode normalisation.
  public static func == (left: JSONValue, right: JSONValue) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.number(let a), .number(let b)): a == b
    case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
    case (.array(let a), .array(let b)): a == b
    case (.object(let a), .object(let b)): a == b
    default: false
    }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral {
  /// A text; escapes are made when it is written.
  public init(stringLiteral value: String) { self = .string(value) }
  /// A whole number of at most 64 bits.
  public init(integerLiteral value: Int64) { self = .int64(value) }
  /// A number in Swift's shortest spelling; it must be finite, since JSON has no other.
  public init(floatLiteral value: Double) { self = .number(JSONNumber(checkedText: "\(value)")) }
  /// `true` or `false` of JSON, never a number.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension JSONValue: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
  /// A list in the order of the literal.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  /// An object with the members in the order of the literal. The names must differ.
  public init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }
}

/// A number in the spelling of its text, at most `textLengthMax` characters when parsed.
public struct JSONNumber: Sendable, Equatable {
  /// The longest spelling that the parser takes.
  public static let textLengthMax = 128

  /// The spelling, valid JSON.
  public let text: String

  /// The number `value`.
  public init(_ value: Int64) { text = String(value) }

  init(checkedText: String) { text = checkedText }

  /// The exact value when the spelling is that of an integer within 64 bits. `1.0` and `1e3` are not integers; `-0` is 0.
  public var asInt64: Int64? { Int64(text) }

  /// Whether the spelling has neither fraction nor exponent, whatever its size.
  public var isIntegerText: Bool { text.utf8.allSatisfy { $0 == UInt8(ascii: "-") || isDigit($0) } }
}

@inline(__always) func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
