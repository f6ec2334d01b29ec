import CSQLite
import Dispatch
import Foundation
import GRDB
import Logging
import Synchronization

/// The ledger's file: one writer behind a queue, readers apart from it, durable commits (WAL with `synchronous=FULL`).
///
/// Any number of processes may have it open; their batches and checkpoints pass one turnstile.
public final class LedgerDatabase: Sendable {
  /// The bounds and sizes of an open ledger.
  public struct Options: Sendable {
    public var readersMax = 2
    /// The readers of lists, and of exports: those of decisions never wait for them.
    public var listReadersMax = 2
    public var exportReadersMax = 1
    public var queueDepthMax = 4_096
    public var batchMax = 256
    /// A write that has waited this long for the writer is refused, and nothing of it was written: a process that is stopped while it
    /// writes, or a program that holds the file, holds the writers up until it goes on or ends.
    public var writeWaitMax: Duration = .seconds(3)
    /// The log is copied into the file beyond this size, and its file cut to nothing beyond the next, both as far as readers allow.
    public var checkpointBytes = 16 << 20
    public var truncateBytes = 128 << 20
    /// A reader that keeps the log from being copied for so long is told of.
    public var readerToldAfter: Duration = .seconds(10)
    /// How long opening the file waits for other processes that write to it.
    public var openWaitMax: Duration = .seconds(5)
    public init() {}
  }

  /// What a read is for: each lane has readers of its own.
  enum Lane: CaseIterable {
    /// Rows that a decision or a change waits for.
    case decisions
    /// Pages of lists.
    case lists
    /// Whole accounts.
    case exports
  }

  private let pool: DatabasePool
  private let box: TurnstileBox
  private let openWaitMax: Duration
  private let writes: WriteQueue
  private let reads: [Lane: ReadQueue]
  private let file: FileAndLog
  private let suspicion: Suspicion
  private let onFatal: @Sendable (LedgerFailure) -> Void
  /// A pool that is closed has no connection left to be asked.
  private let isEnded = Mutex(false)

  /// The turnstile belongs to the writer's thread; GRDB's writer queue lends it to one closure at a time.
  private struct TurnstileBox: @unchecked Sendable {
    // Invariant: only closures on GRDB's serial writer queue use it, but for the thread that opens the ledger, before there are any,
    // and the one that closes it, after the last.
    let turnstile: Turnstile
  }

  /// Opens the file, makes it from `schema` if it is new, migrates it if it is older than `version`. Throws `LedgerFailure`, or
  /// GRDB's error when the file can't be opened.
  /// - Parameters:
  ///   - migrations: for each version the SQL that leads to it from the one before.
  ///   - onFatal: called once when the outcome of a commit is unknown: stop the process, the file tells at its next start.
  public init(
    path: String, schema: String, version: Int, migrations: [Int: String] = [:], options: Options = Options(),
    onFatal: @escaping @Sendable (LedgerFailure) -> Void, log: Logger
  ) throws {
    let box = TurnstileBox(turnstile: try Turnstile(besides: path))
    let migrations = Migrations(schema: schema, version: version, steps: migrations)
    let keeper = LogKeeper(path: path, options: options, log: log)
    let suspicion = Suspicion()
    let onFatal: @Sendable (LedgerFailure) -> Void = { failure in
      log.critical("The ledger stops", metadata: ["failure": "\(failure)"])
      onFatal(failure)
    }
    let (pool, file) = try box.turnstile.pass(within: options.openWaitMax) { () throws(LedgerFailure) in
      try Self.open(path, migrations, options, keeper)
    }
    writes = WriteQueue(depthMax: options.queueDepthMax, batchMax: options.batchMax, waitMax: options.writeWaitMax) {
      body throws(LedgerFailure) in
      try box.turnstile.pass(body)
    } begin: { body in
      pool.asyncWriteWithoutTransaction(body)
    } commit: { db, batch throws(LedgerFailure) in
      do throws(LedgerFailure) {
        let answered = try GroupCommit(db: db) { () throws(LedgerFailure) in
          try file.verifyLog(db)
        } verify: { () throws(LedgerFailure) in
          try file.verify(db)
        }
        .run(batch)
        if suspicion.isRaised.exchange(false, ordering: .relaxed) { try file.verify(db) }
        return answered
      } catch {
        if error.kind == .fileReplaced, file.rescue(db) {
          log.critical("The ledger's log was removed while it was open: all that was acknowledged has been copied into the file")
        }
        throw error
      }
    } upkeep: { db throws(LedgerFailure) in
      try keeper.goOn(db) { () throws(LedgerFailure) in try file.prepareCopy(db) }
    } onNews: { news in
      Self.tell(news, path, log)
    } onStop: { failure in
      onFatal(failure)
    }
    let begin: ReadQueue.Begin = { body in pool.asyncRead(body) }
    reads = [
      .decisions: ReadQueue(readersMax: options.readersMax, begin: begin),
      .lists: ReadQueue(readersMax: options.listReadersMax, depthMax: 512, batchMax: 1, begin: begin),
      .exports: ReadQueue(readersMax: options.exportReadersMax, depthMax: 64, batchMax: 1, begin: begin),
    ]
    self.pool = pool
    self.box = box
    self.suspicion = suspicion
    self.onFatal = onFatal
    openWaitMax = options.openWaitMax
    self.file = file
  }

  /// Runs `body` in a transaction on the calling thread, which it blocks: for the start alone, before anybody else has the ledger.
  func prepare<T>(_ body: (Database) throws -> T) throws -> T {
    try box.turnstile.pass(within: openWaitMax) { () throws(LedgerFailure) in
      do {
        return Result<T, any Error>.success(
          try pool.writeWithoutTransaction { db in
            var value: T?
            try db.inTransaction(.immediate) {
              value = try body(db)
              return .commit
            }
            guard let value else { throw LedgerFailure(.internal("The transaction was not begun.")) }
            return value
          })
      } catch { return .failure(error) }
    }.get()
  }

  /// Whether writes are still taken: false once the ledger is closed, or stopped by a commit of unknown outcome.
  public var isOpen: Bool { writes.isOpen }

  /// Runs `body` in a transaction with whatever else waits, and returns after its commit. `body` may run more than once before that:
  /// it must be repeatable. Errors that it throws undo what it wrote and nothing else.
  public func write<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      let item = WriteQueue.Item(
        run: { db in
          let value = try body(db)
          return { continuation.resume(returning: value) }
        }, fail: { continuation.resume(throwing: $0) })
      do { try writes.add(item) } catch { continuation.resume(throwing: error) }
    }
  }

  /// Runs `body` with the next batch, without waiting. What the queue has no room for is dropped: only for what may be lost.
  public func enqueue(_ body: @escaping @Sendable (Database) throws -> Void) {
    let item = WriteQueue.Item(
      run: { db in
        try body(db)
        return {}
      }, fail: { _ in })
    try? writes.add(item)
  }

  /// Runs `body` in a read transaction that begins after this call.
  public func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
    try await read(for: .decisions, body)
  }

  /// The same, on the readers of a lane.
  func read<T: Sendable>(for lane: Lane, _ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
    guard let reads = reads[lane] else { throw LedgerFailure(.closed) }
    return try await withCheckedThrowingContinuation { continuation in
      let item = ReadQueue.Item(
        run: { db in continuation.resume(with: Result { try body(db) }) }, fail: { continuation.resume(throwing: $0) })
      do { try reads.add(item) } catch { continuation.resume(throwing: error) }
    }
  }

  /// Whether the writer is to look at file and log even if it could commit nothing.
  private final class Suspicion: Sendable {
    let isRaised = Atomic(false)
  }

  /// Looks whether the file at the path is still the one that is open, from a read. If it may not be, the writer looks at once, and
  /// stops if it is not.
  func watchFile(_ db: Database) {
    if file.hasChanged(db) { suspectFile() }
  }

  /// The same after SQLite has called the file damaged, or no ledger at all: its content may be another's.
  func suspectFile() {
    suspicion.isRaised.store(true, ordering: .relaxed)
    enqueue { _ in }
  }

  /// What SQLite finds wrong with the file's structure; empty if nothing. Reads all of it.
  public func faults() async throws -> [String] {
    try await read { db in
      do { return try String.fetchAll(db, sql: "PRAGMA quick_check").filter { $0 != "ok" } } catch let error as DatabaseError {
        // Damage can be such that the check itself ends.
        guard LedgerFailure.isOfContent(error) else { throw error }
        return [error.message ?? "it can't be read"]
      }
    }
  }

  /// Batches and operations so far: how many shared one commit.
  public var batches: (commits: Int, operations: Int) {
    (writes.batches.load(ordering: .relaxed), writes.operations.load(ordering: .relaxed))
  }

  /// Operations that wait for the writer.
  public var depth: Int { writes.depth }

  /// Refuses new work, lets all that waits finish, copies the log into the file unless somebody else is at it, and closes the file. A write
  /// that waits for another process is refused in time; the file is then left for the end of this process to close.
  public func close() async {
    let isFree = await writes.close()
    for queue in reads.values { await queue.close() }
    guard isFree else { return }
    // Closing waits for GRDB's queues: not on a thread that tasks need.
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async { [self] in
        isEnded.withLock { isEnded in
          guard !isEnded else { return }
          copyAtEnd()
          try? pool.close()
          isEnded = true
        }
        continuation.resume()
      }
    }
  }

  /// The log is as durable as the file, but a copy of the file alone would lack it. Nobody is waited for.
  private func copyAtEnd() {
    box.turnstile.passIfFree {
      do {
        try pool.writeWithoutTransaction { db in
          try file.prepareCopy(db)
          _ = try db.checkpoint(.truncate)
        }
      } catch let failure as LedgerFailure where failure.isFatal {
        onFatal(failure)
      } catch {
        // A reader or another program is in the way: the log stays beside the file.
      }
    }
  }
}

extension LedgerDatabase {
  private static func open(
    _ path: String, _ migrations: Migrations, _ options: Options, _ keeper: LogKeeper
  ) throws(LedgerFailure) -> (DatabasePool, FileAndLog) {
    var configuration = Configuration()
    configuration.maximumReaderCount = options.readersMax + options.listReadersMax + options.exportReadersMax
    configuration.persistentReadOnlyConnections = true
    // Readers wait for nobody once the file is open; opening it waits for programs without the turnstile.
    configuration.busyMode = .timeout(options.openWaitMax / .seconds(1))
    // What the file's triggers ask: it costs a change of the service's own next to nothing.
    let source = DatabaseFunction("sqlite_source_id", argumentCount: 0, pure: true) { _ in "gatehouse" }
    configuration.prepareDatabase { db in
      db.add(function: source)
      // A checkpoint belongs under the turnstile, and a connection is closed wherever its process happens to end.
      guard gatehouse_never_checkpoint_on_close(db.sqliteConnection) == SQLITE_OK else {
        throw LedgerFailure(.internal("SQLite can't be kept from checkpoints on close: install SQLite 3.31 or later."))
      }
    }
    do {
      let pool = try DatabasePool(path: path, configuration: configuration)
      let file = try pool.writeWithoutTransaction { db in
        // GRDB runs a log with NORMAL and sets it after preparing the connection.
        try db.execute(sql: "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = \(options.checkpointBytes)")
        guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2 else {
          throw LedgerFailure(.internal("SQLite does not keep synchronous=FULL."))
        }
        try migrations.run(db)
        let file = try FileAndLog(path, db)
        keeper.watch(db)
        // From here on the writer waits outside SQLite, with nothing locked.
        sqlite3_busy_timeout(db.sqliteConnection, 0)
        return file
      }
      return (pool, file)
    } catch let error as LedgerFailure {
      throw error
    } catch {
      throw Self.failure(atOpening: error)
    }
  }

  /// SQLite's own words, without the statement that they came from.
  private static func failure(atOpening error: any Error) -> LedgerFailure {
    guard let error = error as? DatabaseError else { return LedgerFailure(.internal("\(error)")) }
    if let failure = LedgerFailure(error), failure.kind == .damaged { return failure }
    guard error.resultCode != .SQLITE_READONLY else {
      return LedgerFailure(.internal("it can only be read: check its owner, its mode, and whether its file system is mounted for writing"))
    }
    return LedgerFailure(.internal("SQLite error \(error.extendedResultCode.rawValue), \(error.message ?? "without a message")"))
  }

  /// Says who holds the writer up, as far as Linux knows.
  private static func tell(_ news: WriteQueue.News, _ path: String, _ log: Logger) {
    switch news {
    case .heldUp:
      let holders = [LockHolders.of(path + ".writer", .wholeFile), LockHolders.of(path + "-shm", .writesLog)]
      log.warning(
        "The ledger's writer waits for another program, or for the disk: calls that write are answered 503 until it goes on",
        metadata: ["holders": .array(Set(holders.joined()).map { .string($0.description) }.sorted { "\($0)" < "\($1)" })])
    case .goesOn(let after):
      log.notice("The ledger's writer goes on", metadata: ["held_ms": "\(after.wholeMilliseconds)"])
    }
  }
}
