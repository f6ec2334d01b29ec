/// Builds JSON text by appending. Members stand in the order in which they are written; commas are placed by the writer.
///
/// Methods with a name write a member of the object that is open; methods without one write a value: the whole text, or an
/// element of the list that is open. The names of members that a program knows are literals of ASCII without anything to escape, and
/// are copied as they are; `name(of:)` takes any other.
public struct JSONWriter: Sendable {
  /// The text so far, valid UTF-8.
  public private(set) var bytes: [UInt8] = []
  private var needsComma = false

  /// An empty text with room for `capacity` bytes.
  public init(capacity: Int = 256) { bytes.reserveCapacity(capacity) }

  /// The text so far as a string.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Writes a member's name as it is; its value must follow.
  public mutating func name(_ name: StaticString) {
    let (count, comma) = (name.utf8CodeUnitCount, needsComma)
    bytes.append(addingCapacity: count + 4) { text in
      if comma { text.append(UInt8(ascii: ",")) }
      text.append(UInt8(ascii: "\""))
      text.append(copying: UnsafeBufferPointer(start: name.utf8Start, count: count))
      text.append(UInt8(ascii: "\""))
      text.append(UInt8(ascii: ":"))
    }
    needsComma = false
  }

  /// Writes a member's name, escaped; its value must follow.
  public mutating func name(of name: String) {
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
    case .object(let object): self.object { writer in for member in object.members { writer.member(member.name, member.value) } }
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
  public mutating func null(_ name: StaticString) {
    self.name(name)
    null()
  }

  /// Writes a member that is `true` or `false`.
  public mutating func bool(_ name: StaticString, _ value: Bool?) {
    self.name(name)
    if let value { bool(value) } else { null() }
  }

  /// Writes a member that is a whole number.
  public mutating func int64(_ name: StaticString, _ value: Int64?) {
    self.name(name)
    if let value { int64(value) } else { null() }
  }

  /// Writes a member that is a whole number.
  public mutating func int(_ name: StaticString, _ value: Int?) { int64(name, value.map(Int64.init)) }

  /// Writes a member that is a text, escaped.
  public mutating func string(_ name: StaticString, _ value: String?) {
    self.name(name)
    if let value { string(value) } else { null() }
  }

  /// Writes a member that is a text, which `write` appends: at most `bytesMax` bytes of ASCII that need no escape.
  public mutating func string(_ name: StaticString, bytesMax: Int, _ write: (inout OutputSpan<UInt8>) -> Void) {
    self.name(name)
    bytes.append(addingCapacity: bytesMax + 2) { text in
      text.append(UInt8(ascii: "\""))
      write(&text)
      text.append(UInt8(ascii: "\""))
    }
    needsComma = true
  }

  /// Writes a member whose value is `json` as it is: one whole valid JSON value.
  public mutating func raw(_ name: StaticString, _ json: (some Sequence<UInt8>)?) {
    self.name(name)
    if let json { raw(json) } else { null() }
  }

  /// Writes a member with any name and any value.
  public mutating func member(_ name: String, _ value: JSONValue) {
    self.name(of: name)
    self.value(value)
  }

  /// Writes a member that is an object, whose members `body` writes.
  public mutating func object<Failure: Error>(_ name: StaticString, _ body: (inout JSONWriter) throws(Failure) -> Void) throws(Failure) {
    self.name(name)
    try object(body)
  }

  /// Writes a member that is a list, whose elements `body` writes.
  public mutating func array<Failure: Error>(_ name: StaticString, _ body: (inout JSONWriter) throws(Failure) -> Void) throws(Failure) {
    self.name(name)
    try array(body)
  }

  // MARK: In pieces, for texts that are sent while they are written

  /// Begins a value that is an object; `endObject` ends it.
  public mutating func beginObject() { open(UInt8(ascii: "{")) }

  /// Ends the object that was begun.
  public mutating func endObject() { close(UInt8(ascii: "}")) }

  /// Begins a member that is a list; `endArray` ends it.
  public mutating func beginArray(_ name: StaticString) {
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

  private mutating func literal(_ word: StaticString) {
    separate()
    bytes.append(contentsOf: UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
  }

  private mutating func quoted(_ text: String) {
    // A text of Swift's own lies in one piece.
    guard text.utf8.withContiguousStorageIfAvailable({ quoted($0) }) == nil else { return }
    Array(text.utf8).withUnsafeBufferPointer { quoted($0) }
  }

  private mutating func quoted(_ text: UnsafeBufferPointer<UInt8>) {
    // Without a way out of the loop, which is what lets it look at many bytes at once.
    var isPlain = true
    for byte in text { isPlain = isPlain && !Self.isEscaped(byte) }
    guard isPlain else { return quotedAndEscaped(text) }
    bytes.append(addingCapacity: text.count + 2) { quoted in
      quoted.append(UInt8(ascii: "\""))
      quoted.append(copying: text)
      quoted.append(UInt8(ascii: "\""))
    }
  }

  private mutating func quotedAndEscaped(_ text: UnsafeBufferPointer<UInt8>) {
    bytes.append(UInt8(ascii: "\""))
    // In pieces, so that the room for the longest escapes stays small.
    for start in stride(from: 0, to: text.count, by: Self.pieceBytes) {
      let piece = UnsafeBufferPointer(rebasing: text[start..<min(text.count, start + Self.pieceBytes)])
      bytes.append(addingCapacity: piece.count * Self.escapeBytesMax) { escaped in
        for byte in piece { if Self.isEscaped(byte) { Self.escape(byte, to: &escaped) } else { escaped.append(byte) } }
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private static let pieceBytes = 256
  /// The length of `\u0000`.
  private static let escapeBytesMax = 6

  @inline(__always) private static func isEscaped(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
  }

  private static func escape(_ byte: UInt8, to text: inout OutputSpan<UInt8>) {
    text.append(UInt8(ascii: "\\"))
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): text.append(byte)
    case 0x0A: text.append(UInt8(ascii: "n"))
    case 0x0D: text.append(UInt8(ascii: "r"))
    case 0x09: text.append(UInt8(ascii: "t"))
    default:
      text.append(UInt8(ascii: "u"))
      text.append(UInt8(ascii: "0"))
      text.append(UInt8(ascii: "0"))
      for digit in [byte >> 4, byte & 15] { text.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10) }
    }
  }
}

extension OutputSpan<UInt8> {
  /// Appends all of `text`. Without room for it the process ends, as at any index out of range.
  @inline(__always) fileprivate mutating func append(copying text: UnsafeBufferPointer<UInt8>) {
    withUnsafeMutableBufferPointer { room, count in
      _ = room.extracting(count...).initialize(fromContentsOf: text)
      count += text.count
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
