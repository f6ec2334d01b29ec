import NIOCore

/// One deadline that moves often and rarely passes: a move costs no timer, as the one that runs looks again when it fires.
final class Deadline<Kind> {
  private var current: (kind: Kind, at: NIODeadline)?
  private var timer: (scheduled: Scheduled<Void>, at: NIODeadline)?

  /// Sets the deadline to `delay` from now. `passed` is called on the loop when it passes unmoved.
  func set(_ kind: Kind, in delay: TimeAmount, on loop: any EventLoop, _ passed: @escaping (Kind) -> Void) {
    let at = NIODeadline.now() + delay
    current = (kind, at)
    if let timer, timer.at <= at { return }
    timer?.scheduled.cancel()
    schedule(at, on: loop, passed)
  }

  /// Takes the deadline away. The timer that runs finds nothing to do.
  func clear() { current = nil }

  /// Ends the timer too, for when the connection is gone.
  func cancel() {
    current = nil
    timer?.scheduled.cancel()
    timer = nil
  }

  private func schedule(_ at: NIODeadline, on loop: any EventLoop, _ passed: @escaping (Kind) -> Void) {
    let scheduled = loop.assumeIsolated().scheduleTask(deadline: at) {
      self.timer = nil
      guard let current = self.current else { return }
      if current.at > NIODeadline.now() {
        self.schedule(current.at, on: loop, passed)
      } else {
        self.current = nil
        passed(current.kind)
      }
    }
    timer = (scheduled, at)
  }
}
