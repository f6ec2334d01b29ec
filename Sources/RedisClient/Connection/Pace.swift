import NIOCore

/// How many commands may be unanswered at once so that the last of them is answered in time: by how long each of the last ones took
/// while there were many. A queue that is longer than that makes its own time-outs, which look like an outage and are none.
struct Pace {
  /// However slow the answers are, this many may be on their way.
  static let countMin = 32
  /// Answers count from so many unanswered commands on: with fewer it is the way that takes the time, not the work.
  static let busyCount = 32
  /// The longest that the queue may take, as a share of a command's deadline: `1 / deadlineShare`.
  private static let deadlineShare: Int64 = 2
  /// Answers that are remembered; from then on the older half counts half.
  private static let memory: Int64 = 512

  private let deadline: TimeAmount
  private var busy: Int64 = 0
  private var answers: Int64 = 0
  private var lastAnswer = NIODeadline.distantPast
  private var lastCounted = false

  init(deadline: TimeAmount) { self.deadline = deadline }

  /// An answer came.
  /// - Parameters:
  ///   - waiting: unanswered commands before it.
  ///   - sentAt: when its command was sent.
  mutating func answered(now: NIODeadline, waiting: Int, sentAt: NIODeadline) {
    // Answers of one read have one instant: the first of them bears the time of all, so all of them count or none.
    lastCounted = waiting >= Self.busyCount || now == lastAnswer && lastCounted
    defer { lastAnswer = now }
    guard lastCounted else { return }
    busy += max(0, (now - max(lastAnswer, sentAt)).nanoseconds)
    answers += 1
    guard answers >= Self.memory else { return }
    busy /= 2
    answers /= 2
  }

  /// Unanswered commands that are not too many; nil while nothing is known.
  var countMax: Int? {
    guard answers >= Int64(Self.countMin), busy > 0 else { return nil }
    let count = deadline.nanoseconds / Self.deadlineShare * answers / busy
    return max(Self.countMin, Int(clamping: count))
  }
}
