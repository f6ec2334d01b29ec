import StrictJSON

extension FieldReader {
  /// The result of `body` for the object `name`, or nil when absent, `null` or no object. The nested reader's unknown fields are faults.
  public mutating func object<Result>(_ name: String, _ body: (inout FieldReader) -> Result) -> Result? {
    optional(name).flatMap { read(name, $0, body) }
  }

  /// The results of `body` for the objects of the list `name`, or nil when absent or `null`. A list with a wrong length is not read.
  public mutating func objects<Element>(
    _ name: String, count: ClosedRange<Int>, _ body: (inout FieldReader) -> Element
  ) -> [Element]? {
    optional(name).flatMap { elements(name, $0, count) }.map { list in
      var results: [Element] = []
      results.reserveCapacity(list.count)
      for (index, value) in list.enumerated() {
        if case .object(let object) = value {
          results.append(nested([name, String(index)], object, body))
        } else {
          refuse(name, element: index, code: "wrong_type", "Send an object, not \(value.kind).")
        }
      }
      return results
    }
  }

  /// As `objects`, with a fault and an empty list when absent or `null`.
  public mutating func requiredObjects<Element>(
    _ name: String, count: ClosedRange<Int>, _ body: (inout FieldReader) -> Element
  ) -> [Element] {
    guard required(name) != nil else { return [] }
    return objects(name, count: count, body) ?? []
  }

  /// The elements of the required list `name`, as they are; empty only together with a fault.
  public mutating func requiredElements(_ name: String, count: ClosedRange<Int>) -> [JSONValue] {
    required(name).flatMap { elements(name, $0, count) } ?? []
  }

  /// One text, or the texts of a list: what is written as `"pro"` or `["pro", "coach"]`; nil when absent or `null`.
  public mutating func optionalStrings(_ name: String, count: ClosedRange<Int>, length: ClosedRange<Int>) -> [String]? {
    if case .array = optional(name) { return strings(name, count: count, length: length) }
    return optionalString(name, length: length).map { [$0] }
  }

  /// The texts of the list `name`, each of `length` Unicode scalars, or nil when absent or `null`.
  public mutating func strings(_ name: String, count: ClosedRange<Int>, length: ClosedRange<Int>) -> [String]? {
    optional(name).flatMap { elements(name, $0, count) }.map { list in
      var results: [String] = []
      for (index, value) in list.enumerated() {
        guard case .string(let text) = value else {
          refuse(name, element: index, code: "wrong_type", "Send text, not \(value.kind).")
          continue
        }
        if let fault = textFault(text, length, allowsNUL: false) {
          refuse(name, element: index, code: fault.code, fault.message)
        } else {
          results.append(text)
        }
      }
      return results
    }
  }

  private mutating func read<Result>(_ name: String, _ value: JSONValue, _ body: (inout FieldReader) -> Result) -> Result? {
    guard case .object(let object) = value else {
      wrongType(name, value, "an object")
      return nil
    }
    return nested([name], object, body)
  }

  private mutating func elements(_ name: String, _ value: JSONValue, _ count: ClosedRange<Int>) -> [JSONValue]? {
    guard case .array(let list) = value else {
      wrongType(name, value, "a list")
      return nil
    }
    if list.count < count.lowerBound {
      refuse(name, code: "too_short", "Send at least \(count.lowerBound) element\(count.lowerBound == 1 ? "" : "s").")
      return nil
    }
    if list.count > count.upperBound {
      refuse(name, code: "too_long", "Send at most \(count.upperBound) elements.")
      return nil
    }
    return list
  }
}
