import Dispatch
import GRDB
import Glibc
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
  /// Answers the first operations of a batch there, at least one if there is any; how many. Throws `busy` when another program holds the
  /// file, then nobody has been answered, and `outcomeUnknown`, then all of them have.
  typealias Commit = @Sendable (Database, [Item]) throws(LedgerFailure) -> Int

  /// What is due after a batch. Gives in how long the writer is to be called again even if nobody writes. Throws `outcomeUnknown`.
  typealias Upkeep = @Sendable (Database) throws(LedgerFailure) -> Duration?

  /// Runs a closure there when this process may write, however long that takes. Throws what it does, or why it may not.
  typealias Admit = @Sendable (() throws(LedgerFailure) -> Void) throws(LedgerFailure) -> Void

  /// The writer can't write for others, or can again.
  enum News: Equatable {
    case heldUp
    case goesOn(after: Duration)
  }

  /// Between two tries while another program holds the file. Nothing is locked meanwhile: other processes try as well.
  static let busyPauses: ClosedRange<Duration> = .microseconds(300)...(.milliseconds(20))

  fileprivate struct State {
    var waiting: [Item] = []
    /// Since when the writer has let callers wait too long: until it goes on, nobody else need wait.
    var stuckSince: ContinuousClock.Instant?
    /// Whether the last try found the file held by another program.
    var isBusy = false
    var isWatched = false
    var isDraining = false
    /// Whether a batch is with the writer: its callers are answered when it is done.
    var isCommitting = false
    /// Whether the writer goes round once more even if nobody waits, and whether it will be called to.
    var isWanted = false
    var isCalled = false
    var isClosed = false
    var idle: [CheckedContinuation<Void, Never>] = []
  }

  private let depthMax: Int
  private let batchMax: Int
  private let waitMax: Duration
  private let admit: Admit
  private let begin: Begin
  private let commit: Commit
  private let upkeep: Upkeep
  private let onNews: @Sendable (News) -> Void
  private let onStop: @Sendable (LedgerFailure) -> Void
  private let metrics: QueueMetrics
  private let state = Mutex(State())
  let batches = Atomic<Int>(0)
  let operations = Atomic<Int>(0)

  /// - Parameters:
  ///   - waitMax: who has waited this long for the writer is refused with `overloaded`; nothing happened then.
  ///   - onNews: called on a thread that may block.
  ///   - onStop: called once, after `commit` threw and all that waited was failed.
  init(
    depthMax: Int, batchMax: Int, waitMax: Duration = .seconds(60), metrics: QueueMetrics = QueueMetrics(),
    admit: @escaping Admit = { body throws(LedgerFailure) in try body() }, begin: @escaping Begin, commit: @escaping Commit,
    upkeep: @escaping Upkeep = { _ throws(LedgerFailure) in nil }, onNews: @escaping @Sendable (News) -> Void = { _ in },
    onStop: @escaping @Sendable (LedgerFailure) -> Void
  ) {
    self.depthMax = depthMax
    self.batchMax = batchMax
    self.waitMax = waitMax
    self.admit = admit
    self.begin = begin
    self.commit = commit
    self.upkeep = upkeep
    self.onNews = onNews
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
      guard state.stuckSince == nil else { throw LedgerFailure(state.isBusy ? .busy : .overloaded) }
      guard state.waiting.count < depthMax else { throw LedgerFailure(.overloaded) }
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
    let (late, next, failure, isNew, idle) = state.withLock { state in
      let late = state.waiting.prefix { $0.since.duration(to: now) >= waitMax }
      state.waiting.removeFirst(late.count)
      let isNew = !late.isEmpty && state.stuckSince == nil
      if isNew, let first = late.first { state.stuckSince = first.since }
      let next = state.waiting.first.map { max(waitMax - $0.since.duration(to: now), .zero) }
      state.isWatched = next != nil
      return (late, next, LedgerFailure(state.isBusy ? .busy : .overloaded), isNew, state.whoWaitsForTheEnd())
    }
    if let next { watch(after: next) }
    for item in late { item.fail(failure) }
    if isNew { onNews(.heldUp) }
    for continuation in idle { continuation.resume() }
  }

  /// Refuses what comes from now on and returns when all that came before is answered. Gives whether the writer is free too: it is not
  /// while it waits for another process.
  func close() async -> Bool {
    await withCheckedContinuation { continuation in
      let idle = state.withLock { state in
        state.isClosed = true
        state.idle.append(continuation)
        return state.whoWaitsForTheEnd()
      }
      for continuation in idle { continuation.resume() }
    }
    return state.withLock { !$0.isDraining }
  }

  private func drain(_ db: Database) {
    var pause = Self.busyPauses.lowerBound
    while goesOn() {
      do {
        // What waits is taken only now that it may be written: until then its callers can be refused.
        try admit { () throws(LedgerFailure) in try round(db) }
        pause = Self.busyPauses.lowerBound
      } catch {
        switch error.kind {
        case _ where error.isFatal:
          stop()
          return onStop(error)
        case .busy:
          usleep(UInt32(pause / .microseconds(1)))
          pause = min(pause * 2, Self.busyPauses.upperBound)
        default:
          // This process was not let in: nothing was run.
          let batch = take()
          for item in batch { item.fail(error) }
          done([])
        }
      }
    }
  }

  /// One batch, which may be empty.
  private func round(_ db: Database) throws(LedgerFailure) {
    let batch = take()
    let start = ContinuousClock.now
    let answered: Int
    do { answered = try commit(db, batch) } catch {
      if error.kind == .busy { isHeld(batch) }
      throw error
    }
    if answered > 0 {
      metrics.committed(answered, since: start)
      batches.add(1, ordering: .relaxed)
      operations.add(answered, ordering: .relaxed)
    }
    done(batch[answered...])
    if let wait = try upkeep(db) { call(after: wait) }
  }

  /// The writer has written; `left` wait on.
  private func done(_ left: ArraySlice<Item>) {
    let since = state.withLock { state in
      state.putBack(left)
      state.isBusy = false
      defer { state.stuckSince = nil }
      return state.stuckSince
    }
    watchIfNeeded()
    if let since { onNews(.goesOn(after: since.duration(to: .now))) }
  }

  /// Another program holds the file: `batch` waits on, and the writer tries until it lets go.
  private func isHeld(_ batch: [Item]) {
    state.withLock { state in
      state.putBack(batch[...])
      state.isBusy = true
      state.isWanted = true
    }
    watchIfNeeded()
  }

  private func watchIfNeeded() {
    let wait = state.withLock { state -> Duration? in
      guard !state.isWatched, let first = state.waiting.first else { return nil }
      state.isWatched = true
      return max(waitMax - first.since.duration(to: .now), .zero)
    }
    if let wait { watch(after: wait) }
  }

  /// Calls the writer for an empty batch, unless one is called already.
  private func call(after wait: Duration) {
    let isFirst = state.withLock { state in
      defer { state.isCalled = true }
      return !state.isCalled
    }
    guard isFirst else { return }
    DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(Int(wait / .milliseconds(1)) + 1)) { [weak self] in
      guard let self else { return }
      let starts = state.withLock { state in
        state.isCalled = false
        guard !state.isClosed else { return false }
        state.isWanted = true
        defer { state.isDraining = true }
        return !state.isDraining
      }
      if starts { begin { self.drain($0) } }
    }
  }

  /// Whether the writer has something to do; at the end, whoever waits for the drain is told.
  private func goesOn() -> Bool {
    let idle: [CheckedContinuation<Void, Never>]? = state.withLock { state in
      let isWanted = state.isWanted && !state.isClosed
      state.isWanted = false
      guard state.waiting.isEmpty, !isWanted else { return nil }
      state.isDraining = false
      return state.whoWaitsForTheEnd()
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
      state.isCommitting = !batch.isEmpty
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
      state.isCommitting = false
      let abandoned = state.waiting
      state.waiting = []
      return (abandoned, state.whoWaitsForTheEnd())
    }
    for item in abandoned { item.fail(LedgerFailure(.closed)) }
    for continuation in idle { continuation.resume() }
  }
}

extension WriteQueue.State {
  /// Gives back what was taken and not answered; it stands first.
  fileprivate mutating func putBack(_ items: ArraySlice<WriteQueue.Item>) {
    waiting.insert(contentsOf: items, at: 0)
    isCommitting = false
  }

  /// Who is to be told that all is answered, if it is.
  fileprivate mutating func whoWaitsForTheEnd() -> [CheckedContinuation<Void, Never>] {
    guard isClosed, waiting.isEmpty, !isCommitting else { return [] }
    defer { idle = [] }
    return idle
  }
}
