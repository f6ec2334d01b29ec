/// A row that a statement gave, read by the names of its columns.
///
/// A value is never guessed: a column that is missing, or holds another kind of value than is asked for, throws `internal` with the
/// column's name. Only a value that is asked for as an optional may be NULL.
public struct LedgerRow: Sendable {
  package let names: [String]
  package let values: [LedgerValue]

  /// - Parameters:
  ///   - names: the columns; of two with one name the first is read.
  ///   - values: as many as there are names.
  public init(names: [String], values: [LedgerValue]) {
    self.names = names
    self.values = values
  }

  /// The value of a column that may not be NULL: throws `internal` if it is, or is of another kind.
  public subscript<Value: LedgerConvertible>(_ name: String) -> Value {
    get throws(LedgerFailure) {
      guard let value = try Value(ledgerValue: self.value(name)) else { throw Self.unreadable(name) }
      return value
    }
  }

  /// The value of a column, nil for NULL; throws `internal` if it is of another kind.
  public subscript<Value: LedgerConvertible>(_ name: String) -> Value? {
    get throws(LedgerFailure) {
      let found = try value(name)
      if case .null = found { return nil }
      guard let value = Value(ledgerValue: found) else { throw Self.unreadable(name) }
      return value
    }
  }

  private func value(_ name: String) throws(LedgerFailure) -> LedgerValue {
    guard let index = names.firstIndex(of: name), index < values.count else {
      throw LedgerFailure(.internal("A row of the ledger has no column \(name)."))
    }
    return values[index]
  }

  private static func unreadable(_ name: String) -> LedgerFailure {
    LedgerFailure(.internal("The column \(name) of a row of the ledger holds a value of another kind."))
  }
}
