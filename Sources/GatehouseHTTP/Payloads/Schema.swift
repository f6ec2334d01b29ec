import GatehouseCore
import StrictJSON

/// The rules for a JSON value, as the OpenAPI documents say them (JSON Schema 2020-12), with an example of it.
struct Schema: Sendable {
  /// A schema that the documents name once and refer to.
  struct Part: Sendable {
    let name: String
    let schema: Schema
  }

  /// The keywords, or a reference to a named schema.
  private(set) var json: JSONObject
  /// The named schemas that this one refers to.
  private(set) var parts: [Part] = []
  /// A value that the schema takes, nil when none was given for each of its members.
  private(set) var example: JSONValue?

  init(_ json: JSONObject, parts: [Part] = [], example: JSONValue? = nil) {
    self.json = json
    self.parts = parts
    self.example = example
  }

  // MARK: Values

  /// Any value.
  static let any = Schema([:])
  /// True or false.
  static let flag = Schema(["type": "boolean"], example: false)
  /// An instant as RFC 3339 writes it.
  static let instant = Schema(["type": "string", "format": "date-time"])
  /// A day without a time.
  static let date = Schema(["type": "string", "format": "date"])
  /// Any text.
  static let text = Schema(["type": "string"])
  /// An object with any members.
  static let anyObject = Schema(["type": "object"], example: [:])
  /// A count, which is never negative.
  static let count = Schema(["type": "integer", "minimum": 0])

  /// A text of `length` Unicode scalars.
  static func text(_ length: ClosedRange<Int>) -> Schema {
    var json: JSONObject = ["type": "string"]
    if length.lowerBound > 0 { json.append("minLength", .int64(Int64(length.lowerBound))) }
    json.append("maxLength", .int64(Int64(length.upperBound)))
    return Schema(json)
  }

  /// A text that matches a regular expression.
  static func text(pattern: String) -> Schema { Schema(["type": "string", "pattern": .string(pattern)]) }

  /// The id of a kind of thing.
  static func id<Kind>(_ id: Identifier<Kind>.Type) -> Schema { text(pattern: "^\(Kind.prefix)[0-9a-z]{\(id.bodyLength)}$") }

  /// A whole number of `minimum` or more.
  static func integer(from minimum: Int64) -> Schema { Schema(["type": "integer", "minimum": .int64(minimum)]) }

  /// A whole number in a range.
  static func integer(_ range: ClosedRange<Int>) -> Schema {
    Schema(["type": "integer", "minimum": .int64(Int64(range.lowerBound)), "maximum": .int64(Int64(range.upperBound))])
  }

  /// One of these texts.
  static func values(_ values: [String]) -> Schema { Schema(["type": "string", "enum": .array(values.map { .string($0) })]) }

  /// This text alone.
  static func constant(_ value: String) -> Schema { Schema(["const": .string(value)], example: .string(value)) }

  /// A list.
  static func list(of element: Schema, count: ClosedRange<Int>? = nil) -> Schema {
    var json: JSONObject = ["type": "array"]
    if let count {
      if count.lowerBound > 0 { json.append("minItems", .int64(Int64(count.lowerBound))) }
      json.append("maxItems", .int64(Int64(count.upperBound)))
    }
    json.append("items", .object(element.json))
    return Schema(json, parts: element.parts, example: element.example.map { [$0] })
  }

  // MARK: Objects

  /// The object of an answer: more members may come.
  static func answer(_ properties: Property...) -> Schema { object(properties, isClosed: false) }

  /// An object with these members and, when it is closed, no others.
  static func object(_ properties: [Property], isClosed: Bool) -> Schema {
    var json: JSONObject = [
      "type": "object", "properties": .object(JSONObject(properties.map { ($0.name, .object($0.schema.json)) })),
    ]
    let required = properties.filter(\.isRequired).map { JSONValue.string($0.name) }
    if !required.isEmpty { json.append("required", .array(required)) }
    if isClosed { json.append("additionalProperties", false) }
    let examples = properties.filter(\.isRequired).compactMap { property in property.schema.example.map { (property.name, $0) } }
    return Schema(
      json, parts: properties.flatMap(\.schema.parts), example: examples.count == required.count ? .object(JSONObject(examples)) : nil)
  }

  /// One of these schemas and no other.
  static func oneOf(_ schemas: [Schema]) -> Schema {
    Schema(["oneOf": .array(schemas.map { .object($0.json) })], parts: schemas.flatMap(\.parts), example: schemas.first?.example)
  }

  /// One or more of these schemas.
  static func anyOf(_ schemas: [Schema]) -> Schema {
    Schema(["anyOf": .array(schemas.map { .object($0.json) })], parts: schemas.flatMap(\.parts), example: schemas.first?.example)
  }

  /// A page of a list.
  static func page(of element: Schema, next: Property = .nextCursor) -> Schema {
    answer(Property("data", .list(of: element), "The items of the page."), next)
  }

  // MARK: Changes

  /// This schema under a name, which the documents refer to.
  func named(_ name: String) -> Schema {
    Schema(["$ref": .string("#/components/schemas/\(name)")], parts: [Part(name: name, schema: self)], example: example)
  }

  /// This schema, or null.
  var orNull: Schema {
    if json["$ref"] != nil { return Schema(["anyOf": [.object(json), ["type": "null"]]], parts: parts, example: example) }
    if case .array(let values)? = json["enum"] {
      return Schema(JSONObject(json.members.filter { $0.name != "type" && $0.name != "enum" }.map { ($0.name, $0.value) }), parts: parts)
        .with("enum", .array(values + [.null])).example(example)
    }
    switch json["type"] {
    case .string(let type): return with("type", [.string(type), "null"])
    case .array(let types): return with("type", .array(types + ["null"]))
    default: return self
    }
  }

  /// This schema with a sentence on what the value means.
  func described(_ sentence: String?) -> Schema { sentence.map { with("description", .string($0)) } ?? self }

  /// This schema with an example.
  func example(_ value: JSONValue?) -> Schema {
    var schema = self
    schema.example = value
    return schema
  }

  /// This schema with a keyword, in place of the one that it had.
  func with(_ keyword: String, _ value: JSONValue) -> Schema {
    var schema = self
    if json[keyword] == nil {
      schema.json.append(keyword, value)
    } else {
      schema.json = JSONObject(json.members.map { ($0.name, $0.name == keyword ? value : $0.value) })
    }
    return schema
  }
}

extension Property {
  /// The place of a list's next page.
  static let nextCursor = Property(
    "next_cursor", .text.orNull, "The cursor of the next page; null when there is none.", example: .null)
}

/// A member of an object in the documents.
struct Property: Sendable {
  let name: String
  let schema: Schema
  let isRequired: Bool

  /// - Parameter example: in place of that of `schema`.
  init(_ name: String, _ schema: Schema, _ description: String? = nil, example: JSONValue? = nil, isRequired: Bool = true) {
    self.name = name
    let described = schema.described(description)
    self.schema = example.map { described.example($0) } ?? described
    self.isRequired = isRequired
  }
}
