import StrictJSON

/// The fields of a body or the parameters of a query, declared once: they are read by these declarations, and the OpenAPI documents
/// are made of them.
protocol Fields: Sendable {
  init()
  /// The one value of the type, with what is derived from it.
  static var declared: Declared<Self> { get }
}

/// A set of fields with what is derived from it once.
struct Declared<Set: Fields>: Sendable {
  let fields: Set
  /// The fields in the order of their declaration.
  let list: [any DeclaredField]
  /// Their names in the same order.
  let names: [String]

  /// Declares the fields that are the stored properties of `fields`.
  init(_ fields: Set) {
    self.fields = fields
    // By reflection, so that no second list can lack one.
    list = Mirror(reflecting: fields).children.compactMap { $0.value as? any DeclaredField }
    names = list.map(\.name)
  }

  /// The schema of a body of these fields.
  var schema: Schema { .object(list.map(\.property), isClosed: true) }
}

/// The description of a field, whatever kind of value it holds.
protocol DeclaredField: Sendable {
  var name: String { get }
  var description: String? { get }
  /// The schema of its value, where null is no value.
  var schema: Schema { get }
  var isRequired: Bool { get }
  /// The field as a member of a body.
  var property: Property { get }
}

extension DeclaredField {
  /// A field that may be absent may be null.
  var property: Property { Property(name, isRequired ? schema : schema.orNull, description, isRequired: isRequired) }
}

/// A kind of value: what it must be.
protocol ValueKind: Sendable {
  var schema: Schema { get }
}

/// A kind of value with the way in which it is read.
protocol FieldKind: ValueKind {
  associatedtype Value
  /// The type that a required field gives: next to a fault a stand-in, never used.
  associatedtype Required
  func required(_ name: String, _ reader: inout FieldReader) -> Required
  func optional(_ name: String, _ reader: inout FieldReader) -> Value?
}

/// A field that must be there.
struct Field<Kind: ValueKind>: DeclaredField {
  let name: String
  let kind: Kind
  let description: String?
  var isRequired: Bool { true }
  var schema: Schema { kind.schema }

  init(_ name: String, _ kind: Kind, _ description: String? = nil) {
    (self.name, self.kind, self.description) = (name, kind, description)
  }
}

/// A field that may be absent or null.
struct OptionalField<Kind: ValueKind>: DeclaredField {
  let name: String
  let kind: Kind
  let description: String?
  var isRequired: Bool { false }
  var schema: Schema { kind.schema }

  init(_ name: String, _ kind: Kind, _ description: String? = nil) {
    (self.name, self.kind, self.description) = (name, kind, description)
  }
}

/// A field that may be absent, and is not null when it is there. Read it only if `isPresent` says so.
struct FieldIfPresent<Kind: ValueKind>: DeclaredField {
  let name: String
  let kind: Kind
  let description: String?
  var isRequired: Bool { false }
  var schema: Schema { kind.schema }
  var property: Property { Property(name, schema, description, isRequired: false) }

  init(_ name: String, _ kind: Kind, _ description: String? = nil) {
    (self.name, self.kind, self.description) = (name, kind, description)
  }
}

/// A field that may be absent, and is null when it is there.
struct NullField: DeclaredField {
  let name: String
  let description: String?
  var isRequired: Bool { false }
  var schema: Schema { Schema(["type": "null"]) }
  var property: Property { Property(name, schema, description, isRequired: false) }

  init(_ name: String, _ description: String) { (self.name, self.description) = (name, description) }
}

/// A field that has a value of its own when it is absent or null.
struct DefaultField<Kind: FieldKind>: DeclaredField where Kind.Value: Sendable & JSONSpelled {
  let name: String
  let kind: Kind
  let fallback: Kind.Value
  let description: String?
  var isRequired: Bool { false }
  var schema: Schema { kind.schema.with("default", fallback.json) }

  init(_ name: String, _ kind: Kind, default fallback: Kind.Value, _ description: String? = nil) {
    (self.name, self.kind, self.fallback, self.description) = (name, kind, fallback, description)
  }
}

/// A value that the documents can show.
protocol JSONSpelled {
  var json: JSONValue { get }
}

extension Int: JSONSpelled { var json: JSONValue { .int64(Int64(self)) } }
extension Bool: JSONSpelled { var json: JSONValue { .bool(self) } }
extension String: JSONSpelled { var json: JSONValue { .string(self) } }

extension FieldReader {
  /// The value of a required field; a stand-in together with a fault.
  mutating func read<Kind: FieldKind>(_ field: Field<Kind>) -> Kind.Required { field.kind.required(field.name, &self) }

  /// The value of a field, or nil when absent or `null`.
  mutating func read<Kind: FieldKind>(_ field: OptionalField<Kind>) -> Kind.Value? { field.kind.optional(field.name, &self) }

  /// The value of a field that is there; a stand-in together with a fault.
  mutating func read<Kind: FieldKind>(_ field: FieldIfPresent<Kind>) -> Kind.Required { field.kind.required(field.name, &self) }

  /// The value of a field, or its own when absent or `null`.
  mutating func read<Kind: FieldKind>(_ field: DefaultField<Kind>) -> Kind.Value {
    field.kind.optional(field.name, &self) ?? field.fallback
  }

  /// Reads a field that may be null alone. `message` says what to do with a text.
  mutating func read(_ field: NullField, else message: String) {
    guard let value = optional(field.name) else { return }
    if case .string = value { refuse(field, code: "not_allowed", message) } else { wrongType(field.name, value, "null") }
  }

  /// Notes a fault that only the caller could see.
  mutating func refuse(_ field: some DeclaredField, code: String, _ message: String) { refuse(field.name, code: code, message) }

  /// Whether the field stands in the body, be it as `null`. Doesn't count as reading it.
  func isPresent(_ field: some DeclaredField) -> Bool { isPresent(field.name) }
}
