import GRDB
import Synchronization

/// Reads of all that waits in one read transaction: many times the rate of one hop a read. A read that starts after a commit was
/// answered sees it.
final class ReadQueue: Sendable {
  /// A read with its caller: it runs and answers within the transaction, or fails.
  struct Item: Sendable {
    let run: @Sendable (Database) -> Void
    let fail: @Sendable (any Error) -> Void
  }

  static let depthMax = 8_192
  static let batchMax = 64

  private struct State {
    var waiting: [Item] = []
    var running = 0
  }

  private let readersMax: Int
  private let begin: @Sendable (@escaping @Sendable (Result<Database, any Error>) -> Void) -> Void
  private let state = Mutex(State())

  init(readersMax: Int, begin: @escaping @Sendable (@escaping @Sendable (Result<Database, any Error>) -> Void) -> Void) {
    self.readersMax = readersMax
    self.begin = begin
  }

  func add(_ item: Item) throws(LedgerFailure) {
    let starts = try state.withLock { state throws(LedgerFailure) in
      guard state.waiting.count < Self.depthMax else { throw LedgerFailure(.overloaded) }
      state.waiting.append(item)
      guard state.running < readersMax else { return false }
      state.running += 1
      return true
    }
    if starts { next() }
  }

  private func next() {
    begin { result in
      // SQLite takes its snapshot at the first statement, so whoever is taken here asked before it and sees every commit before that.
      let batch = self.state.withLock { state in
        let batch = Array(state.waiting.prefix(Self.batchMax))
        state.waiting.removeFirst(batch.count)
        return batch
      }
      switch result {
      case .success(let db): for item in batch { item.run(db) }
      case .failure(let error): for item in batch { item.fail(error) }
      }
      let more = self.state.withLock { state in
        if state.waiting.isEmpty { state.running -= 1 }
        return !state.waiting.isEmpty
      }
      if more { self.next() }
    }
  }
}
