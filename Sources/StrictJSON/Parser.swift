extension JSONValue {
  /// The deepest nesting of lists and objects that `parse` takes.
  public static let depthMax = 32

  /// The one value that `bytes` hold, with white space around it allowed.
  ///
  /// Refuses what parsers disagree on: byte order marks, invalid UTF-8, duplicate names, nesting deeper than `depthMax`, lone
  /// surrogates, anything after the value, numbers in other spellings than JSON's.
  public static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
    if bytes.first == 0xEF, bytes.starts(with: [0xEF, 0xBB, 0xBF]) { throw JSONError(reason: .byteOrderMark, offset: 0) }
    if let offset = firstInvalidUTF8(bytes) { throw JSONError(reason: .invalidUTF8, offset: offset) }
    var parser = Parser(source: bytes)
    parser.skipSpace()
    if parser.peek() == nil { throw JSONError(reason: .empty, offset: parser.position) }
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    if parser.peek() != nil { throw JSONError(reason: .trailingBytes, offset: parser.position) }
    return value
  }

  /// The one value that `text` holds; see `parse(_:)` for bytes.
  public static func parse(_ text: String) throws(JSONError) -> JSONValue { try parse(Array(text.utf8)) }

  private static func firstInvalidUTF8(_ bytes: [UInt8]) -> Int? {
    do {
      _ = try UTF8Span(validating: bytes.span)
      return nil
    } catch {
      return error.byteOffsets.lowerBound
    }
  }
}

/// Recursive descent over valid UTF-8. Recursion is bounded by `JSONValue.depthMax`.
struct Parser {
  let source: [UInt8]
  var position = 0

  init(source: [UInt8]) { self.source = source }

  @inline(__always) func peek() -> UInt8? { position < source.count ? source[position] : nil }

  mutating func skipSpace() {
    while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  func fault(_ reason: JSONError.Reason, at offset: Int? = nil) -> JSONError {
    JSONError(reason: reason, offset: offset ?? position)
  }

  /// The fault of a byte that can't stand here, or of the text's end.
  func unexpected() -> JSONError { fault(position < source.count ? .unexpectedCharacter : .unexpectedEnd) }

  mutating func value(depth: Int) throws(JSONError) -> JSONValue {
    switch peek() {
    case UInt8(ascii: "{"): return .object(try object(depth: depth + 1))
    case UInt8(ascii: "["): return .array(try array(depth: depth + 1))
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case .some(let byte) where byte == UInt8(ascii: "-") || isDigit(byte): return .number(try number())
    default: throw unexpected()
    }
  }

  private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
    for index in 0..<word.utf8CodeUnitCount {
      guard peek() == word.utf8Start[index] else { throw unexpected() }
      position += 1
    }
    return value
  }

  private mutating func array(depth: Int) throws(JSONError) -> [JSONValue] {
    guard depth <= JSONValue.depthMax else { throw fault(.tooDeep) }
    position += 1
    var elements: [JSONValue] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return elements }
    while true {
      skipSpace()
      elements.append(try value(depth: depth))
      skipSpace()
      if take(UInt8(ascii: "]")) { return elements }
      guard take(UInt8(ascii: ",")) else { throw unexpected() }
    }
  }

  private mutating func object(depth: Int) throws(JSONError) -> JSONObject {
    guard depth <= JSONValue.depthMax else { throw fault(.tooDeep) }
    position += 1
    var members: [JSONObject.Member] = []
    var names = NameSet()
    skipSpace()
    if take(UInt8(ascii: "}")) { return JSONObject(members: members, source: source) }
    while true {
      skipSpace()
      let start = position
      guard peek() == UInt8(ascii: "\"") else { throw unexpected() }
      let name = try string()
      guard names.insert(name, among: members) else { throw fault(.duplicateKey, at: start) }
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw unexpected() }
      skipSpace()
      let from = position
      let value = try value(depth: depth)
      members.append(.init(name: name, value: value, range: from..<position))
      skipSpace()
      if take(UInt8(ascii: "}")) { return JSONObject(members: members, source: source) }
      guard take(UInt8(ascii: ",")) else { throw unexpected() }
    }
  }

  @inline(__always) mutating func take(_ byte: UInt8) -> Bool {
    guard peek() == byte else { return false }
    position += 1
    return true
  }

  private mutating func number() throws(JSONError) -> JSONNumber {
    let start = position
    _ = take(UInt8(ascii: "-"))
    if take(UInt8(ascii: "0")) {
      if let next = peek(), isDigit(next) { throw fault(.invalidNumber, at: start) }
    } else {
      try digits(of: start)
    }
    if take(UInt8(ascii: ".")) { try digits(of: start) }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      try digits(of: start)
    }
    guard position - start <= JSONNumber.textLengthMax else { throw fault(.numberTooLong, at: start) }
    return JSONNumber(checkedText: String(decoding: source[start..<position], as: UTF8.self))
  }

  private mutating func digits(of start: Int) throws(JSONError) {
    let first = position
    while let byte = peek(), isDigit(byte) { position += 1 }
    guard position > first else { throw fault(position < source.count ? .invalidNumber : .unexpectedEnd, at: start) }
  }
}

/// The names that an object has so far: looked up in the members while they are few, in a set when they are many.
private struct NameSet {
  // Below this many members a linear look is quicker than hashing.
  private static let linearMax = 16
  private var many: Set<[UInt8]> = []

  /// False when `name` is there already, compared as bytes.
  mutating func insert(_ name: String, among members: [JSONObject.Member]) -> Bool {
    if members.count < Self.linearMax { return !members.contains { $0.isNamed(name) } }
    if many.isEmpty { many = Set(members.map { Array($0.name.utf8) }) }
    return many.insert(Array(name.utf8)).inserted
  }
}
