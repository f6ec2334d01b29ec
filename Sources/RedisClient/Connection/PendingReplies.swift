import NIOCore

/// The commands of one connection that Redis has not answered, in the order in which they were sent: the n-th reply belongs to the
/// n-th of them, whatever became of its caller.
struct PendingReplies<Caller> {
  /// The caller that a reply belongs to, and whether it may be used.
  enum Answer {
    case caller(Caller)
    /// It came after the deadline and the caller has not been told yet: it must not be used.
    case late(Caller)
    /// The caller has been told that there is no answer in time.
    case dropped
    /// Redis answered more than it was asked.
    case nobody
  }

  private struct Place {
    let sentAt: NIODeadline
    let deadline: NIODeadline
    /// nil once the caller has been told.
    var caller: Caller?
  }

  private let countMax: Int
  private let stallLimit: TimeAmount
  private var places = CircularBuffer<Place>()
  private var pace: Pace
  /// How many have given up. They are all at the front: nobody gives up before those in front of them.
  private var overdueCount = 0

  /// - Parameters:
  ///   - countMax: from how many on `isFull`; from fewer where the answers are so slow that the last would miss `deadline`.
  ///   - stallLimit: from when on an unanswered command means that the connection is dead.
  init(countMax: Int, stallLimit: TimeAmount, deadline: TimeAmount) {
    pace = Pace(deadline: deadline)
    self.countMax = countMax
    self.stallLimit = stallLimit
  }

  var isEmpty: Bool { places.isEmpty }
  var isFull: Bool { room == 0 }
  /// How many more commands would be answered in time.
  var room: Int { max(0, min(countMax, pace.countMax ?? countMax) - places.count) }
  /// Whether Redis owes an answer that is late.
  var isOverdue: Bool { overdueCount > 0 }

  /// A command was written; its place in the order is taken.
  mutating func append(_ caller: Caller, now: NIODeadline, deadline: NIODeadline) {
    places.append(Place(sentAt: now, deadline: deadline, caller: caller))
  }

  /// A reply came.
  mutating func answered(now: NIODeadline) -> Answer {
    let waiting = places.count
    guard let place = places.popFirst() else { return .nobody }
    pace.answered(now: now, waiting: waiting, sentAt: place.sentAt)
    guard let caller = place.caller else {
      overdueCount -= 1
      return .dropped
    }
    return place.deadline <= now ? .late(caller) : .caller(caller)
  }

  /// The callers to be told that there is no answer in time. Their places stay.
  mutating func expire(now: NIODeadline) -> [Caller] {
    var expired: [Caller] = []
    while overdueCount < places.count {
      let index = places.index(places.startIndex, offsetBy: overdueCount)
      guard places[index].deadline <= now else { break }
      if let caller = places[index].caller { expired.append(caller) }
      places[index].caller = nil
      overdueCount += 1
    }
    return expired
  }

  /// Whether the oldest command has been unanswered for so long that the connection should be given up.
  func isStalled(now: NIODeadline) -> Bool { places.first.map { $0.sentAt + stallLimit <= now } ?? false }

  /// When `expire` or `isStalled` may next say something new; nil while nothing is unanswered.
  var nextLook: NIODeadline? {
    guard let first = places.first else { return nil }
    let stall = first.sentAt + stallLimit
    guard overdueCount < places.count else { return stall }
    return min(stall, places[places.index(places.startIndex, offsetBy: overdueCount)].deadline)
  }

  /// The connection ended: everybody who has not been told.
  mutating func removeAll() -> [Caller] {
    defer {
      places.removeAll()
      overdueCount = 0
    }
    return places.compactMap(\.caller)
  }
}
