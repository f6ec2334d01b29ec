import NIOCore
import NIOPosix

enum MultiThreadedLoop {
  /// The event loop that is running, else the group's next.
  static func current(in group: any EventLoopGroup) -> any EventLoop {
    guard let current = MultiThreadedEventLoopGroup.currentEventLoop, group.makeIterator().contains(where: { $0 === current }) else {
      return group.next()
    }
    return current
  }
}
