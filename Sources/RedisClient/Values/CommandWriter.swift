import NIOCore

/// Writes the words of one command into memory that it is lent. Every word goes with its length, so no byte of one has a meaning.
///
/// Nothing is stored beyond the memory, and what does not fit is counted all the same: the command is then written again into more.
public struct CommandWriter {
  private let space: UnsafeMutableRawBufferPointer
  /// Bytes of what was written so far, be it stored or not.
  private(set) var length = 0
  /// Words that were written so far.
  private(set) var count = 0

  init(_ space: UnsafeMutableRawBufferPointer) { self.space = space }

  /// Whether all that was written is stored.
  var fits: Bool { length <= space.count }

  /// Writes one word, the UTF-8 of a text.
  public mutating func word(_ text: String) {
    var text = text
    text.withUTF8 { word(UnsafeRawBufferPointer($0)) }
  }

  /// Writes one word, bytes as they are.
  public mutating func word(_ bytes: UnsafeRawBufferPointer) {
    line(UInt8(ascii: "$"), bytes.count)
    put(bytes)
    end()
  }

  /// Writes one word, the decimal digits of a number.
  public mutating func word(_ number: Int64) {
    let digits = Self.digitCount(number.magnitude) + (number < 0 ? 1 : 0)
    line(UInt8(ascii: "$"), digits)
    if number < 0 { put(UInt8(ascii: "-")) }
    put(number.magnitude)
    end()
  }

  /// Writes one word of up to three parts.
  public mutating func word(_ head: [UInt8], _ body: UnsafeRawBufferPointer, _ tail: [UInt8] = []) {
    line(UInt8(ascii: "$"), head.count + body.count + tail.count)
    head.withUnsafeBytes { put($0) }
    put(body)
    tail.withUnsafeBytes { put($0) }
    end()
  }

  /// Writes one word, a head and then bytes as lower-case hexadecimal digits.
  public mutating func word(_ head: [UInt8], hexadecimal bytes: UnsafeRawBufferPointer) {
    line(UInt8(ascii: "$"), head.count + 2 * bytes.count)
    head.withUnsafeBytes { put($0) }
    for byte in bytes {
      put(Self.digit(byte >> 4))
      put(Self.digit(byte & 15))
    }
    end()
  }

  /// Writes words that were encoded before.
  public mutating func words(_ encoded: EncodedWords) {
    encoded.bytes.withUnsafeBytes { put($0) }
    count += encoded.count
  }

  /// Writes how many words a command has; it is none of them.
  mutating func begin(words: Int) { line(UInt8(ascii: "*"), words) }

  /// Writes the words of a command's head.
  mutating func head(_ bytes: [UInt8], words: Int) {
    bytes.withUnsafeBytes { put($0) }
    count += words
  }

  private mutating func end() {
    put(0x0d)
    put(0x0a)
    count += 1
  }

  /// A mark, a number that is not negative, and the end of the line.
  private mutating func line(_ mark: UInt8, _ number: Int) {
    put(mark)
    put(number.magnitude)
    put(0x0d)
    put(0x0a)
  }

  private mutating func put(_ byte: UInt8) {
    if length < space.count { space[length] = byte }
    length += 1
  }

  private mutating func put(_ bytes: UnsafeRawBufferPointer) {
    if bytes.count <= space.count - length { UnsafeMutableRawBufferPointer(rebasing: space[length...]).copyMemory(from: bytes) }
    length += bytes.count
  }

  private mutating func put(_ number: some UnsignedInteger & FixedWidthInteger) {
    var rest = UInt64(number)
    let end = length + Self.digitCount(rest)
    for at in (length..<end).reversed() {
      if at < space.count { space[at] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10) }
      rest /= 10
    }
    length = end
  }

  private static func digitCount(_ number: UInt64) -> Int {
    var (rest, count) = (number, 1)
    while rest >= 10 {
      rest /= 10
      count += 1
    }
    return count
  }

  private static func digit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") - 10 + nibble }
}

/// Words of commands that do not change, encoded once for many commands.
public struct EncodedWords: Sendable, Equatable {
  /// How many words they are.
  public let count: Int
  let bytes: [UInt8]

  /// The words that `write` writes, in its order; it is called twice and must write the same each time.
  public init(_ write: (inout CommandWriter) -> Void) {
    var measure = CommandWriter(UnsafeMutableRawBufferPointer(start: nil, count: 0))
    write(&measure)
    var bytes = [UInt8](repeating: 0, count: measure.length)
    bytes.withUnsafeMutableBytes { space in
      var writer = CommandWriter(space)
      write(&writer)
    }
    self.bytes = bytes
    count = measure.count
  }
}

extension ByteBuffer {
  /// More than nearly every command takes.
  private static let commandBytes = 1_024

  /// Appends one command of so many words. False, and nothing appended, unless `write` writes so many, and the same each time.
  mutating func writeCommand(words: Int, _ write: (inout CommandWriter) -> Void) -> Bool {
    var space = Self.commandBytes
    for _ in 0..<2 {
      var isWhole = false
      let written = writeWithUnsafeMutableBytes(minimumWritableBytes: space) { memory in
        var writer = CommandWriter(memory)
        writer.begin(words: words)
        write(&writer)
        isWhole = writer.count == words
        space = writer.length
        return isWhole && writer.fits ? writer.length : 0
      }
      if written > 0 { return true }
      guard isWhole else { return false }
    }
    return false
  }
}
