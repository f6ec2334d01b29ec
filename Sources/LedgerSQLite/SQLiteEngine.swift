import Synchronization
import CSQLite
import Foundation
import GRDB
import GatehouseLedger
import Logging

/// A ledger's file with its log (WAL with `synchronous=FULL`). Any number of processes may have it open; their batches and checkpoints pass
/// one turnstile, so commits are in one order and no process starves.
final class SQLiteEngine: LedgerEngine {
  /// The turnstile belongs to the writer's thread; GRDB's writer queue lends it to one closure at a time.
  private struct TurnstileBox: @unchecked Sendable {
    // Invariant: only closures on GRDB's serial writer queue use it, but for the thread that opens the ledger, before there are any,
    // and the one that closes it, after the last.
    let turnstile: Turnstile
  }

  private let path: String
  private let pool: DatabasePool
  private let box: TurnstileBox
  private let openWaitMax: Duration
  private let store: SQLiteStore

  /// Opens the file, makes it if it is new, migrates it if it is older. Throws `LedgerFailure`.
  init(path: String, _ migrations: Migrations, _ options: SQLiteOptions, log: Logger) throws {
    let box = TurnstileBox(turnstile: try Turnstile(besides: path))
    let pace = CheckpointPace(
      copyBeyondBytes: options.checkpointBytes, cutBeyondBytes: options.truncateBytes, tellAfter: options.readerToldAfter)
    let keeper = LogKeeper(path: path, pace: pace, log: log)
    let (pool, file) = try box.turnstile.pass(within: options.openWaitMax) { () throws(LedgerFailure) in
      try Self.open(path, migrations, options, keeper)
    }
    self.path = path
    self.pool = pool
    self.box = box
    openWaitMax = options.openWaitMax
    store = SQLiteStore(file: file, version: migrations.version, keeper: keeper, log: log)
  }

  func write(_ body: @escaping @Sendable (any LedgerWriter) -> Void) {
    pool.asyncWriteWithoutTransaction { [store] db in body(SQLiteTransaction(db: db, store: store)) }
  }

  func admit(_ body: () throws(LedgerFailure) -> Void) throws(LedgerFailure) { try box.turnstile.pass(body) }

  func read(_ body: @escaping @Sendable (Result<any LedgerReader, LedgerFailure>) -> Void) {
    pool.asyncRead { [store] reader in
      body(reader.map { SQLiteTransaction(db: $0, store: store) }.mapError { LedgerFailure(reading: $0) })
    }
  }

  func prepare(_ body: (any LedgerTransaction) throws -> Void) throws {
    try box.turnstile.pass(within: openWaitMax) { () throws(LedgerFailure) in
      Result {
        do {
          try pool.writeWithoutTransaction { db in
            try db.inTransaction(.immediate) {
              let transaction = SQLiteTransaction(db: db, store: store)
              guard try transaction.hasVersion() else { throw LedgerFailure(.migrated) }
              try body(transaction)
              return .commit
            }
          }
        } catch let error as DatabaseError {
          // Of the begin or the commit: statements have failures already.
          throw LedgerFailure(opening: error)
        }
      }
    }.get()
  }

  func suspect() { store.isSuspect.store(true, ordering: .relaxed) }

  func holders() -> [String] {
    let holders = [LockHolders.of(path + ".writer", .wholeFile), LockHolders.of(path + "-shm", .writesLog)]
    return Set(holders.joined()).map(\.description).sorted()
  }

  /// Copies the log into the file unless somebody else is at it, and closes the file. The log's content is as durable as the file's,
  /// but a copy of the file alone would lack it. Nobody is waited for.
  func close() throws(LedgerFailure) {
    var fatal: LedgerFailure?
    box.turnstile.passIfFree {
      do {
        try pool.writeWithoutTransaction { db in
          try store.file.prepareCopy(db)
          _ = try db.checkpoint(.truncate)
        }
      } catch let failure as LedgerFailure where failure.isFatal {
        fatal = failure
      } catch {
        // A reader or another program is in the way: the log stays beside the file.
      }
    }
    try? pool.close()
    if let fatal { throw fatal }
  }
}

extension SQLiteEngine {
  /// Without its statistics of memory SQLite takes no lock of the whole process at each allocation. False if it has begun already: then
  /// they stay.
  private static let isWithoutMemoryStatistics = gatehouse_drop_memory_statistics() == SQLITE_OK

  private static func open(
    _ path: String, _ migrations: Migrations, _ options: SQLiteOptions, _ keeper: LogKeeper
  ) throws(LedgerFailure) -> (DatabasePool, FileAndLog) {
    var configuration = Configuration()
    configuration.maximumReaderCount = options.bounds.connectionsMax
    configuration.persistentReadOnlyConnections = true
    // Readers wait for nobody once the file is open; opening it waits for programs without the turnstile.
    configuration.busyMode = .timeout(options.openWaitMax / .seconds(1))
    _ = Self.isWithoutMemoryStatistics
    configuration.prepareDatabase { db in
      // The file's triggers call it: it costs a change of the service's own next to nothing.
      guard gatehouse_name_source(db.sqliteConnection) == SQLITE_OK else {
        throw LedgerFailure(.internal("SQLite takes no function for the triggers of the ledger."))
      }
      try db.execute(sql: "PRAGMA cache_size = -\(options.cacheKibibytes(reads: db.configuration.readonly))")
      // A checkpoint belongs under the turnstile, and a connection is closed wherever its process happens to end.
      guard gatehouse_never_checkpoint_on_close(db.sqliteConnection) == SQLITE_OK else {
        throw LedgerFailure(.internal("SQLite can't be kept from checkpoints on close: install SQLite 3.31 or later."))
      }
    }
    do {
      var birth = NewLedger(path, companions: options.companions, isAccepted: options.acceptsNew)
      if birth.isDue { try birth.begin() }
      let pool = try DatabasePool(path: path, configuration: configuration)
      let file = try pool.writeWithoutTransaction { db in
        // GRDB runs a log with NORMAL and sets it after preparing the connection.
        try db.execute(sql: "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = \(options.logKeptBytes)")
        guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2 else {
          throw LedgerFailure(.internal("SQLite does not keep synchronous=FULL."))
        }
        try migrations.run(db) { () throws(LedgerFailure) in try birth.begin() }
        try birth.end()
        let file = try FileAndLog(path, db)
        keeper.watch(db)
        // From here on the writer waits outside SQLite, with nothing locked.
        sqlite3_busy_timeout(db.sqliteConnection, 0)
        return file
      }
      return (pool, file)
    } catch { throw LedgerFailure(opening: error) }
  }
}
