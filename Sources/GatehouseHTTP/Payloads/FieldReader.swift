import StrictJSON

/// Reads the fields of a JSON object and collects everything that is wrong, so that the caller hears it all at once.
///
/// Each method reads one field. When the field is wrong it notes a fault and returns a stand-in (empty text, the lower bound, nil);
/// `finish()` then throws, so a stand-in is never used. Fields that no method asked for are faults too. An optional field may be
/// absent or `null`; `isPresent` tells whether it stands there at all.
public struct FieldReader {
  private let object: JSONObject
  private let path: FieldPath
  /// The places of the members that were asked for.
  private var asked: [Int] = []
  private(set) var faults: [FieldFault] = []

  /// Reads the members of `object`, the whole body.
  public init(_ object: JSONObject) { self.init(object, path: FieldPath()) }

  init(_ object: JSONObject, path: FieldPath) {
    self.object = object
    self.path = path
  }

  /// Parses a body. Throws 400 `malformed_request` when it is not strict JSON, 422 `invalid_fields` when it is not an object.
  public init(body: [UInt8]) throws {
    let value: JSONValue
    do { value = try JSONValue.parse(body) } catch { throw Problem.malformed("The body is not valid JSON. \(error)") }
    try self.init(value: value)
  }

  /// Reads a value that must be an object. Throws 422 `invalid_fields` when it is not.
  init(value: JSONValue) throws {
    guard case .object(let object) = value else {
      throw Problem.invalidFields([.init(field: "body", pointer: "", code: "wrong_type", message: "Send a JSON object, not \(value.kind).")]
      )
    }
    self.init(object)
  }

  /// Throws 422 `invalid_fields` with every fault of form, if there is any.
  public consuming func finish() throws {
    refuseUnknown()
    if !faults.isEmpty { throw Problem.invalidFields(faults) }
  }

  /// Whether the field stands in the body, be it as `null`. Doesn't count as reading it.
  public func isPresent(_ name: String) -> Bool { object[name] != nil }

  /// Notes a fault that only the caller could see, such as `password_common`.
  public mutating func refuse(_ name: String, code: String, _ message: String) {
    let place = path.appending(name)
    note(FieldFault(field: place.field, pointer: place.pointer, code: code, message: message))
  }

  // MARK: Text

  /// A required text of `length` Unicode scalars.
  public mutating func string(_ name: String, length: ClosedRange<Int>, allowsNUL: Bool = false) -> String {
    guard let value = required(name) else { return "" }
    return text(name, value, length, allowsNUL) ?? ""
  }

  /// A text of `length` Unicode scalars, or nil when absent or `null`.
  public mutating func optionalString(_ name: String, length: ClosedRange<Int>, allowsNUL: Bool = false) -> String? {
    optional(name).flatMap { text(name, $0, length, allowsNUL) }
  }

  /// A required text that is one of `allowed`; nil only together with a fault.
  public mutating func oneOf<Choice: RawRepresentable<String>>(_ name: String, _ allowed: [Choice]) -> Choice? {
    required(name).flatMap { choice(name, $0, allowed) }
  }

  /// A text that is one of `allowed`, or nil when absent or `null`.
  public mutating func optionalOneOf<Choice: RawRepresentable<String>>(_ name: String, _ allowed: [Choice]) -> Choice? {
    optional(name).flatMap { choice(name, $0, allowed) }
  }

  // MARK: Numbers and flags

  /// A required whole number within `range`.
  public mutating func int(_ name: String, in range: ClosedRange<Int>) -> Int {
    required(name).flatMap { number(name, $0, range) } ?? range.lowerBound
  }

  /// A whole number within `range`, or nil when absent or `null`.
  public mutating func optionalInt(_ name: String, in range: ClosedRange<Int>) -> Int? {
    optional(name).flatMap { number(name, $0, range) }
  }

  /// True or false, or nil when absent or `null`.
  public mutating func optionalBool(_ name: String) -> Bool? {
    guard let value = optional(name) else { return nil }
    guard case .bool(let flag) = value else {
      wrongType(name, value, "true or false")
      return nil
    }
    return flag
  }

  // MARK: Raw JSON

  /// The exact bytes of an object of at most `bytesMax` bytes, or nil when absent or `null`.
  public mutating func rawObject(_ name: String, bytesMax: Int) -> [UInt8]? {
    guard let value = optional(name) else { return nil }
    guard case .object = value else {
      wrongType(name, value, "an object")
      return nil
    }
    return bounded(name, bytesMax)
  }

  /// The exact bytes of any value of at most `bytesMax` bytes, or nil when absent or `null`.
  public mutating func raw(_ name: String, bytesMax: Int) -> [UInt8]? {
    optional(name).flatMap { _ in bounded(name, bytesMax) }
  }

  // MARK: For the nested readers

  /// The value, noted as asked for; nil when absent or `null`.
  mutating func optional(_ name: String) -> JSONValue? {
    guard let place = object.place(of: name) else { return nil }
    asked.append(place)
    if case .null = object.members[place].value { return nil }
    return object.members[place].value
  }

  /// The value, noted as asked for; nil with a fault when absent or `null`.
  mutating func required(_ name: String) -> JSONValue? {
    if let value = optional(name) { return value }
    refuse(name, code: "required", "This field is required.")
    return nil
  }

  mutating func wrongType(_ name: String, _ value: JSONValue, _ wanted: String) {
    refuse(name, code: "wrong_type", "Send \(wanted), not \(value.kind).")
  }

  /// Runs `body` on the members of `object`, which stands under `steps`, and takes over the faults.
  mutating func nested<Result>(_ steps: [String], _ object: JSONObject, _ body: (inout FieldReader) -> Result) -> Result {
    var reader = FieldReader(object, path: steps.reduce(path) { $0.appending($1) })
    let result = body(&reader)
    reader.refuseUnknown()
    for fault in reader.faults { note(fault) }
    return result
  }

  mutating func refuse(_ name: String, element index: Int, code: String, _ message: String) {
    let place = path.appending(name).appending(String(index))
    note(FieldFault(field: place.field, pointer: place.pointer, code: code, message: message))
  }

  // Faults beyond those that an answer lists would only cost memory.
  private mutating func note(_ fault: FieldFault) {
    if faults.count < Problem.faultsMax { faults.append(fault) }
  }

  private mutating func refuseUnknown() {
    for (place, member) in object.members.enumerated() where !asked.contains(place) {
      refuse(member.name, code: "unknown_field", "There is no such field here. Check its spelling or leave it out.")
    }
  }

  private mutating func text(_ name: String, _ value: JSONValue, _ length: ClosedRange<Int>, _ allowsNUL: Bool) -> String? {
    guard case .string(let text) = value else {
      wrongType(name, value, "text")
      return nil
    }
    if let fault = textFault(text, length, allowsNUL: allowsNUL) {
      refuse(name, code: fault.code, fault.message)
      return nil
    }
    return text
  }

  private mutating func choice<Choice: RawRepresentable<String>>(_ name: String, _ value: JSONValue, _ allowed: [Choice]) -> Choice? {
    guard case .string(let text) = value else {
      wrongType(name, value, "text")
      return nil
    }
    if let found = allowed.first(where: { $0.rawValue.utf8.elementsEqual(text.utf8) }) { return found }
    refuse(name, code: "not_allowed", Remedy.oneOf(allowed.map(\.rawValue)))
    return nil
  }

  private mutating func number(_ name: String, _ value: JSONValue, _ range: ClosedRange<Int>) -> Int? {
    guard case .number(let number) = value, number.isIntegerText else {
      if case .number = value {
        refuse(name, code: "wrong_type", "Send a whole number, without fraction or exponent.")
      } else {
        wrongType(name, value, "a whole number")
      }
      return nil
    }
    if let exact = number.asInt64, range.contains(Int(exact)) { return Int(exact) }
    refuse(name, code: "out_of_range", Remedy.wholeNumber(range))
    return nil
  }

  private mutating func bounded(_ name: String, _ bytesMax: Int) -> [UInt8]? {
    if let count = object.rawCount(name), count > bytesMax {
      refuse(name, code: "too_long", "This has \(count) bytes; at most \(bytesMax) are kept.")
      return nil
    }
    return object.raw(name)
  }
}

/// Why `text` can't be taken; nil when it can.
func textFault(_ text: String, _ length: ClosedRange<Int>, allowsNUL: Bool) -> (code: String, message: String)? {
  var (text, count, hasNUL) = (text, 0, false)
  text.withUTF8 { bytes in
    for byte in bytes {
      // Every byte of UTF-8 but those that go on with a scalar.
      if byte & 0xC0 != 0x80 { count += 1 }
      if byte == 0 { hasNUL = true }
    }
  }
  if count < length.lowerBound {
    let atLeast = "at least \(length.lowerBound) character\(length.lowerBound == 1 ? "" : "s")"
    return ("too_short", "Use \(atLeast).")
  }
  if count > length.upperBound { return ("too_long", "Use at most \(length.upperBound) characters.") }
  if !allowsNUL, hasNUL { return ("contains_nul", "Leave out NUL characters.") }
  return nil
}
