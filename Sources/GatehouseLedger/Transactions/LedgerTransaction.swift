/// A transaction of an engine while it is open: what the rules of the ledger read and write through.
///
/// It belongs to the thread and the closure that it is given to. SQL is what all engines share, with `?` or `?1` for parameters; what
/// differs is in `dialect`. Each text is compiled once a connection and kept.
///
/// Every statement throws `LedgerFailure`. After a throw nothing of that statement is there; if the engine has ended the whole
/// transaction, every statement after it throws too, so nothing is ever written outside of it.
public protocol LedgerTransaction {
  /// The words in which this engine differs.
  var dialect: Dialect { get }

  /// Runs a statement; how many rows it inserted, changed or deleted. Rows that it gives are dropped.
  @discardableResult
  func run(_ sql: String, _ values: LedgerValues) throws(LedgerFailure) -> Int

  /// The first row that a statement gives, nil if there is none.
  func row(_ sql: String, _ values: LedgerValues) throws(LedgerFailure) -> LedgerRow?

  /// All rows that a statement gives, which all stand in memory: bound them in the statement.
  func rows(_ sql: String, _ values: LedgerValues) throws(LedgerFailure) -> [LedgerRow]

  /// The first column of the first row, nil if there is none or it is NULL.
  func number(_ sql: String, _ values: LedgerValues) throws(LedgerFailure) -> Int64?

  /// How many bytes of the store are free for new rows. It grows as rows are deleted; an engine that can't tell gives the same number
  /// always.
  func freeBytes() throws(LedgerFailure) -> Int64
}

/// A transaction that reads: it sees every commit that was acknowledged before it began, and none that began later.
public protocol LedgerReader: LedgerTransaction {
  /// Whether the store may have been moved or replaced under this process, as far as a reader can tell. The writer makes sure.
  func mayBeReplaced() -> Bool

  /// What is wrong with the store's structure; empty if nothing. Reads all of it.
  func faults() throws(LedgerFailure) -> [String]
}
