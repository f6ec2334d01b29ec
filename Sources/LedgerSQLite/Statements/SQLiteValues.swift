import CSQLite
import GatehouseLedger

/// The parameters of a compiled statement that is not running.
struct StatementParameters {
  /// Has SQLite make a copy: the value may be gone when the statement runs.
  private static var copied: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

  private let statement: OpaquePointer

  init(_ statement: OpaquePointer) { self.statement = statement }

  /// Sets all parameters. Throws `internal` if there are more or fewer values.
  func bind(_ values: [LedgerValue]) throws(LedgerFailure) {
    let count = sqlite3_bind_parameter_count(statement)
    guard values.count == count else {
      throw LedgerFailure(.internal("A statement of the ledger has \(count) parameters and was given \(values.count) values."))
    }
    for (index, value) in values.enumerated() {
      let code = bind(value, at: Int32(index + 1))
      guard code == SQLITE_OK else { throw LedgerFailure(code: code) }
    }
  }

  private func bind(_ value: LedgerValue, at index: Int32) -> Int32 {
    switch value {
    case .null: return sqlite3_bind_null(statement, index)
    case .integer(let number): return sqlite3_bind_int64(statement, index, number)
    case .text(var text):
      return text.withUTF8 { bytes in
        bytes.withMemoryRebound(to: CChar.self) { chars in
          guard let start = chars.baseAddress else { return sqlite3_bind_text(statement, index, "", 0, Self.copied) }
          return sqlite3_bind_text64(
            statement, index, start, sqlite3_uint64(chars.count), Self.copied, UInt8(truncatingIfNeeded: SQLITE_UTF8))
        }
      }
    case .bytes(let bytes):
      // To SQLite a blob without a pointer is NULL.
      guard !bytes.isEmpty else { return sqlite3_bind_zeroblob(statement, index, 0) }
      return bytes.withUnsafeBytes { sqlite3_bind_blob64(statement, index, $0.baseAddress, sqlite3_uint64($0.count), Self.copied) }
    }
  }
}

/// The columns of the row that a statement stands at.
struct StatementColumns {
  private let statement: OpaquePointer
  private let count: Int32

  init(_ statement: OpaquePointer) {
    self.statement = statement
    count = sqlite3_column_count(statement)
  }

  func row(names: [String]) throws(LedgerFailure) -> LedgerRow {
    var values: [LedgerValue] = []
    values.reserveCapacity(Int(count))
    for column in 0..<count { values.append(try value(column)) }
    return LedgerRow(names: names, values: values)
  }

  func value(_ column: Int32) throws(LedgerFailure) -> LedgerValue {
    switch sqlite3_column_type(statement, column) {
    case SQLITE_NULL: return .null
    case SQLITE_INTEGER: return .integer(sqlite3_column_int64(statement, column))
    case SQLITE_TEXT:
      guard let start = sqlite3_column_text(statement, column) else { throw LedgerFailure(code: SQLITE_NOMEM) }
      let bytes = UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column)))
      return .text(String(decoding: bytes, as: UTF8.self))
    case SQLITE_BLOB:
      // A blob of no bytes has no pointer.
      guard let start = sqlite3_column_blob(statement, column) else { return .bytes([]) }
      return .bytes([UInt8](UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column)))))
    default: throw LedgerFailure(.internal("A column of the ledger holds a fraction."))
    }
  }
}
