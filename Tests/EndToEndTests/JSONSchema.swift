import Foundation
import StrictJSON

/// The part of JSON Schema that the OpenAPI documents use. An object may hold no more than its schema describes, although JSON Schema lets
/// it.
struct JSONSchema {
  let document: JSONObject
  /// Named schemas whose objects may hold more.
  var open: Set<String> = []

  /// Where `value` differs from `schema`, one line a difference; empty when it is as the schema says.
  func differences(_ value: JSONValue, _ schema: JSONObject, at place: String = "", isOpen: Bool = false) -> [String] {
    if case .string(let reference)? = schema["$ref"] {
      guard let named = resolved(reference) else { return ["\(place): nothing is named \(reference)"] }
      return differences(value, named, at: place, isOpen: open.contains { reference.hasSuffix("/" + $0) })
    }
    for keyword in ["anyOf", "oneOf"] {
      guard case .array(let choices)? = schema[keyword] else { continue }
      let found = choices.compactMap(\.object).map { differences(value, $0, at: place) }
      if !found.contains([]) { return ["\(place) is none of \(keyword): \(found.min { $0.count < $1.count } ?? [])"] }
    }
    if let constant = schema["const"], constant != value { return ["\(place) is not the constant"] }
    if case .array(let values)? = schema["enum"], !values.contains(value) { return ["\(place) is not in the enumeration"] }
    guard isOfType(value, schema["type"]) else { return ["\(place) is \(value.kind)"] }
    switch value {
    case .object(let object): return members(object, schema, place, isOpen)
    case .array(let elements):
      guard let items = schema["items"]?.object else { return [] }
      return elements.enumerated().flatMap { differences($1, items, at: "\(place)[\($0)]") }
    case .string(let text): return textFaults(text, schema).map { "\(place) \($0)" }
    case .number(let number):
      guard let found = number.asInt64 else { return [] }
      let least = schema["minimum"]?.integer ?? .min, most = schema["maximum"]?.integer ?? .max
      return (least...most).contains(found) ? [] : ["\(place) is out of range: \(found)"]
    case .null, .bool: return []
    }
  }

  private func members(_ object: JSONObject, _ schema: JSONObject, _ place: String, _ isOpen: Bool) -> [String] {
    var found: [String] = []
    if case .array(let required)? = schema["required"] {
      for case .string(let name) in required where object[name] == nil { found.append("\(place).\(name) is missing") }
    }
    let properties = schema["properties"]?.object
    for member in object.members {
      let here = "\(place).\(member.name)"
      if let property = properties?[member.name]?.object {
        found += differences(member.value, property, at: here)
      } else if let others = schema["additionalProperties"]?.object {
        found += differences(member.value, others, at: here)
      } else if properties != nil, !isOpen {
        found.append("\(here) is not described")
      }
    }
    return found
  }

  private func isOfType(_ value: JSONValue, _ type: JSONValue?) -> Bool {
    let types: [JSONValue] = if case .array(let several)? = type { several } else { [type].compactMap { $0 } }
    let found: JSONValue =
      switch value {
      case .null: "null"
      case .bool: "boolean"
      case .number: "integer"
      case .string: "string"
      case .array: "array"
      case .object: "object"
      }
    return types.isEmpty || types.contains(found)
  }

  private func textFaults(_ text: String, _ schema: JSONObject) -> [String] {
    let count = Int64(text.unicodeScalars.count)
    if count < schema["minLength"]?.integer ?? 0 || count > schema["maxLength"]?.integer ?? .max { return ["has \(count) characters"] }
    if case .string(let pattern)? = schema["pattern"], text.range(of: pattern, options: .regularExpression) == nil {
      return ["does not match \(pattern): \(text)"]
    }
    switch schema["format"] {
    case .string("date-time"):
      return text.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) == nil ? ["is not an instant: \(text)"] : []
    case .string("date"): return text.wholeMatch(of: /\d{4}-\d\d-\d\d/) == nil ? ["is not a date: \(text)"] : []
    default: return []
    }
  }

  /// The object that `#/a/b` names in the document.
  func resolved(_ reference: String) -> JSONObject? {
    reference.split(separator: "/").dropFirst().reduce(JSONValue.object(document)) { $0?.object?[String($1)] }?.object
  }
}

extension JSONValue {
  var object: JSONObject? { if case .object(let object) = self { object } else { nil } }
  var integer: Int64? { if case .number(let number) = self { number.asInt64 } else { nil } }
}
