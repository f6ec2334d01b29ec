import Foundation
import GRDB
import Logging

/// The ledger's file: one writer behind a queue, readers apart from it, durable commits (WAL with `synchronous=FULL`).
///
/// Any number of processes may have it open; their batches, checkpoints and closing pass one turnstile.
public final class LedgerDatabase: Sendable {
  /// The bounds and sizes of an open ledger.
  public struct Options: Sendable {
    public var readersMax = 2
    public var queueDepthMax = 4_096
    public var batchMax = 256
    /// The log is copied into the file beyond this size, and cut to nothing beyond the next.
    public var checkpointBytes = 16 << 20
    public var truncateBytes = 128 << 20
    /// How often and how long a statement waits for another process: `busyTriesMax` times 300 microseconds.
    public var busyTriesMax = 15_000
    /// A bound on the file's size, for tests of a full disk.
    public var pagesMax: Int?
    public init() {}
  }

  private let pool: DatabasePool
  private let turnstile: TurnstileBox
  private let writes: WriteQueue
  private let reads: ReadQueue
  private let onFatal: @Sendable (LedgerFailure) -> Void

  /// The turnstile belongs to the writer's thread; GRDB's writer queue lends it to one closure at a time.
  private struct TurnstileBox: @unchecked Sendable {
    // Invariant: only closures on GRDB's serial writer queue, and the thread that opens or closes the ledger, use it.
    let turnstile: Turnstile
  }

  /// Opens the file, makes it from `schema` if it is new, migrates it if it is older than `version`.
  /// - Parameters:
  ///   - migrations: for each version the SQL that leads to it from the one before.
  ///   - onFatal: called when the outcome of a commit is unknown: stop the process, the file tells at its next start.
  public init(
    path: String, schema: String, version: Int, migrations: [Int: String] = [:], options: Options = Options(),
    onFatal: @escaping @Sendable (LedgerFailure) -> Void, log: Logger
  ) throws {
    let turnstile = try Turnstile(besides: path)
    var configuration = Configuration()
    configuration.maximumReaderCount = options.readersMax
    configuration.persistentReadOnlyConnections = true
    let tries = options.busyTriesMax
    configuration.busyMode = .callback { count in
      usleep(300)
      return count < tries
    }
    let pool = try turnstile.pass { () throws -> DatabasePool in
      let pool = try DatabasePool(path: path, configuration: configuration)
      try pool.writeWithoutTransaction { db in
        try db.execute(
          sql: "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = \(options.truncateBytes); PRAGMA wal_autocheckpoint = 0")
        guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2 else {
          throw LedgerFailure(.internal("SQLite does not keep synchronous=FULL"))
        }
        try Self.migrate(db, schema: schema, version: version, migrations: migrations)
        if let pages = options.pagesMax { try db.execute(sql: "PRAGMA max_page_count = \(pages)") }
      }
      return pool
    }
    let box = TurnstileBox(turnstile: turnstile)
    let fatal: @Sendable (LedgerFailure) -> Void = { failure in
      log.critical("The outcome of a commit is unknown: stopping", metadata: ["failure": "\(failure.kind)"])
      onFatal(failure)
    }
    let writes = WriteQueue(bounds: .init(depthMax: options.queueDepthMax, batchMax: options.batchMax)) { body in
      pool.asyncWriteWithoutTransaction { _ in body() }
    } commit: { batch, bounds in
      pool.unsafeReentrantBatch(path: path, turnstile: box.turnstile, options: options, batch: batch, bounds: bounds, onFatal: fatal)
    }
    self.pool = pool
    self.turnstile = box
    self.writes = writes
    self.onFatal = fatal
    reads = ReadQueue(readersMax: options.readersMax) { body in pool.asyncRead { body($0) } }
  }

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
    try await withCheckedThrowingContinuation { continuation in
      let item = ReadQueue.Item(
        run: { db in continuation.resume(with: Result { try body(db) }) }, fail: { continuation.resume(throwing: $0) })
      do { try reads.add(item) } catch { continuation.resume(throwing: error) }
    }
  }

  /// Commits and operations so far: how many shared one commit.
  public var batches: (commits: Int, operations: Int) {
    (writes.batches.load(ordering: .relaxed), writes.operations.load(ordering: .relaxed))
  }

  /// Operations that wait for the writer.
  public var depth: Int { writes.depth }

  /// Refuses new writes, lets all that wait commit, and closes the file.
  public func close() async {
    await writes.close()
    // The last connection copies the log into the file: that is a checkpoint, so it passes the turnstile too.
    turnstile.turnstile.pass { try? pool.close() }
  }

  private static func migrate(_ db: Database, schema: String, version: Int, migrations: [Int: String]) throws {
    let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
    guard found <= version else {
      throw LedgerFailure(.internal("the ledger is of version \(found), newer than this program's \(version): start the newer one"))
    }
    if found == 0 {
      try db.inTransaction(.immediate) {
        try db.execute(sql: schema)
        try db.execute(sql: "PRAGMA user_version = \(version)")
        return .commit
      }
      return
    }
    for next in (found..<version).map({ $0 + 1 }) {
      guard let sql = migrations[next] else { throw LedgerFailure(.internal("there is no migration to version \(next)")) }
      try db.inTransaction(.immediate) {
        try db.execute(sql: sql)
        try db.execute(sql: "PRAGMA user_version = \(next)")
        return .commit
      }
    }
  }
}

extension DatabasePool {
  /// One batch through the turnstile, on the writer's queue; then, if the log has grown, a checkpoint under the same lock.
  fileprivate func unsafeReentrantBatch(
    path: String, turnstile: Turnstile, options: LedgerDatabase.Options, batch: [WriteQueue.Item], bounds: WriteQueue.Bounds,
    onFatal: @Sendable (LedgerFailure) -> Void
  ) {
    turnstile.pass {
      do {
        try unsafeReentrantWrite { db in
          try GroupCommit(db: db, bounds: bounds).run(batch)
          let logBytes = (try? FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? Int) ?? 0
          guard logBytes > options.checkpointBytes else { return }
          // A reader may hold the log: what is not copied now is copied after a later batch.
          _ = try? db.checkpoint(logBytes > options.truncateBytes ? .truncate : .passive)
        }
      } catch { onFatal(error as? LedgerFailure ?? LedgerFailure(.outcomeUnknown)) }
    }
  }
}
