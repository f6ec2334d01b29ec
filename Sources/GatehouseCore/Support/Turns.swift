import Synchronization

/// Lets a bounded number work at once; the others wait, and who has waited longest goes on first. How many wait is bounded by the callers:
/// the requests that a process serves.
final class Turns: Sendable {
  private struct TurnQueue {
    var free: Int
    /// nil once it has gone on: what it holds goes with it.
    var queue: [(@Sendable () -> Void)?] = []
    var queueStart = 0

    mutating func popFirst() -> (@Sendable () -> Void)? {
      guard queueStart < queue.count else { return nil }
      let next = queue[queueStart]
      queue[queueStart] = nil
      queueStart += 1
      // A queue that is never empty does not grow: what has gone on is at most as much as waits.
      if 2 * queueStart >= queue.count {
        queue.removeFirst(queueStart)
        queueStart = 0
      }
      return next
    }
  }

  private let state: Mutex<TurnQueue>

  init(atOnce: Int) { state = Mutex(TurnQueue(free: atOnce)) }

  /// Calls `go` when it is the caller's turn: at once, or from the `leave` of another, which must follow it.
  func enter(_ go: @escaping @Sendable () -> Void) {
    let isFree = state.withLock { state in
      guard state.free == 0 else {
        state.free -= 1
        return true
      }
      state.queue.append(go)
      return false
    }
    if isFree { go() }
  }

  /// Returns when it is the caller's turn; `leave` must follow.
  func enter() async { await withCheckedContinuation { continuation in enter { continuation.resume() } } }

  /// Hands the turn to the next.
  func leave() {
    let next = state.withLock { state in
      let next = state.popFirst()
      if next == nil { state.free += 1 }
      return next
    }
    next?()
  }
}
