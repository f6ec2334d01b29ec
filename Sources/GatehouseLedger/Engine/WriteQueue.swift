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
  }

  /// The bounds of the queue.
  struct Bounds: Sendable {
    var depthMax = 4_096
    var batchMax = 256
    /// After this many operations of one batch found the disk full, the rest fail without a try.
    var fullRetriesMax = 4
  }

  private struct State {
    var waiting: [Item] = []
    var isDraining = false
    var isClosed = false
    var idle: [CheckedContinuation<Void, Never>] = []
  }

  private let bounds: Bounds
  private let begin: @Sendable (@escaping @Sendable () -> Void) -> Void
  private let commit: @Sendable ([Item], Bounds) -> Void
  private let state = Mutex(State())
  let batches = Atomic<Int>(0)
  let operations = Atomic<Int>(0)

  /// - Parameters:
  ///   - begin: runs a closure on the writer's thread.
  ///   - commit: runs a batch there and answers all of it.
  init(
    bounds: Bounds, begin: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void,
    commit: @escaping @Sendable ([Item], Bounds) -> Void
  ) {
    self.bounds = bounds
    self.begin = begin
    self.commit = commit
  }

  /// Operations that wait now.
  var depth: Int { state.withLock { $0.waiting.count } }

  /// Hands an operation over; false if the queue is full or closed (then `item.fail` is not called).
  func add(_ item: Item) throws(LedgerFailure) {
    let starts = try state.withLock { state throws(LedgerFailure) in
      guard !state.isClosed else { throw LedgerFailure(.closed) }
      guard state.waiting.count < bounds.depthMax else { throw LedgerFailure(.overloaded) }
      state.waiting.append(item)
      defer { state.isDraining = true }
      return !state.isDraining
    }
    if starts { begin { self.drain() } }
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

  /// Fails all that waits and all that comes: the outcome of a commit is unknown.
  func stop() {
    let abandoned = state.withLock { state in
      state.isClosed = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for item in abandoned { item.fail(LedgerFailure(.closed)) }
  }

  private func drain() {
    while true {
      let (batch, idle) = state.withLock { state -> ([Item], [CheckedContinuation<Void, Never>]) in
        let batch = Array(state.waiting.prefix(bounds.batchMax))
        state.waiting.removeFirst(batch.count)
        guard batch.isEmpty else { return (batch, []) }
        state.isDraining = false
        defer { state.idle = [] }
        return ([], state.idle)
      }
      guard !batch.isEmpty else {
        for continuation in idle { continuation.resume() }
        return
      }
      batches.add(1, ordering: .relaxed)
      operations.add(batch.count, ordering: .relaxed)
      commit(batch, bounds)
    }
  }
}
