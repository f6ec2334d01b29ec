import Dispatch
import Foundation
import MetricTable
import Metrics
import Synchronization

/// Lines on their way to a file, mostly standard error, which may be a pipe that nobody reads: no caller ever waits for it.
///
/// One thread of its own writes. Lines that find no room in the bounded buffer are dropped and counted; the count is said in the log as
/// soon as it flows again.
final class LogSink: Sendable {
  /// The most bytes that wait to be written.
  static let bytesMax = 1 << 20
  /// How long the end of the process waits for a log that is read slowly, or not at all.
  static let endPatience: Duration = .seconds(1)
  /// How long the end waits for the log after a second signal, from an operator who does not want to wait.
  static let secondSignalPatience: Duration = .milliseconds(100)

  static let standardError = LogSink(STDERR_FILENO)

  private struct State {
    var waiting: [UInt8] = []
    var dropped = 0
    var isWriting = false
  }

  private let file: Int32
  private let bytesMax: Int
  private let counter: Counter
  private let sayDropped: @Sendable (Int) -> [UInt8]
  private let queue = DispatchQueue(label: "gatehouse.log")
  private let state = Mutex(State())

  /// - Parameter sayDropped: the line that says how many were dropped.
  init(_ file: Int32, bytesMax: Int = bytesMax, sayDropped: @escaping @Sendable (Int) -> [UInt8] = JSONLines.dropped) {
    self.file = file
    self.bytesMax = bytesMax
    self.sayDropped = sayDropped
    counter = ServiceMetric.logLinesDropped.counter()
  }

  /// Hands whole lines over; returns at once.
  func add(_ lines: [UInt8]) {
    let (isTaken, starts) = state.withLock { state in
      guard state.waiting.count + lines.count <= bytesMax else {
        state.dropped += 1
        return (false, false)
      }
      state.waiting += lines
      defer { state.isWriting = true }
      return (true, !state.isWriting)
    }
    if !isTaken { counter.increment() }
    if starts { queue.async { self.writeAll() } }
  }

  /// Waits until the lines that were handed over are written, for so long at most, and not for those that go on coming; whether they
  /// are. Blocks.
  @discardableResult func flush(within patience: Duration) -> Bool {
    let rest = DispatchWorkItem { _ = self.writeWaiting() }
    queue.async(execute: rest)
    return rest.wait(timeout: .now() + patience / .seconds(1)) == .success
  }

  /// One piece at a time, so that a flush finds its turn between two.
  private func writeAll() {
    if writeWaiting() { queue.async { self.writeAll() } }
  }

  /// Whether anything waited.
  private func writeWaiting() -> Bool {
    guard let bytes = next() else { return false }
    if !write(bytes) {
      // Nobody will ever read it: that must not stop the service.
      counter.increment()
    }
    return true
  }

  /// The lines that wait, and at their end how many lines were dropped after them.
  private func next() -> [UInt8]? {
    let (bytes, dropped): ([UInt8]?, Int) = state.withLock { state in
      guard !state.waiting.isEmpty else {
        state.isWriting = false
        return (nil, 0)
      }
      defer { (state.waiting, state.dropped) = ([], 0) }
      return (state.waiting, state.dropped)
    }
    guard let bytes else { return nil }
    return dropped > 0 ? bytes + sayDropped(dropped) : bytes
  }

  private func write(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { bytes in
      var left = bytes[...]
      while !left.isEmpty {
        let written = Glibc.write(file, UnsafeRawBufferPointer(rebasing: left).baseAddress, left.count)
        if written > 0 {
          left = left.dropFirst(written)
        } else if written < 0, errno == EAGAIN {
          // Somebody else made the pipe non-blocking; this thread may wait.
          var wanted = pollfd(file, Int16(POLLOUT))
          poll(&wanted, 1, -1)
        } else if written == 0 || errno != EINTR {
          return false
        }
      }
      return true
    }
  }
}

extension pollfd {
  fileprivate init(_ file: Int32, _ events: Int16) { self.init(fd: file, events: events, revents: 0) }
}
