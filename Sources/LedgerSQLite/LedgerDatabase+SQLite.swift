import GatehouseLedger
import Logging

extension LedgerDatabase {
  /// Opens the ledger in the file at `path`, makes it if it is new, migrates it if it is older. Blocks the thread. Throws `LedgerFailure`.
  /// - Parameter onFatal: called once when the outcome of a commit is unknown: stop the process, the file tells at its next start.
  public static func sqlite(
    path: String, options: SQLiteOptions = SQLiteOptions(), onFatal: @escaping @Sendable (LedgerFailure) -> Void, log: Logger
  ) throws -> LedgerDatabase {
    try sqlite(path: path, .ofTheLedger, options: options, onFatal: onFatal, log: log)
  }

  /// Opens the ledger in the file at `path` with another schema than its own. Blocks the thread. Throws `LedgerFailure`.
  static func sqlite(
    path: String, _ migrations: Migrations, options: SQLiteOptions = SQLiteOptions(),
    onFatal: @escaping @Sendable (LedgerFailure) -> Void, log: Logger
  ) throws -> LedgerDatabase {
    LedgerDatabase(try SQLiteEngine(path: path, migrations, options, log: log), bounds: options.bounds, onFatal: onFatal, log: log)
  }
}
