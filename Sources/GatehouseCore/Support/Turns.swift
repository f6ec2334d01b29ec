import Synchronization

/// Lets a bounded number of tasks work at once; the others wait, and who has waited longest goes on first. How many wait is bounded by
/// the callers: the requests that a process serves.
final class Turns: Sendable {
  private struct TurnQueue {
    var free: Int
    var queue: [CheckedContinuation<Void, Never>] = []
    var queueStart = 0

    mutating func popFirst() -> CheckedContinuation<Void, Never>? {
      guard queueStart < queue.count else { return nil }
      defer {
        queueStart += 1
        if queueStart == queue.count {
          queue.removeAll()
          queueStart = 0
        }
      }
      return queue[queueStart]
    }
  }

  private let state: Mutex<TurnQueue>

  init(atOnce: Int) { state = Mutex(TurnQueue(free: atOnce)) }

  /// Returns when it is the caller's turn; `leave` must follow.
  func enter() async {
    await withCheckedContinuation { continuation in
      let isFree = state.withLock { state in
        guard state.free == 0 else {
          state.free -= 1
          return true
        }
        state.queue.append(continuation)
        return false
      }
      if isFree { continuation.resume() }
    }
  }

  /// Hands the turn to the next.
  func leave() {
    let next = state.withLock { state in
      let next = state.popFirst()
      if next == nil { state.free += 1 }
      return next
    }
    next?.resume()
  }
}
