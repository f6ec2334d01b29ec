import NIOCore

/// One deadline that moves often and rarely passes: a move costs no timer, as the one that runs looks again when it fires.
final class Deadline<Kind> {
  private var current: (kind: Kind, at: NIODeadline)?
  private var timer: (scheduled: Scheduled<Void>, at: NIODeadline)?
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
    guard let loop else { return }
    let scheduled = loop.assumeIsolated().scheduleTask(deadline: at) {
      self.timer = nil
      guard let current = self.current else { return }
      if current.at > NIODeadline.now() {
        self.schedule(current.at)
      } else {
        self.current = nil
        self.passed?(current.kind)
      }
    }
    timer = (scheduled, at)
  }
}
