import GatehouseCore

/// Any text in a query: what it means is judged by who reads it.
struct AnyText: ValueKind {
  let schema: Schema
  init(_ schema: Schema = .text) { self.schema = schema }
}

/// `true` or `false` in a query.
struct TrueOrFalse: ValueKind {
  var schema: Schema { .values(["true", "false"]) }
}

/// An instant or a date in a query.
struct InstantOrDate: ValueKind {
  var schema: Schema { .instant }
}

extension Declared {
  /// Reads a query of these parameters and no others. Throws 400 `malformed_request`.
  /// - Parameter hidden: one of them that is unknown to this caller.
  func query(_ text: String?, without hidden: (any DeclaredField)? = nil) throws -> QueryReader {
    try QueryReader(text, known: hidden.map { hidden in names.filter { $0 != hidden.name } } ?? names)
  }
}

extension QueryReader {
  /// The value of a parameter, nil when it is absent.
  subscript(_ field: some DeclaredField) -> String? { self[field.name] }

  /// A text that is not too long, or nil when absent. Throws 422 `invalid_fields`.
  func read(_ field: OptionalField<Text>) throws -> String? { try text(field.name, lengthMax: field.kind.length.upperBound) }

  /// A whole number. Throws 422 `invalid_fields`.
  func read(_ field: DefaultField<Whole>) throws -> Int { try int(field.name, in: field.kind.range, default: field.fallback) }

  /// True or false, false when absent. Throws 422 `invalid_fields`.
  func read(_ field: OptionalField<TrueOrFalse>) throws -> Bool { try bool(field.name, default: false) }

  /// One of a few, or nil when absent. Throws 422 `invalid_fields`.
  func read<Value>(_ field: OptionalField<Choice<Value>>) throws -> Value? { try oneOf(field.name, field.kind.allowed) }

  /// An instant or the start of a date in milliseconds since 1970 UTC, nil when absent. Throws 422 `invalid_fields`.
  func read(_ field: OptionalField<InstantOrDate>) throws -> Int64? {
    guard let text = self[field] else { return nil }
    guard let value = Instants.parse(text) ?? Instants.parseDate(text) else {
      throw refusal(
        field.name, code: "invalid_instant",
        hasPlus(field.name) ? Self.plusAdvice : Remedy.instant())
    }
    return value
  }

  /// The 422 for a parameter that is readable but wrong.
  func refusal(_ field: some DeclaredField, code: String, _ message: String) -> Problem { refusal(field.name, code: code, message) }
}
