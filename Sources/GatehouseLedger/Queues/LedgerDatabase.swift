import Dispatch
import Logging
import Synchronization

/// An open ledger: one writer behind a queue, readers apart from it, durable commits. Which engine keeps the rows is nobody's business
/// beyond here.
public final class LedgerDatabase: Sendable {
  /// The purpose of a read: each lane has readers of its own.
  public enum Lane: CaseIterable, Sendable {
    /// Rows that a decision or a change waits for.
    case decisions
    /// Pages of lists.
    case lists
    /// Whole accounts.
    case exports
  }

  private let engine: any LedgerEngine
  private let writes: WriteQueue
  private let reads: [Lane: ReadQueue]
  private let onFatal: @Sendable (LedgerFailure) -> Void
  /// An engine that is closed has no connection left to be asked.
  private let isEnded = Mutex(false)

  /// Serves an engine that is open.
  /// - Parameter onFatal: called once when the outcome of a commit is unknown: stop the process, the store tells at its next start.
  public init(
    _ engine: any LedgerEngine, bounds: LedgerBounds = LedgerBounds(), onFatal: @escaping @Sendable (LedgerFailure) -> Void, log: Logger
  ) {
    let onFatal: @Sendable (LedgerFailure) -> Void = { failure in
      log.critical("The ledger stops", metadata: ["failure": "\(failure)"])
      onFatal(failure)
    }
    self.engine = engine
    self.onFatal = onFatal
    writes = WriteQueue(engine: engine, bounds: bounds) { news in
      Self.tell(news, engine, log)
    } onStop: {
      onFatal($0)
    }
    let begin: ReadQueue.Begin = { body in engine.read(body) }
    reads = [
      .decisions: ReadQueue(readersMax: bounds.readersMax, begin: begin),
      .lists: ReadQueue(readersMax: bounds.listReadersMax, depthMax: 512, batchMax: 1, begin: begin),
      .exports: ReadQueue(readersMax: bounds.exportReadersMax, depthMax: 64, batchMax: 1, begin: begin),
    ]
  }

  /// Runs `body` in a transaction on the calling thread, which it blocks: for the start alone, before anybody else has the ledger.
  func prepare<T>(_ body: (any LedgerTransaction) throws -> T) throws -> T {
    var value: T?
    try engine.prepare { value = try body($0) }
    guard let value else { throw LedgerFailure(.internal("The transaction was not begun.")) }
    return value
  }

  /// Whether writes are still taken: false once the ledger is closed, or stopped by a commit of unknown outcome.
  public var isOpen: Bool { writes.isOpen }

  /// Runs `body` in a transaction with whatever else waits, and returns after its commit. `body` may run more than once before that:
  /// it must be repeatable. Errors that it throws undo what it wrote and nothing else.
  @discardableResult
  public func write<T: Sendable>(_ body: @escaping @Sendable (any LedgerTransaction) throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      let item = WriteQueue.Item(
        run: { db in
          let value = try body(db)
          return { continuation.resume(returning: value) }
        }, fail: { continuation.resume(throwing: $0) })
      do { try writes.add(item) } catch { continuation.resume(throwing: error) }
    }
  }

  /// Runs `body` with the next batch, without waiting. A body that the queue has no room for is dropped: only for what may be lost.
  public func enqueue(_ body: @escaping @Sendable (any LedgerTransaction) throws -> Void) {
    let item = WriteQueue.Item(
      run: { db in
        try body(db)
        return {}
      }, fail: { _ in })
    try? writes.add(item)
  }

  /// Runs `body` in a read transaction that begins after this call, on the readers of a lane.
  public func read<T: Sendable>(
    for lane: Lane = .decisions, _ body: @escaping @Sendable (any LedgerReader) throws -> T
  ) async throws -> T {
    guard let reads = reads[lane] else { throw LedgerFailure(.closed) }
    return try await withCheckedThrowingContinuation { continuation in
      let item = ReadQueue.Item(
        run: { db in continuation.resume(with: Result { try body(db) }) }, fail: { continuation.resume(throwing: $0) })
      do { try reads.add(item) } catch { continuation.resume(throwing: error) }
    }
  }

  /// Looks whether the store is still the one that was opened, from a read. If it may not be, the writer looks at once, and stops if it
  /// is not.
  func watchStore(_ db: any LedgerReader) {
    if db.mayBeReplaced() { suspectStore() }
  }

  /// Has the writer look at once whether the store is still the one that was opened, and stop if it is not. For when the engine has called
  /// the store damaged, or no ledger at all: its content may be another's.
  func suspectStore() {
    engine.suspect()
    enqueue { _ in }
  }

  /// The faults in the store's structure; empty if it is sound. Reads all of it.
  public func faults() async throws -> [String] {
    try await read { db in try db.faults() }
  }

  /// Batches and operations so far: how many shared one commit.
  public var batches: (commits: Int, operations: Int) {
    (writes.batches.load(ordering: .relaxed), writes.operations.load(ordering: .relaxed))
  }

  /// Operations that wait for the writer.
  public var depth: Int { writes.depth }

  /// Refuses new work, lets all that waits finish, and closes the engine. A write that waits for another process is refused in time; the
  /// engine is then left for the end of this process to close.
  public func close() async {
    let isFree = await writes.close()
    for queue in reads.values { await queue.close() }
    guard isFree else { return }
    // Closing waits for the engine's threads: not on one that tasks need.
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async { [self] in
        isEnded.withLock { isEnded in
          guard !isEnded else { return }
          isEnded = true
          do throws(LedgerFailure) { try engine.close() } catch { onFatal(error) }
        }
        continuation.resume()
      }
    }
  }

  /// Says who holds the writer up, as far as the engine knows.
  private static func tell(_ news: WriteQueue.News, _ engine: any LedgerEngine, _ log: Logger) {
    switch news {
    case .heldUp:
      log.warning(
        "The ledger's writer waits for another program, or for the disk: calls that write are answered 503 until it goes on",
        metadata: ["holders": .array(engine.holders().map { .string($0) })])
    case .goesOn(let after):
      log.notice("The ledger's writer goes on", metadata: ["held_ms": "\(Int64(after / .milliseconds(1)))"])
    }
  }
}
