/// Decides when the log is copied into the ledger, and when it is cut as well. While a reader stands in the way, the steps come ever more
/// slowly, and that is told once.
///
/// A reader of an old state keeps what is younger out of the ledger, and every reader of the log keeps the log from beginning anew.
struct CheckpointPace {
  enum Step {
    /// Copies what no reader keeps in the log; the next commit begins the log anew if it can.
    case copy
    /// Copies what no reader keeps in the log, and cuts the log's file to nothing if nobody reads it.
    case cut
  }

  /// News that is said once.
  enum News: Equatable {
    /// For so long the log could not be copied or begun anew.
    case held(Duration)
    /// It could again, after so long.
    case free(Duration)
  }

  /// Between two steps while somebody is in the way: twice as long each time.
  static let pauses: ClosedRange<Duration> = .milliseconds(50)...(.seconds(2))

  private struct Hindrance {
    let since: ContinuousClock.Instant
    var pause: Duration
    var next: ContinuousClock.Instant
    var isTold = false
  }

  let copyBeyondBytes: Int
  let cutBeyondBytes: Int
  let tellAfter: Duration
  private var hindrance: Hindrance?
  private var ended: Duration?
  /// How long the log was when all of it had been copied.
  private var copiedBytes: Int?

  init(copyBeyondBytes: Int, cutBeyondBytes: Int, tellAfter: Duration) {
    self.copyBeyondBytes = copyBeyondBytes
    self.cutBeyondBytes = cutBeyondBytes
    self.tellAfter = tellAfter
  }

  /// The step to take now that the log has `logBytes`; nil for none.
  mutating func step(logBytes: Int, at now: ContinuousClock.Instant) -> Step? {
    guard logBytes > copyBeyondBytes else {
      copiedBytes = nil
      end(at: now)
      return nil
    }
    if let copiedBytes {
      if logBytes == copiedBytes, logBytes <= cutBeyondBytes { return nil }
      if logBytes > copiedBytes {
        // A commit was to begin it anew and could not.
        self.copiedBytes = nil
        hinder(at: now)
      }
    }
    if let hindrance, now < hindrance.next { return nil }
    return logBytes > cutBeyondBytes ? .cut : .copy
  }

  /// Notes what has become of a step: the log now has `logBytes`, all of it copied or not.
  mutating func took(_ step: Step, logBytes: Int, isCopied: Bool, at now: ContinuousClock.Instant) {
    copiedBytes = isCopied ? logBytes : nil
    if isCopied, step == .copy || logBytes == 0 { end(at: now) } else { hinder(at: now) }
  }

  /// In how long to look again if no commit comes before; nil when a commit is soon enough.
  func looksAgain(at now: ContinuousClock.Instant) -> Duration? {
    hindrance.map { max(now.duration(to: $0.next), .zero) }
  }

  /// The news to be said now, and not again; nil for none.
  mutating func news(at now: ContinuousClock.Instant) -> News? {
    if let after = ended {
      ended = nil
      return .free(after)
    }
    guard let held = hindrance, !held.isTold, held.since.duration(to: now) >= tellAfter else { return nil }
    hindrance?.isTold = true
    return .held(held.since.duration(to: now))
  }

  private mutating func hinder(at now: ContinuousClock.Instant) {
    var next = hindrance ?? Hindrance(since: now, pause: Self.pauses.lowerBound / 2, next: now)
    next.pause = min(next.pause * 2, Self.pauses.upperBound)
    next.next = now + next.pause
    hindrance = next
  }

  private mutating func end(at now: ContinuousClock.Instant) {
    if let hindrance, hindrance.isTold { ended = hindrance.since.duration(to: now) }
    hindrance = nil
  }
}
