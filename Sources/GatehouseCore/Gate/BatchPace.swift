/// How many questions of a batch are asked together: fewer when Redis takes longer for them than it should. Pure.
///
/// A batch never makes a command late by itself: with `piecesMax` of the largest pieces before it a command waits for a small part of its
/// deadline. Where Redis, or the machine, is so slow that this would not hold, the pieces become smaller; and since everybody's commands
/// are slow then, batches give way to single questions.
struct BatchPace: Sendable {
  /// However slow Redis is, so many are asked together: a batch ends.
  static let countMin = 2
  /// Some half a millisecond of Redis's time.
  static let countMax = 32
  /// The longest that a piece should take, from its first question to its last answer: a tenth of a command's deadline.
  static let target: Duration = .milliseconds(Lease.commandDeadlineMilliseconds / 10)

  private(set) var count = countMax

  /// A piece of so many questions was answered in this time.
  mutating func answered(_ asked: Int, in time: Duration) {
    if time > Self.target {
      count = max(Self.countMin, min(count, asked / 2))
    } else if asked >= count, time < Self.target / 2 {
      count = min(Self.countMax, count + max(1, count / 4))
    }
  }
}
