/// The number that a ledger's file carries in its header (`application_id`), raised around each copy of the log into the file.
///
/// It is a count with its reach. The reach is by how much the count in the file itself may be less while the log with this number still
/// belongs to it. Numbers from before there was a reach have the mark clear. In their time the file held the same number as its log, or the
/// one before.
struct FileNumber: Sendable, Equatable {
  private static let mark: Int64 = 1 << 30
  private static let countMax: Int64 = 1 << 28 - 1
  private static let reachMax: Int64 = 3
  /// A first count has this many low bits clear: then the file may not have got any yet.
  private static let firstMask: Int64 = 1 << 14 - 1
  private static let unreachedFirstMask: Int64 = 0xffff

  /// As it is stored; 0 in a file that has none.
  let stored: Int64

  init(stored: Int64) { self.stored = stored }

  private init(count: Int64, reach: Int64) { stored = Self.mark | count << 2 | reach }

  /// Whether it has a reach.
  var hasReach: Bool { stored & Self.mark != 0 }
  private var count: Int64 { (stored & ~Self.mark) >> 2 }
  private var reach: Int64 { stored & Self.reachMax }

  /// The first number of a file: for one that has no number, or a number without a reach.
  static func first() -> FileNumber { FileNumber(count: Int64.random(in: 1..<(1 << 14)) << 14, reach: 0) }

  func isNewer(than other: FileNumber) -> Bool {
    // Without a reach it is of an older program.
    hasReach == other.hasReach ? stored >> 2 > other.stored >> 2 : hasReach
  }

  /// The next number for a log that belongs to a file with the number `file`; nil if that is too far behind.
  func next(over file: FileNumber) -> FileNumber? {
    guard hasReach, file.hasReach, count < Self.countMax else { return nil }
    let reach = count + 1 - file.count
    return (1...Self.reachMax).contains(reach) ? FileNumber(count: count + 1, reach: reach) : nil
  }

  /// A number for a log that is set apart. No file that belongs to the present number belongs to that one.
  var apart: FileNumber { FileNumber(count: (count + Self.reachMax + 1) & Self.countMax, reach: 0) }

  /// Whether a file with the number `file` belongs to a log through which this one is seen.
  func isOf(_ file: FileNumber) -> Bool {
    switch (hasReach, file.hasReach) {
    case (true, true): (count - reach...count).contains(file.count)
    case (true, false): count & Self.firstMask == 0
    case (false, true): false
    case (false, false):
      file.stored == stored || file.stored == stored - 1 || (file.stored == 0 && stored & Self.unreachedFirstMask == 0)
    }
  }
}
