import GRDB
import Synchronization

/// The one writer of a process: callers hand it operations, it takes all that waits, runs them in one transaction and answers each
/// after the commit. 256 callers share one fsync.
///
/// An operation may run more than once before its transaction commits: it must be repeatable, and its only effect the database's.
final class WriteQueue: Sendable {
  /// An operation with its caller. `run` gives what to do once the batch is durable.
  struct Item: Sendable {
    let run: @Sendable (Database) throws -> @Sendable () -> Void
    let fail: @Sendable (any Error) -> Void
    /// When its caller came.
    let since = ContinuousClock.now
  }

  /// Runs a closure on the writer's thread.
  typealias Begin = @Sendable (@escaping @Sendable (Database) -> Void) -> Void
  /// Answers the first operations of a batch there, at least one; how many. Throws when the outcome of a commit is unknown.
  typealias Commit = @Sendable (Database, [Item]) throws(LedgerFailure) -> Int

  private struct State {
    var waiting: [Item] = []
    var isDraining = false
    var isClosed = false
    var idle: [CheckedContinuation<Void, Never>] = []
  }

  private let depthMax: Int
  private let batchMax: Int
  private let begin: Begin
  private let commit: Commit
  private let onStop: @Sendable (LedgerFailure) -> Void
  private let metrics: QueueMetrics
  private let state = Mutex(State())
  let batches = Atomic<Int>(0)
  let operations = Atomic<Int>(0)

  /// - Parameter onStop: called once, after `commit` threw and all that waited was failed.
  init(
    depthMax: Int, batchMax: Int, metrics: QueueMetrics = QueueMetrics(), begin: @escaping Begin, commit: @escaping Commit,
    onStop: @escaping @Sendable (LedgerFailure) -> Void
  ) {
    self.depthMax = depthMax
    self.batchMax = batchMax
    self.begin = begin
    self.commit = commit
    self.onStop = onStop
    self.metrics = metrics
  }

  /// Operations that wait now.
  var depth: Int { state.withLock { $0.waiting.count } }

  /// Whether operations are still taken.
  var isOpen: Bool { state.withLock { !$0.isClosed } }

  /// Hands an operation over. Throws `overloaded` or `closed`; then `item.fail` is not called.
  func add(_ item: Item) throws(LedgerFailure) {
    let starts = try state.withLock { state throws(LedgerFailure) in
      guard !state.isClosed else { throw LedgerFailure(.closed) }
      guard state.waiting.count < depthMax else { throw LedgerFailure(.overloaded) }
      state.waiting.append(item)
      defer { state.isDraining = true }
      return !state.isDraining
    }
    if starts { begin { self.drain($0) } }
  }

  /// Refuses what comes from now on and returns when all that came before is answered.
  func close() async {
    await withCheckedContinuation { continuation in
      let done = state.withLock { state in
        state.isClosed = true
        guard state.isDraining else { return true }
        state.idle.append(continuation)
        return false
      }
      if done { continuation.resume() }
    }
  }

  private func drain(_ db: Database) {
    while let batch = take() {
      let start = ContinuousClock.now
      do {
        let done = try commit(db, batch)
        metrics.committed(done, since: start)
        batches.add(1, ordering: .relaxed)
        operations.add(done, ordering: .relaxed)
        if done < batch.count { state.withLock { $0.waiting.insert(contentsOf: batch[done...], at: 0) } }
      } catch {
        stop()
        return onStop(error)
      }
    }
  }

  /// The next batch; nil at the end, when whoever waits for the drain is told.
  private func take() -> [Item]? {
    let (batch, left, idle) = state.withLock { state -> ([Item], Int, [CheckedContinuation<Void, Never>]) in
      let batch = Array(state.waiting.prefix(batchMax))
      state.waiting.removeFirst(batch.count)
      guard batch.isEmpty else { return (batch, state.waiting.count, []) }
      state.isDraining = false
      defer { state.idle = [] }
      return ([], 0, state.idle)
    }
    if let first = batch.first { metrics.taken(since: first.since, left: left) }
    for continuation in idle { continuation.resume() }
    return batch.isEmpty ? nil : batch
  }

  /// Fails all that waits and refuses all that comes: nothing may be committed after a commit whose outcome is unknown.
  private func stop() {
    let (abandoned, idle) = state.withLock { state in
      state.isClosed = true
      state.isDraining = false
      defer {
        state.waiting = []
        state.idle = []
      }
      return (state.waiting, state.idle)
    }
    for item in abandoned { item.fail(LedgerFailure(.closed)) }
    for continuation in idle { continuation.resume() }
  }
}
