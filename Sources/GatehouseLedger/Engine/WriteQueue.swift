import Dispatch
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

  /// Runs a closure there when this process may write, however long that takes. Throws what it does, or why it may not.
  typealias Admit = @Sendable (() throws(LedgerFailure) -> Void) throws(LedgerFailure) -> Void

  private struct State {
    var waiting: [Item] = []
    /// Whether the last look found callers that had waited too long: until the writer goes on, nobody else need wait.
    var isStuck = false
    var isWatched = false
    var isDraining = false
    var isClosed = false
    var idle: [CheckedContinuation<Void, Never>] = []
  }

  private let depthMax: Int
  private let batchMax: Int
  private let waitMax: Duration
  private let admit: Admit
  private let begin: Begin
  private let commit: Commit
  private let onStop: @Sendable (LedgerFailure) -> Void
  private let metrics: QueueMetrics
  private let state = Mutex(State())
  let batches = Atomic<Int>(0)
  let operations = Atomic<Int>(0)

  /// - Parameters:
  ///   - waitMax: who has waited this long for the writer is refused with `overloaded`; nothing happened then.
  ///   - onStop: called once, after `commit` threw and all that waited was failed.
  init(
    depthMax: Int, batchMax: Int, waitMax: Duration = .seconds(60), metrics: QueueMetrics = QueueMetrics(),
    admit: @escaping Admit = { body throws(LedgerFailure) in try body() }, begin: @escaping Begin, commit: @escaping Commit,
    onStop: @escaping @Sendable (LedgerFailure) -> Void
  ) {
    self.depthMax = depthMax
    self.batchMax = batchMax
    self.waitMax = waitMax
    self.admit = admit
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
    let (starts, watches) = try state.withLock { state throws(LedgerFailure) in
      guard !state.isClosed else { throw LedgerFailure(.closed) }
      guard state.waiting.count < depthMax, !state.isStuck else { throw LedgerFailure(.overloaded) }
      state.waiting.append(item)
      defer { (state.isDraining, state.isWatched) = (true, true) }
      return (!state.isDraining, !state.isWatched)
    }
    if starts { begin { self.drain($0) } }
    if watches { watch(after: waitMax) }
  }

  /// Refuses who has waited too long; looks again for as long as somebody waits. Another process that holds the writer's lock and
  /// does nothing, being stopped or stuck at its disk, must not hang the calls of this one.
  private func watch(after wait: Duration) {
    DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(Int(wait / .milliseconds(1)) + 1)) { [weak self] in
      self?.look()
    }
  }

  private func look() {
    let now = ContinuousClock.now
    let (late, next) = state.withLock { state -> (ArraySlice<Item>, Duration?) in
      let late = state.waiting.prefix { $0.since.duration(to: now) >= waitMax }
      state.waiting.removeFirst(late.count)
      if !late.isEmpty { state.isStuck = true }
      let next = state.waiting.first.map { waitMax - $0.since.duration(to: now) }
      state.isWatched = next != nil
      return (late, next)
    }
    if let next { watch(after: next) }
    for item in late { item.fail(LedgerFailure(.overloaded)) }
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
    while goesOn() {
      do {
        // What waits is taken only now that it may be written: until then its callers can be refused.
        try admit { () throws(LedgerFailure) in
          let batch = take()
          guard !batch.isEmpty else { return }
          let start = ContinuousClock.now
          let done = try commit(db, batch)
          metrics.committed(done, since: start)
          batches.add(1, ordering: .relaxed)
          operations.add(done, ordering: .relaxed)
          if done < batch.count { state.withLock { $0.waiting.insert(contentsOf: batch[done...], at: 0) } }
        }
      } catch {
        guard error.kind == .outcomeUnknown else {
          // This process was not let in: nothing was run.
          for item in take() { item.fail(error) }
          continue
        }
        stop()
        return onStop(error)
      }
    }
  }

  /// Whether anything waits; at the end, whoever waits for the drain is told.
  private func goesOn() -> Bool {
    let idle: [CheckedContinuation<Void, Never>]? = state.withLock { state in
      state.isStuck = false
      guard state.waiting.isEmpty else { return nil }
      state.isDraining = false
      defer { state.idle = [] }
      return state.idle
    }
    guard let idle else { return true }
    for continuation in idle { continuation.resume() }
    return false
  }

  /// The next batch.
  private func take() -> [Item] {
    let (batch, left) = state.withLock { state -> ([Item], Int) in
      let batch = Array(state.waiting.prefix(batchMax))
      state.waiting.removeFirst(batch.count)
      return (batch, state.waiting.count)
    }
    if let first = batch.first { metrics.taken(since: first.since, left: left) }
    return batch
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
