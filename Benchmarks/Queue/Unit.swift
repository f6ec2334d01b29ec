import Foundation
import GatehouseLedger
import Synchronization

/// The rows that the beginning of one analysis writes, as the service writes them. `peers/queue.c` writes the same.
struct Unit: Sendable {
  private static let metadata = #"{"notes":""# + String(repeating: "x", count: 1_500) + #""}"#
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

  /// The answer to the call as the service stores it: without the metadata, which stands with the analysis; and where that was.
  func answer() -> (body: [UInt8], cutAt: Int) {
    let before = #"{"analysis":{"id":"\#(analysis)","user_id":"\#(user)","status":"pending","filename":"squat.mp4","metadata":"#
    let after = """
      {},"metric":"video_analysis","amount":1,"reservation_id":"\(reservation)","lease_expires_at":"2026-09-21T14:43:20.000Z",\
      "result":null,"error":null,"created_at":"2026-09-21T14:13:20.000Z","finished_at":null},"allowance":{"metric":"video_analysis",\
      "limit":null,"used":0,"held":1,"remaining":null,"resets_at":"2026-09-22T14:13:20.000Z"}}
      """
    return (Array((before + after).utf8), before.utf8.count)
  }

  /// Writes its three rows, the last with its answer.
  func write(_ answer: (body: [UInt8], cutAt: Int), into transaction: any LedgerTransaction) throws {
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
      INSERT INTO idempotency (scope, key, fingerprint, status, location, body, created_at, user_id, analysis_id, cut_at)
      VALUES (?1, ?2, ?3, 201, ?4, ?5, ?6, ?1, ?2, ?7)
      """, [user, analysis, Self.fingerprint, "/v1/analyses/\(analysis)", answer.body, Self.instant, answer.cutAt])
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
