import GatehouseCore
import NIOCore
import NIOPosix
import Synchronization

enum MultiThreadedLoop {
  /// The event loop that is running, else the group's next.
  static func current(in group: any EventLoopGroup) -> any EventLoop {
    guard let current = MultiThreadedEventLoopGroup.currentEventLoop, group.makeIterator().contains(where: { $0 === current }) else {
      return group.next()
    }
    return current
  }
}

/// Waits for the answers of several DELs; true only if every one was answered.
final class DropTally: Sendable {
  private let state: Mutex<(left: Int, all: Bool)>
  private let done: @Sendable (Bool) -> Void

  init(expected: Int, done: @escaping @Sendable (Bool) -> Void) {
    state = Mutex((expected, true))
    self.done = done
    if expected == 0 { done(true) }
  }

  func answered(_ good: Bool) {
    let all: Bool? = state.withLock { state in
      state.left -= 1
      state.all = state.all && good
      return state.left == 0 ? state.all : nil
    }
    if let all { done(all) }
  }
}
