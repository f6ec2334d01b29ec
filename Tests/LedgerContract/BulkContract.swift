import GatehouseCore
import Testing

import GatehouseLedger

/// Large rows that go.
package enum BulkContract {
  package static let claims: [Claim] = [
    Claim("A step of a purge is bounded in bytes: many small rows go at once, few large ones", purge),
    Claim("A step of pruning is bounded in bytes as well", prune),
  ]

  private static let result = "{\"text\":\"\(String(repeating: "x", count: 60_000))\"}"

  static func purge(rig: Rig) async throws {
    let mia = try await rig.signUp(plan: "pro")
    for number in 0..<40 {
      let made = try #require(try await rig.granted(mia, analysis: .video("\(number)")).analysis)
      _ = try await rig.ledger.report(made.id, .completed(result: Self.result, rereserve: false), now: Rig.now)
    }
    _ = try await rig.ledger.deleteUser(mia.id, by: .operations, reason: nil, now: Rig.now)
    var steps: [Int] = []
    while case let removed = try await rig.ledger.purgeDeleted(rowsMax: 1_000), removed > 0 { steps.append(removed) }
    // 64 pages are four such rows; a step ends after the statement that goes beyond them.
    #expect(steps.prefix(4).allSatisfy { $0 <= 2 * BulkDelete.rowsAtOnce }, "\(steps)")
    #expect((steps.max() ?? 0) > 4 * BulkDelete.rowsAtOnce, "small rows go in small steps too: \(steps)")
  }

  static func prune(rig: Rig) async throws {
    let mia = try await rig.signUp()
    for number in 0..<40 {
      let call = IdempotentCall(scope: mia.id.text, key: "k\(number)", fingerprint: .token("k"))
      let answer = StoredAnswer(status: 200, body: Array(Self.result.utf8))
      let event = UsageEvent(id: .random(), userID: mia.id, action: "a", occurredAtMilliseconds: Rig.now, metadata: "{}")
      _ = try await rig.ledger.record([event], call: call, now: Rig.now, answer: answer)
    }
    var steps: [Int] = []
    while case let removed = try await rig.ledger.prune(rowsMax: 1_000, now: Rig.now + 2 * Rig.day), removed > 0 { steps.append(removed) }
    #expect(steps.prefix(4).allSatisfy { $0 <= 2 * BulkDelete.rowsAtOnce } && steps.reduce(0, +) >= 40, "\(steps)")
  }
}
