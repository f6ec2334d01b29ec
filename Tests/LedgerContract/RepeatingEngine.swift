import GatehouseLedger

/// An engine over another in which every transaction and every savepoint runs twice, the first time to be undone: as a batch does whose transaction was rolled
/// back. A closure that keeps something of its first run, or counts on there being none, breaks a claim on it.
package struct RepeatingEngine: LedgerEngine {
  private let engine: any LedgerEngine

  package init(over engine: any LedgerEngine) { self.engine = engine }

  package func write(_ body: @escaping @Sendable (any LedgerWriter) -> Void) {
    engine.write { body(RepeatingWriter(writer: $0)) }
  }
  package func admit(_ body: () throws(LedgerFailure) -> Void) throws(LedgerFailure) { try engine.admit(body) }
  package func read(_ body: @escaping @Sendable (Result<any LedgerReader, LedgerFailure>) -> Void) { engine.read(body) }
  package func prepare(_ body: (any LedgerTransaction) throws -> Void) throws { try engine.prepare(body) }
  package func holders() -> [String] { engine.holders() }
  package func suspect() { engine.suspect() }
  package func close() throws(LedgerFailure) { try engine.close() }
}

private struct RepeatingWriter: LedgerWriter {
  private struct Undone: Error {}

  let writer: any LedgerWriter

  var dialect: Dialect { writer.dialect }
  var isInTransaction: Bool { writer.isInTransaction }

  func run(_ sql: String, _ values: LedgerValues) throws(LedgerFailure) -> Int { try writer.run(sql, values) }
  func row(_ sql: String, _ values: LedgerValues) throws(LedgerFailure) -> LedgerRow? { try writer.row(sql, values) }
  func rows(_ sql: String, _ values: LedgerValues) throws(LedgerFailure) -> [LedgerRow] { try writer.rows(sql, values) }
  func number(_ sql: String, _ values: LedgerValues) throws(LedgerFailure) -> Int64? { try writer.number(sql, values) }
  func freeBytes() throws(LedgerFailure) -> Int64 { try writer.freeBytes() }
  var changedRows: Int { writer.changedRows }
  func upkeep() throws(LedgerFailure) -> Duration? { try writer.upkeep() }

  func transaction(_ body: () throws -> Void) throws(LedgerFailure) {
    var isUndone = false
    do throws(LedgerFailure) {
      try writer.transaction {
        try body()
        isUndone = true
        throw Undone()
      }
    } catch { guard isUndone else { throw error } }
    try writer.transaction(body)
  }

  func savepoint<T>(_ body: () throws -> T) throws -> T {
    do {
      try writer.savepoint {
        _ = try body()
        throw Undone()
      }
    } catch is Undone {}
    return try writer.savepoint(body)
  }
}
