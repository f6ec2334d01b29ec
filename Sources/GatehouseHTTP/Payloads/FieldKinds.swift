import GatehouseCore
import StrictJSON

/// A text of so many Unicode scalars.
struct Text: FieldKind {
  let length: ClosedRange<Int>
  let allowsNUL: Bool
  /// More keywords of the schema, for what the reader of the text checks.
  let schema: Schema

  init(_ length: ClosedRange<Int>, allowsNUL: Bool = false, schema: Schema? = nil) {
    self.length = length
    self.allowsNUL = allowsNUL
    self.schema = schema ?? .text(length)
  }

  func required(_ name: String, _ reader: inout FieldReader) -> String { reader.string(name, length: length, allowsNUL: allowsNUL) }
  func optional(_ name: String, _ reader: inout FieldReader) -> String? {
    reader.optionalString(name, length: length, allowsNUL: allowsNUL)
  }
}

/// A whole number in a range.
struct Whole: FieldKind {
  let range: ClosedRange<Int>
  init(_ range: ClosedRange<Int>) { self.range = range }

  var schema: Schema { .integer(range) }
  func required(_ name: String, _ reader: inout FieldReader) -> Int { reader.int(name, in: range) }
  func optional(_ name: String, _ reader: inout FieldReader) -> Int? { reader.optionalInt(name, in: range) }
}

/// True or false.
struct Flag: FieldKind {
  var schema: Schema { Schema(["type": "boolean"]) }
  func required(_ name: String, _ reader: inout FieldReader) -> Bool? { reader.optionalBool(name) }
  func optional(_ name: String, _ reader: inout FieldReader) -> Bool? { reader.optionalBool(name) }
}

/// One of a few texts.
struct Choice<Value: RawRepresentable<String> & Sendable>: FieldKind {
  let allowed: [Value]
  init(_ allowed: [Value]) { self.allowed = allowed }

  var schema: Schema { .values(allowed.map(\.rawValue)) }
  func required(_ name: String, _ reader: inout FieldReader) -> Value? { reader.oneOf(name, allowed) }
  func optional(_ name: String, _ reader: inout FieldReader) -> Value? { reader.optionalOneOf(name, allowed) }
}

extension RawRepresentable<String> where Self: JSONSpelled { var json: JSONValue { .string(rawValue) } }
extension SessionClass: JSONSpelled {}
extension Session.Transport: JSONSpelled {}

/// The one text that confirms what is asked for.
struct Confirmation: FieldKind {
  private static let length = 1...32
  let word: String
  init(_ word: String) { self.word = word }

  var schema: Schema { .constant(word) }
  func required(_ name: String, _ reader: inout FieldReader) -> String { reader.string(name, length: Self.length) }
  func optional(_ name: String, _ reader: inout FieldReader) -> String? { reader.optionalString(name, length: Self.length) }
}

/// The id of a user.
struct UserReference: FieldKind {
  var schema: Schema { .id(UserID.self) }
  func required(_ name: String, _ reader: inout FieldReader) -> UserID? { reader.userID(name) }
  func optional(_ name: String, _ reader: inout FieldReader) -> UserID? { reader.isPresent(name) ? reader.userID(name) : nil }
}

/// An object, kept as the bytes that were sent.
struct RawObject: FieldKind {
  let bytesMax: Int
  init(bytesMax: Int) { self.bytesMax = bytesMax }

  var schema: Schema { Schema(["type": "object"]) }
  func required(_ name: String, _ reader: inout FieldReader) -> [UInt8]? { reader.rawObject(name, bytesMax: bytesMax) }
  func optional(_ name: String, _ reader: inout FieldReader) -> [UInt8]? { reader.rawObject(name, bytesMax: bytesMax) }
}

/// Any value but null, kept as the bytes that were sent.
struct RawValue: FieldKind {
  let bytesMax: Int
  init(bytesMax: Int) { self.bytesMax = bytesMax }

  var schema: Schema { .any }
  func required(_ name: String, _ reader: inout FieldReader) -> [UInt8]? { reader.raw(name, bytesMax: bytesMax) }
  func optional(_ name: String, _ reader: inout FieldReader) -> [UInt8]? { reader.raw(name, bytesMax: bytesMax) }
}

/// An object with fields of its own.
struct Nested<Inner: Fields>: ValueKind {
  var schema: Schema { Inner.declared.schema }
}

/// A list of objects with fields of their own.
struct NestedList<Inner: Fields>: ValueKind {
  let count: ClosedRange<Int>
  init(_ count: ClosedRange<Int>) { self.count = count }

  var schema: Schema { .list(of: Inner.declared.schema, count: count) }
}

/// A list of any values, each judged alone.
struct Elements: FieldKind {
  let count: ClosedRange<Int>
  let schema: Schema

  /// - Parameter element: what a value should be: the documents name it, and demand nothing.
  init(_ count: ClosedRange<Int>, each element: Schema) {
    self.count = count
    schema = Schema(Schema.list(of: .any, count: count).json, parts: element.parts)
  }

  func required(_ name: String, _ reader: inout FieldReader) -> [JSONValue] { reader.requiredElements(name, count: count) }
  func optional(_ name: String, _ reader: inout FieldReader) -> [JSONValue]? {
    reader.isPresent(name) ? reader.requiredElements(name, count: count) : nil
  }
}

/// A list of texts, each one of a few.
struct ChoiceList: FieldKind {
  private static let length = 1...16
  let count: ClosedRange<Int>
  let allowed: [String]

  var schema: Schema { .list(of: .values(allowed), count: count) }
  func required(_ name: String, _ reader: inout FieldReader) -> [String] {
    reader.strings(name, count: count, length: Self.length) ?? []
  }
  func optional(_ name: String, _ reader: inout FieldReader) -> [String]? { reader.strings(name, count: count, length: Self.length) }
}

/// A text, or a list of texts.
struct Texts: FieldKind {
  let count: ClosedRange<Int>
  let length: ClosedRange<Int>

  var schema: Schema {
    let text = Schema.text(length)
    return text.with("type", ["string", "array"]).with("items", .object(text.json))
      .with("minItems", .int64(Int64(count.lowerBound))).with("maxItems", .int64(Int64(count.upperBound)))
  }
  func required(_ name: String, _ reader: inout FieldReader) -> [String]? { optional(name, &reader) }
  func optional(_ name: String, _ reader: inout FieldReader) -> [String]? {
    reader.optionalStrings(name, count: count, length: length)
  }
}

extension FieldReader {
  /// The result of `body` for an object; nil when absent, `null` or no object.
  mutating func read<Inner, Result>(
    _ field: OptionalField<Nested<Inner>>, _ body: (inout FieldReader) -> Result
  ) -> Result? { object(field.name, body) }

  /// The results of `body` for the objects of a list; nil when absent or `null`.
  mutating func read<Inner, Element>(
    _ field: OptionalField<NestedList<Inner>>, _ body: (inout FieldReader) -> Element
  ) -> [Element]? { objects(field.name, count: field.kind.count, body) }

  /// The results of `body` for the objects of a required list.
  mutating func read<Inner, Element>(_ field: Field<NestedList<Inner>>, _ body: (inout FieldReader) -> Element) -> [Element] {
    requiredObjects(field.name, count: field.kind.count, body)
  }
}
