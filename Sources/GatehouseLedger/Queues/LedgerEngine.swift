/// A database as the ledger needs it: one connection that writes, some that read, and a thread for each. Queues, batches, deadlines, SQL
/// and rules are the ledger's and the same for every engine.
///
/// The rules are built on five promises. An engine that breaks one breaks the service in ways that no test of a single call shows:
///
/// 1. **Commits are in one order, across all processes.** Of two transactions that write, one sees all of the other. So a limit that is
///    checked and taken in one transaction is never passed, and `change_seq` numbers the changes in the order of their commits.
/// 2. **A closure may run more than once before its transaction commits**, after what the earlier run wrote is gone. So closures are
///    repeatable: they change nothing but the ledger, and whatever is random or read from a clock is made before them.
/// 3. **A read that begins after a commit was acknowledged sees it**, whichever process committed. So the lease poll of one process hears
///    of what another has answered.
/// 4. **The feed's numbers are in the order of the commits.** Whoever has read up to a number never misses a lower one that is committed
///    later. With the first promise an ascending key gives that; an engine whose transactions overlap must number at the commit.
/// 5. **An acknowledged commit is durable**: it is there after the process, the engine or the host is stopped at any instant.
///
/// The suite in `Tests/LedgerContract` holds an engine to them.
public protocol LedgerEngine: Sendable {
  /// Runs `body` on the thread of the connection that writes, behind what runs there already.
  func write(_ body: @escaping @Sendable (any LedgerWriter) -> Void)

  /// Runs `body` when this process may write, however long that takes; on the writer's thread, which it blocks. Throws what `body` does,
  /// or why it was not run. Processes that wait are let in in the order in which they came.
  func admit(_ body: () throws(LedgerFailure) -> Void) throws(LedgerFailure)

  /// Runs `body` on the thread of a connection that reads, in a transaction that may be older than this call; or with why there is none.
  func read(_ body: @escaping @Sendable (Result<any LedgerReader, LedgerFailure>) -> Void)

  /// Runs `body` in a transaction that writes, on the calling thread, which it blocks: for the start alone, before anybody else has the
  /// ledger. Throws what `body` does.
  func prepare(_ body: (any LedgerTransaction) throws -> Void) throws

  /// The programs that hold the writer up now, as far as can be known: for a line of the log.
  func holders() -> [String]

  /// Has the writer look with the next upkeep whether the store is still the one that was opened.
  func suspect()

  /// Closes all connections. Blocks; called once, when nothing is with the engine any more. Throws what is fatal: something that was
  /// acknowledged may be lost.
  func close() throws(LedgerFailure)
}
