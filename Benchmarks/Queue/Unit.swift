import Foundation
import GatehouseLedger
import Synchronization

/// The rows that the beginning of one analysis writes. `peers/queue.c` writes the same.
struct Unit: Sendable {
  private static let metadata = #"{"notes":""# + String(repeating: "x", count: 1_500) + #""}"#
  private static let answer = [UInt8](repeating: UInt8(ascii: "a"), count: 2_000)
  private static let fingerprint = [UInt8](repeating: 7, count: 32)
  private static let instant: Int64 = 1_790_000_000_000
  private static let day: Int64 = 86_400_000

  private let user: String
  private let reservation: String
  private let analysis: String

  /// The unit of a line: the ids of its user, its reservation and its analysis.
  fileprivate init(line: Substring) throws {
    let words = line.split(separator: " ").map(String.init)
    guard words.count == 3 else { throw CocoaError(.fileReadCorruptFile) }
    (user, reservation, analysis) = (words[0], words[1], words[2])
  }

  /// Writes its three rows.
  func write(into transaction: any LedgerTransaction) throws {
    try transaction.run(
      """
      INSERT INTO reservations (id, user_id, metric, amount, status, period_start, period_end, lease_expires_at, created_at)
      VALUES (?, ?, 'video_analysis', 1, 'held', ?, ?, ?, ?)
      """, [reservation, user, Self.instant, Self.instant + Self.day, Self.instant + 1_800_000, Self.instant])
    try transaction.run(
      """
      INSERT INTO analyses (id, user_id, reservation_id, status, filename, metadata, metric, amount, created_at)
      VALUES (?, ?, ?, 'pending', 'squat.mp4', ?, 'video_analysis', 1, ?)
      """, [analysis, user, reservation, Self.metadata, Self.instant])
    try transaction.run(
      """
      INSERT INTO idempotency (scope, key, fingerprint, status, location, body, created_at, user_id)
      VALUES (?1, ?2, ?3, 201, ?4, ?5, ?6, ?1)
      """, [user, analysis, Self.fingerprint, "/v1/analyses/\(analysis)", Self.answer, Self.instant])
  }
}

/// The units of a file, each given once, to any task.
final class Units: Sendable {
  private let list: [Unit]
  private let given = Atomic(0)

  /// Those from line `first` on.
  init(file: String, first: Int) throws {
    list = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").dropFirst(first).map(Unit.init(line:))
  }

  /// How many were given.
  var taken: Int { min(given.load(ordering: .relaxed), list.count) }

  /// The next one; nil when there are no more.
  func next() -> Unit? {
    let at = given.wrappingAdd(1, ordering: .relaxed).oldValue
    return at < list.count ? list[at] : nil
  }
}
