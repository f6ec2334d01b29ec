/// A value of one column, as every engine has it: whole numbers, texts and bytes. Booleans are 0 and 1.
public enum LedgerValue: Sendable {
  case null
  case integer(Int64)
  case text(String)
  case bytes([UInt8])
}

/// A Swift value that a column holds, and that is read back as it was written.
public protocol LedgerConvertible {
  /// What is written.
  var ledgerValue: LedgerValue { get }
  /// nil if the column holds another kind of value, or a number out of range.
  init?(ledgerValue: LedgerValue)
}

extension Int64: LedgerConvertible {
  public var ledgerValue: LedgerValue { .integer(self) }
  public init?(ledgerValue: LedgerValue) {
    guard case .integer(let number) = ledgerValue else { return nil }
    self = number
  }
}

extension Int: LedgerConvertible {
  public var ledgerValue: LedgerValue { .integer(Int64(self)) }
  public init?(ledgerValue: LedgerValue) {
    guard case .integer(let number) = ledgerValue else { return nil }
    self.init(exactly: number)
  }
}

extension Bool: LedgerConvertible {
  public var ledgerValue: LedgerValue { .integer(self ? 1 : 0) }
  public init?(ledgerValue: LedgerValue) {
    guard case .integer(let number) = ledgerValue else { return nil }
    self = number != 0
  }
}

extension String: LedgerConvertible {
  public var ledgerValue: LedgerValue { .text(self) }
  public init?(ledgerValue: LedgerValue) {
    guard case .text(let text) = ledgerValue else { return nil }
    self = text
  }
}

extension [UInt8]: LedgerConvertible {
  public var ledgerValue: LedgerValue { .bytes(self) }
  public init?(ledgerValue: LedgerValue) {
    guard case .bytes(let bytes) = ledgerValue else { return nil }
    self = bytes
  }
}

/// The values of a statement's parameters, in their order: `[user.text, now, nil]`.
public struct LedgerValues: ExpressibleByArrayLiteral, Sendable {
  public private(set) var list: [LedgerValue]

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
