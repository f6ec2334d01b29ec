/// Why a text is not the strict JSON we take, and where.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The faults that a text can have.
  public enum Reason: Sendable, Equatable {
    case empty
    case byteOrderMark
    case invalidUTF8
    case unexpectedEnd
    case unexpectedCharacter
    case trailingBytes
    case tooDeep
    case duplicateKey
    case invalidNumber
    case numberTooLong
    case invalidEscape
    case loneSurrogate
    case controlCharacter
  }

  /// The fault that was seen first.
  public let reason: Reason
  /// The byte where it was seen, from 0.
  public let offset: Int

  /// A fault at the byte `offset`.
  public init(reason: Reason, offset: Int) {
    self.reason = reason
    self.offset = offset
  }

  /// One sentence for the caller. It repeats nothing of the text.
  public var description: String {
    switch reason {
    case .empty: "The text is empty; a JSON value was expected."
    case .byteOrderMark: "The text starts with a byte order mark; send UTF-8 without one."
    case .invalidUTF8: "The text is not valid UTF-8 at byte \(offset)."
    case .unexpectedEnd: "The text ends at byte \(offset), in the middle of a value."
    case .unexpectedCharacter: "There is an unexpected character at byte \(offset)."
    case .trailingBytes: "There is more text after the value, at byte \(offset)."
    case .tooDeep: "Lists and objects are nested deeper than \(JSONValue.depthMax) levels at byte \(offset)."
    case .duplicateKey: "A name stands twice in one object, at byte \(offset)."
    case .invalidNumber: "The number at byte \(offset) is not written as JSON asks."
    case .numberTooLong: "The number at byte \(offset) is longer than \(JSONNumber.textLengthMax) characters."
    case .invalidEscape: "The escape at byte \(offset) is not one of JSON."
    case .loneSurrogate: "The escape at byte \(offset) is one half of a surrogate pair."
    case .controlCharacter: "There is an unescaped control character in a text at byte \(offset)."
    }
  }
}
