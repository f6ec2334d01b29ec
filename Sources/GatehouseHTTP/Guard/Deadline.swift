import NIOCore

/// One deadline that moves often and rarely passes: a move costs no timer, as the one that runs looks again when it fires.
///
/// It is the handler of its timer: a timer with a closure would also have a future, and all that belongs to both, for each idle connection.
final class Deadline<Kind>: NIOScheduledCallbackHandler {
  private var current: (kind: Kind, at: NIODeadline)?
  private var timer: (scheduled: NIOScheduledCallback, at: NIODeadline)?
  private var loop: (any EventLoop)?
  private var passed: ((Kind) -> Void)?

  /// Call it before the first deadline. `passed` is called on the loop when a deadline passes unmoved.
  func start(on loop: any EventLoop, _ passed: @escaping (Kind) -> Void) {
    self.loop = loop
    self.passed = passed
  }

  /// Sets the deadline to `delay` from now.
  func set(_ kind: Kind, in delay: TimeAmount) {
    // The connection may be gone.
    guard passed != nil else { return }
    let at = NIODeadline.now() + delay
    current = (kind, at)
    if let timer, timer.at <= at { return }
    timer?.scheduled.cancel()
    schedule(at)
  }

  /// Takes the deadline away. The timer that runs finds nothing to do.
  func clear() { current = nil }

  /// Ends the timer too, for when the connection is gone.
  func cancel() {
    current = nil
    timer?.scheduled.cancel()
    timer = nil
    passed = nil
  }

  private func schedule(_ at: NIODeadline) {
    // A loop that is shut down takes no timer, and has no connection left.
    guard let loop, let scheduled = try? loop.assumeIsolated().scheduleCallback(at: at, handler: self) else { return }
    timer = (scheduled, at)
  }

  /// The loop calls it when the timer fires.
  func handleScheduledCallback(eventLoop: some EventLoop) {
    timer = nil
    guard let current else { return }
    if current.at > NIODeadline.now() {
      schedule(current.at)
    } else {
      self.current = nil
      passed?(current.kind)
    }
  }
}
