/// Builds JSON text by appending. Members stand in the order in which they are written; commas are placed by the writer.
///
/// Methods with a name write a member of the object that is open; methods without one write a value: the whole text, or an
/// element of the list that is open.
public struct JSONWriter: Sendable {
  /// The text so far, valid UTF-8.
  public private(set) var bytes: [UInt8] = []
  private var needsComma = false

  /// An empty text with room for `capacity` bytes.
  public init(capacity: Int = 256) { bytes.reserveCapacity(capacity) }

  /// The text so far as a string.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Writes a member's name; its value must follow.
  public mutating func name(_ name: String) {
    separate()
    quoted(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  // MARK: Values

  /// Writes `null`.
  public mutating func null() { literal("null") }

  /// Writes `true` or `false`.
  public mutating func bool(_ value: Bool) { literal(value ? "true" : "false") }

  /// Writes a whole number.
  public mutating func int64(_ value: Int64) {
    separate()
    bytes.append(digitsOf: value)
  }

  /// Writes a whole number.
  public mutating func int(_ value: Int) { int64(Int64(value)) }

  /// Writes a text, escaped.
  public mutating func string(_ value: String) {
    separate()
    quoted(value)
  }

  /// Writes `json` as it is. It must be one whole valid JSON value.
  public mutating func raw(_ json: some Sequence<UInt8>) {
    separate()
    bytes.append(contentsOf: json)
  }

  /// Writes any value.
  public mutating func value(_ value: JSONValue) {
    switch value {
    case .null: null()
    case .bool(let flag): bool(flag)
    case .number(let number): raw(number.text.utf8)
    case .string(let text): string(text)
    case .array(let elements): array { writer in for element in elements { writer.value(element) } }
    case .object(let object): self.object { writer in for member in object.members { writer.value(member.name, member.value) } }
    }
  }

  /// Writes an object whose members `body` writes.
  public mutating func object<Failure: Error>(_ body: (inout JSONWriter) throws(Failure) -> Void) throws(Failure) {
    open(UInt8(ascii: "{"))
    try body(&self)
    close(UInt8(ascii: "}"))
  }

  /// Writes a list whose elements `body` writes.
  public mutating func array<Failure: Error>(_ body: (inout JSONWriter) throws(Failure) -> Void) throws(Failure) {
    open(UInt8(ascii: "["))
    try body(&self)
    close(UInt8(ascii: "]"))
  }

  // MARK: Members; nil is written as `null`

  /// Writes a member that is `null`.
  public mutating func null(_ name: String) {
    self.name(name)
    null()
  }

  /// Writes a member that is `true` or `false`.
  public mutating func bool(_ name: String, _ value: Bool?) {
    self.name(name)
    if let value { bool(value) } else { null() }
  }

  /// Writes a member that is a whole number.
  public mutating func int64(_ name: String, _ value: Int64?) {
    self.name(name)
    if let value { int64(value) } else { null() }
  }

  /// Writes a member that is a whole number.
  public mutating func int(_ name: String, _ value: Int?) { int64(name, value.map(Int64.init)) }

  /// Writes a member that is a text, escaped.
  public mutating func string(_ name: String, _ value: String?) {
    self.name(name)
    if let value { string(value) } else { null() }
  }

  /// Writes a member whose value is `json` as it is: one whole valid JSON value.
  public mutating func raw(_ name: String, _ json: (some Sequence<UInt8>)?) {
    self.name(name)
    if let json { raw(json) } else { null() }
  }

  /// Writes a member with any value.
  public mutating func value(_ name: String, _ value: JSONValue) {
    self.name(name)
    self.value(value)
  }

  /// Writes a member that is an object, whose members `body` writes.
  public mutating func object<Failure: Error>(_ name: String, _ body: (inout JSONWriter) throws(Failure) -> Void) throws(Failure) {
    self.name(name)
    try object(body)
  }

  /// Writes a member that is a list, whose elements `body` writes.
  public mutating func array<Failure: Error>(_ name: String, _ body: (inout JSONWriter) throws(Failure) -> Void) throws(Failure) {
    self.name(name)
    try array(body)
  }

  // MARK: In pieces, for texts that are sent while they are written

  /// Begins a value that is an object; `endObject` ends it.
  public mutating func beginObject() { open(UInt8(ascii: "{")) }

  /// Ends the object that was begun.
  public mutating func endObject() { close(UInt8(ascii: "}")) }

  /// Begins a member that is a list; `endArray` ends it.
  public mutating func beginArray(_ name: String) {
    self.name(name)
    open(UInt8(ascii: "["))
  }

  /// Ends the list that was begun.
  public mutating func endArray() { close(UInt8(ascii: "]")) }

  /// The text since the last call, which the writer then forgets; what follows goes on behind it.
  public mutating func takeBytes() -> [UInt8] {
    defer { bytes.removeAll(keepingCapacity: true) }
    return bytes
  }

  // MARK: Bytes

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }

  private mutating func open(_ bracket: UInt8) {
    separate()
    bytes.append(bracket)
    needsComma = false
  }

  private mutating func close(_ bracket: UInt8) {
    bytes.append(bracket)
    needsComma = true
  }

  private mutating func literal(_ word: String) {
    separate()
    bytes.append(contentsOf: word.utf8)
  }

  private mutating func quoted(_ text: String) {
    var text = text
    text.withUTF8 { text in
      bytes.append(UInt8(ascii: "\""))
      var plain = 0
      for (at, byte) in text.enumerated() where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[plain..<at]))
        escape(byte)
        plain = at + 1
      }
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[plain...]))
      bytes.append(UInt8(ascii: "\""))
    }
  }

  private mutating func escape(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): bytes.append(contentsOf: #"\""#.utf8)
    case UInt8(ascii: "\\"): bytes.append(contentsOf: #"\\"#.utf8)
    case 0x0A: bytes.append(contentsOf: #"\n"#.utf8)
    case 0x0D: bytes.append(contentsOf: #"\r"#.utf8)
    case 0x09: bytes.append(contentsOf: #"\t"#.utf8)
    default:
      bytes.append(contentsOf: (byte < 0x10 ? #"\u000"# : #"\u00"#).utf8)
      bytes.append(contentsOf: String(byte, radix: 16).utf8)
    }
  }
}

extension [UInt8] {
  /// Appends a whole number in decimal.
  fileprivate mutating func append(digitsOf value: Int64) {
    if value < 0 { append(UInt8(ascii: "-")) }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var rest = value.magnitude
      var first = digits.count
      repeat {
        first -= 1
        digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      } while rest > 0
      append(contentsOf: UnsafeBufferPointer(rebasing: digits[first...]))
    }
  }
}
