/// A value of one column, as every engine has it: whole numbers, texts and bytes. Booleans are 0 and 1.
public enum LedgerValue: Sendable {
  case null
  case integer(Int64)
  case text(String)
  case bytes([UInt8])
}

/// A Swift value that a column holds, and that is read back as it was written.
public protocol LedgerConvertible {
  /// The value that is written to the column.
  var ledgerValue: LedgerValue { get }
  /// nil if the column holds another kind of value, or a number out of range.
  init?(ledgerValue: LedgerValue)
}

extension Int64: LedgerConvertible {
  /// A whole number as it is.
  public var ledgerValue: LedgerValue { .integer(self) }
  /// Reads a whole number; nil for any other kind of value.
  public init?(ledgerValue: LedgerValue) {
    guard case .integer(let number) = ledgerValue else { return nil }
    self = number
  }
}

extension Int: LedgerConvertible {
  /// A whole number as it is.
  public var ledgerValue: LedgerValue { .integer(Int64(self)) }
  /// Reads a whole number; nil for any other kind, and for one that does not fit.
  public init?(ledgerValue: LedgerValue) {
    guard case .integer(let number) = ledgerValue else { return nil }
    self.init(exactly: number)
  }
}

extension Bool: LedgerConvertible {
  /// 1 for true, 0 for false.
  public var ledgerValue: LedgerValue { .integer(self ? 1 : 0) }
  /// Reads a whole number, where all but 0 is true; nil for any other kind of value.
  public init?(ledgerValue: LedgerValue) {
    guard case .integer(let number) = ledgerValue else { return nil }
    self = number != 0
  }
}

extension String: LedgerConvertible {
  /// The text, in UTF-8, as it is: no Unicode normalisation.
  public var ledgerValue: LedgerValue { .text(self) }
  /// Reads a text; nil for any other kind of value, bytes included.
  public init?(ledgerValue: LedgerValue) {
    guard case .text(let text) = ledgerValue else { return nil }
    self = text
  }
}

extension [UInt8]: LedgerConvertible {
  /// The bytes as they are.
  public var ledgerValue: LedgerValue { .bytes(self) }
  /// Reads bytes; nil for any other kind of value, text included.
  public init?(ledgerValue: LedgerValue) {
    guard case .bytes(let bytes) = ledgerValue else { return nil }
    self = bytes
  }
}

/// The values of a statement's parameters, in their order: `[user.text, now, nil]`.
public struct LedgerValues: ExpressibleByArrayLiteral, Sendable {
  /// The values as an engine binds them, the first to the first parameter.
  public private(set) var list: [LedgerValue]

  /// The values in the order of the literal, nil as NULL.
  public init(arrayLiteral elements: (any LedgerConvertible)?...) {
    list = elements.map { $0?.ledgerValue ?? .null }
  }

  /// These values and one more at the end.
  public func adding(_ value: (any LedgerConvertible)?) -> LedgerValues {
    var values = self
    values.list.append(value?.ledgerValue ?? .null)
    return values
  }
}
