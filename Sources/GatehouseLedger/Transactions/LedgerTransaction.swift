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

/// A connection that reads, in a transaction: all its statements see the same commits.
public protocol LedgerReader: LedgerTransaction {
  /// Begins a new transaction in place of the open one: it sees every commit that was acknowledged before this call, by any process.
  func refresh() throws(LedgerFailure)

  /// Whether the store may have been moved, replaced or migrated under this process, as far as a reader can tell. The writer makes sure.
  func mayBeReplaced() -> Bool

  /// The faults in the store's structure; empty if it is sound. Reads all of it.
  func faults() throws(LedgerFailure) -> [String]
}

/// The connection that writes.
public protocol LedgerWriter: LedgerTransaction {
  /// Whether a transaction is open. An engine may end one by itself when a statement fails.
  var isInTransaction: Bool { get }

  /// How many rows this connection has inserted, changed and deleted so far. It grows with every write, and with nothing else.
  var changedRows: Int { get }

  /// Runs `body` in a transaction and commits it: durable when this returns. An error that `body` throws rolls it back. An engine may run
  /// `body` anew after what it wrote is gone.
  ///
  /// The transaction is alone: none of another connection or process that writes overlaps with it, so whatever `body` reads is still so
  /// at the commit. Throws `busy` without having run `body` while another program writes, and `migrated` without having run it once the
  /// store has another version than this program's. After any other throw that is not fatal nothing of the transaction is there; after
  /// `outcomeUnknown` and `fileReplaced` that is not known.
  func transaction(_ body: () throws -> Void) throws(LedgerFailure)

  /// Runs `body` within the open transaction. An error undoes what it wrote and nothing else, unless `isInTransaction` is false then.
  func savepoint<T>(_ body: () throws -> T) throws -> T

  /// Does what is due after a batch. Gives in how long it is due again even if no batch comes; nil if that is soon enough. Throws a fatal
  /// failure: nothing may be acknowledged any more.
  func upkeep() throws(LedgerFailure) -> Duration?
}
