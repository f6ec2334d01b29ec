import Synchronization

/// Reads of all that waits in one read transaction: many times the rate of one hop a read. A read that starts after a commit was
/// answered sees it.
final class ReadQueue: Sendable {
  /// A read with its caller: it runs and answers within the transaction, or fails.
  struct Item: Sendable {
    let run: @Sendable (any LedgerReader) -> Void
    let fail: @Sendable (any Error) -> Void
  }

  /// Runs a closure on a reader's thread, in a read transaction that may be older than what waits.
  typealias Begin = @Sendable (@escaping @Sendable (Result<any LedgerReader, LedgerFailure>) -> Void) -> Void

  private struct State {
    var waiting: [Item] = []
    var running = 0
    var isClosed = false
    var idle: [CheckedContinuation<Void, Never>] = []
  }

  private let readersMax: Int
  private let depthMax: Int
  private let batchMax: Int
  private let begin: Begin
  private let state = Mutex(State())

  /// - Parameters:
  ///   - readersMax: how many transactions are open at once.
  ///   - batchMax: how many reads share one.
  init(readersMax: Int, depthMax: Int = 8_192, batchMax: Int = 64, begin: @escaping Begin) {
    self.readersMax = readersMax
    self.depthMax = depthMax
    self.batchMax = batchMax
    self.begin = begin
  }

  /// Hands a read over. Throws `overloaded` or `closed`; then `item.fail` is not called.
  func add(_ item: Item) throws(LedgerFailure) {
    let starts = try state.withLock { state throws(LedgerFailure) in
      guard !state.isClosed else { throw LedgerFailure(.closed) }
      guard state.waiting.count < depthMax else { throw LedgerFailure(.overloaded) }
      state.waiting.append(item)
      guard state.running < readersMax else { return false }
      state.running += 1
      return true
    }
    if starts { begin { self.serve($0) } }
  }

  /// Refuses what comes from now on and returns when all that came before is answered.
  func close() async {
    await withCheckedContinuation { continuation in
      let done = state.withLock { state in
        state.isClosed = true
        guard state.running > 0 else { return true }
        state.idle.append(continuation)
        return false
      }
      if done { continuation.resume() }
    }
  }

  private func serve(_ reader: Result<any LedgerReader, LedgerFailure>) {
    while let batch = take() {
      do {
        let reader = try reader.get()
        // The snapshot at hand may have been taken before the youngest of the batch asked: it must see all commits before that.
        try reader.refresh()
        for item in batch { item.run(reader) }
      } catch {
        for item in batch { item.fail(error) }
      }
    }
  }

  /// The next batch; nil at the end, when whoever waits for it is told.
  private func take() -> [Item]? {
    let (batch, idle) = state.withLock { state -> ([Item], [CheckedContinuation<Void, Never>]) in
      let batch = Array(state.waiting.prefix(batchMax))
      state.waiting.removeFirst(batch.count)
      guard batch.isEmpty else { return (batch, []) }
      state.running -= 1
      guard state.running == 0 else { return ([], []) }
      defer { state.idle = [] }
      return ([], state.idle)
    }
    for continuation in idle { continuation.resume() }
    return batch.isEmpty ? nil : batch
  }
}
