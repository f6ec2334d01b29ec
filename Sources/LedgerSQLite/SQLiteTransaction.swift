import CSQLite
import GRDB
import GatehouseLedger

/// The transaction that is open on one of GRDB's connections, whose cache keeps the compiled statements.
///
/// Statements are stepped here and not by GRDB, whose rows are looked through by lower-cased names.
struct SQLiteTransaction: LedgerTransaction {
  let db: Database
  let store: SQLiteStore

  var dialect: Dialect { .sqlite }

  @discardableResult
  func run(_ sql: String, _ values: LedgerValues) throws(LedgerFailure) -> Int {
    let statement = try bound(sql, values)
    defer { sqlite3_reset(statement.sqliteStatement) }
    while try step(statement) {}
    return Int(sqlite3_changes(db.sqliteConnection))
  }

  func row(_ sql: String, _ values: LedgerValues) throws(LedgerFailure) -> LedgerRow? {
    let statement = try bound(sql, values)
    defer { sqlite3_reset(statement.sqliteStatement) }
    guard try step(statement) else { return nil }
    return try StatementColumns(statement.sqliteStatement).row(names: statement.columnNames)
  }

  func rows(_ sql: String, _ values: LedgerValues) throws(LedgerFailure) -> [LedgerRow] {
    let statement = try bound(sql, values)
    defer { sqlite3_reset(statement.sqliteStatement) }
    let columns = StatementColumns(statement.sqliteStatement)
    var rows: [LedgerRow] = []
    while try step(statement) { rows.append(try columns.row(names: statement.columnNames)) }
    return rows
  }

  func number(_ sql: String, _ values: LedgerValues) throws(LedgerFailure) -> Int64? {
    let statement = try bound(sql, values)
    defer { sqlite3_reset(statement.sqliteStatement) }
    guard try step(statement) else { return nil }
    switch try StatementColumns(statement.sqliteStatement).value(0) {
    case .null: return nil
    case .integer(let number): return number
    case .text, .bytes: throw LedgerFailure(.internal("A statement of the ledger gave no number."))
    }
  }

  func freeBytes() throws(LedgerFailure) -> Int64 {
    try (number("PRAGMA freelist_count", []) ?? 0) * Int64(SQLitePage.bytes)
  }

  /// Whether the file, as this transaction sees it, has the version that the statements are for.
  func hasVersion() throws(LedgerFailure) -> Bool { try number("PRAGMA user_version", []) == Int64(store.version) }

  /// Begins a transaction of a connection that reads; its snapshot is taken by the first statement that follows.
  func begin() throws(LedgerFailure) {
    let statement = try compiled("BEGIN")
    defer { sqlite3_reset(statement.sqliteStatement) }
    while try step(statement) {}
  }

  private func bound(_ sql: String, _ values: LedgerValues) throws(LedgerFailure) -> Statement {
    // SQLite ends a transaction by itself when the disk is full: whatever came after that would be committed alone.
    guard db.isInsideTransaction else { throw LedgerFailure(.internal("The transaction has ended already.")) }
    let statement = try compiled(sql)
    try StatementParameters(statement.sqliteStatement).bind(values.list)
    return statement
  }

  private func compiled(_ sql: String) throws(LedgerFailure) -> Statement {
    do { return try db.cachedStatement(sql: sql) } catch {
      throw LedgerFailure(error, systemErrno: db.logErrno) ?? LedgerFailure(.internal("A statement can't be compiled: \(error)"))
    }
  }

  /// Whether there is a row.
  private func step(_ statement: Statement) throws(LedgerFailure) -> Bool {
    let code = sqlite3_step(statement.sqliteStatement)
    guard code == SQLITE_ROW || code == SQLITE_DONE else { throw LedgerFailure(code: code, systemErrno: db.logErrno) }
    return code == SQLITE_ROW
  }
}

extension Dialect {
  static let sqlite = Dialect(
    greatest: "max", place: "rowid",
    withoutAnalysis: "CAST(json_set(CAST(body AS TEXT), '$.analysis.filename', NULL, '$.analysis.metadata', json('{}')) AS BLOB)")
}
