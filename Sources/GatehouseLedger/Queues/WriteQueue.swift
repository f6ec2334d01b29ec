import Dispatch
import Glibc
import Synchronization

/// The one writer of a process: callers hand it operations, it takes all that waits, runs them in one transaction and answers each
/// after the commit. 256 callers share one fsync.
///
/// An operation may run more than once before its transaction commits: it must be repeatable, and its only effect the database's.
final class WriteQueue: Sendable {
  /// An operation with its caller. `run` gives what to do once the batch is durable.
  struct Item: Sendable {
    let run: @Sendable (any LedgerTransaction) throws -> @Sendable () -> Void
    let fail: @Sendable (any Error) -> Void
  }

  /// The writer can't write for others, or can again.
  enum News: Equatable {
    case heldUp
    case goesOn(after: Duration)
  }

  /// Between two tries while another program holds the file. Nothing is locked meanwhile: other processes try as well.
  static let busyPauses: ClosedRange<Duration> = .microseconds(300)...(.milliseconds(20))

  private struct State {
    var backlog: WriteBacklog<Item>
    var idle: [CheckedContinuation<Void, Never>] = []

    /// The callers to be told that all is answered; none while it is not.
    mutating func whoWaitsForTheEnd() -> [CheckedContinuation<Void, Never>] {
      guard backlog.isOver else { return [] }
      defer { idle = [] }
      return idle
    }
  }

  private let engine: any LedgerEngine
  private let onNews: @Sendable (News) -> Void
  private let onStop: @Sendable (LedgerFailure) -> Void
  private let metrics: QueueMetrics
  private let state: Mutex<State>
  let batches = Atomic<Int>(0)
  let operations = Atomic<Int>(0)

  /// - Parameters:
  ///   - onNews: called on a thread that may block.
  ///   - onStop: called once, after a failure that is fatal, when all that waited was failed.
  init(
    engine: any LedgerEngine, bounds: LedgerBounds, metrics: QueueMetrics = QueueMetrics(),
    onNews: @escaping @Sendable (News) -> Void = { _ in }, onStop: @escaping @Sendable (LedgerFailure) -> Void
  ) {
    self.engine = engine
    self.onNews = onNews
    self.onStop = onStop
    self.metrics = metrics
    state = Mutex(
      State(backlog: WriteBacklog(depthMax: bounds.queueDepthMax, batchMax: bounds.batchMax, waitMax: bounds.writeWaitMax)))
  }

  /// Operations that wait now.
  var depth: Int { state.withLock { $0.backlog.depth } }

  /// Whether operations are still taken.
  var isOpen: Bool { state.withLock { !$0.backlog.isClosed } }

  /// Hands an operation over. Throws `overloaded`, `busy` or `closed`; then `item.fail` is not called.
  func add(_ item: Item) throws(LedgerFailure) {
    let (begins, look) = try state.withLock { state throws(LedgerFailure) in try state.backlog.add(item, at: .now) }
    if begins { begin() }
    if let look { self.look(after: look) }
  }

  private func begin() { engine.write { self.serve($0) } }

  private func look(after wait: Duration) {
    DispatchQueue.global().asyncAfter(deadline: wait.deadline) { [weak self] in self?.look() }
  }

  private func look() {
    let (late, idle) = state.withLock { state in (state.backlog.refuseLate(at: .now), state.whoWaitsForTheEnd()) }
    if let wait = late.lookAgain { look(after: wait) }
    for item in late.items { item.fail(late.failure) }
    if late.isFirst { onNews(.heldUp) }
    for continuation in idle { continuation.resume() }
  }

  /// Refuses what comes from now on and returns when all that came before is answered. Gives whether the writer is free too: it is not
  /// while it waits for another process.
  func close() async -> Bool {
    await withCheckedContinuation { continuation in
      let idle = state.withLock { state in
        state.backlog.close()
        state.idle.append(continuation)
        return state.whoWaitsForTheEnd()
      }
      for continuation in idle { continuation.resume() }
    }
    return state.withLock { !$0.backlog.isDraining }
  }

  private func serve(_ writer: any LedgerWriter) {
    var pause = Self.busyPauses.lowerBound
    while goesOn() {
      do {
        // The writes that wait are taken only now that they may be written: until then their callers can be refused.
        try engine.admit { () throws(LedgerFailure) in try round(writer) }
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
          for entry in take() { entry.item.fail(error) }
          wrote([])
        }
      }
    }
  }

  /// One batch, which may be empty.
  private func round(_ writer: any LedgerWriter) throws(LedgerFailure) {
    let batch = take()
    let start = ContinuousClock.now
    let answered: Int
    do { answered = try GroupCommit(writer: writer).run(batch.map(\.item)) } catch {
      if error.kind == .busy { isHeld(batch) }
      throw error
    }
    if answered > 0 {
      metrics.committed(answered, since: start)
      batches.add(1, ordering: .relaxed)
      operations.add(answered, ordering: .relaxed)
    }
    wrote(batch[answered...])
    if let wait = try writer.upkeep() { call(after: wait) }
  }

  private func take() -> [WriteBacklog<Item>.Entry] {
    let (batch, left) = state.withLock { state in (state.backlog.take(), state.backlog.depth) }
    if let first = batch.first { metrics.taken(since: first.since, left: left) }
    return batch
  }

  private func wrote(_ left: ArraySlice<WriteBacklog<Item>.Entry>) {
    let (since, look) = state.withLock { state in (state.backlog.wrote(left), state.backlog.nextLook(at: .now)) }
    if let look { self.look(after: look) }
    if let since { onNews(.goesOn(after: since.duration(to: .now))) }
  }

  private func isHeld(_ batch: [WriteBacklog<Item>.Entry]) {
    let look = state.withLock { state in
      state.backlog.isHeld(batch)
      return state.backlog.nextLook(at: .now)
    }
    if let look { self.look(after: look) }
  }

  /// Calls the writer for an empty batch, unless one is called already.
  private func call(after wait: Duration) {
    guard state.withLock({ $0.backlog.callsLater() }) else { return }
    DispatchQueue.global().asyncAfter(deadline: wait.deadline) { [weak self] in
      guard let self, state.withLock({ $0.backlog.isCalledNow() }) else { return }
      begin()
    }
  }

  /// Whether the writer has something to do; at the end, whoever waits for it is told.
  private func goesOn() -> Bool {
    let (goesOn, idle) = state.withLock { state in (state.backlog.goesOn(), state.whoWaitsForTheEnd()) }
    for continuation in idle { continuation.resume() }
    return goesOn
  }

  private func stop() {
    let (abandoned, idle) = state.withLock { state in (state.backlog.stop(), state.whoWaitsForTheEnd()) }
    for item in abandoned { item.fail(LedgerFailure(.closed)) }
    for continuation in idle { continuation.resume() }
  }
}

extension Duration {
  /// From now, and a millisecond more: never earlier.
  fileprivate var deadline: DispatchTime { .now() + .milliseconds(Int(self / .milliseconds(1)) + 1) }
}
