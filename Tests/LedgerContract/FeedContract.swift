@testable import GatehouseCore
import TestSupport
import Testing

/// The feed of the ledger.
package enum FeedContract {
  package static let claims: [Claim] = [
    Claim("Changes are told in their order, once each, from any place on; a refused one is not", order),
    Claim("An allowance that is used up is told once a period, whatever is taken and given back", exhausted),
    Claim("Of a deleted user the deletion alone stays, with the app's own id; old events are pruned", .asvs("14.2.7"), deletion),
  ]

  static func order(rig: Rig) async throws {
    let mia = try await rig.signUp()
    try await rig.open(mia, token: "a", sessionsMax: 1)
    try await rig.open(mia, token: "b", sessionsMax: 1)
    var plan = UserChanges()
    plan.plan = "pro"
    _ = try await rig.ledger.changeUser(mia.id, plan, by: .operations, now: Rig.now)
    _ = try await refusal { _ = try await rig.signUp() }
    let expected = ["user.created", "session.created", "session.ended", "session.created", "plan.changed"]
    #expect(try await rig.told() == expected)
    let all = try await rig.ledger.feed(of: nil, after: 0, limit: 100)
    #expect(Set(all.map(\.id)).count == all.count)
    let start = UsageEventKind.prefix.count + UsageEventID.timeLength
    #expect(Set(all.map { $0.id.prefix(start) }).count == all.count, "no part of an id is the same for all of one instant")
    for (index, event) in all.enumerated() {
      let rest = try await rig.ledger.feed(of: nil, after: event.number, limit: 1)
      #expect(rest == Array(all.dropFirst(index + 1).prefix(1)))
    }
    #expect(all.last?.data == #"{"plan":"pro","plan_ends_at":null,"reason":null}"#)
  }

  static func exhausted(rig: Rig) async throws {
    let mia = try await rig.signUp()
    for _ in 0..<3 {
      let held = try await rig.granted(mia)
      _ = try await rig.ledger.release(held.reservation.id, now: Rig.now)
    }
    #expect(try await rig.told() == ["user.created"])
    let held = try await rig.granted(mia)
    for _ in 0..<3 { _ = try await rig.ledger.commit(held.reservation.id, amount: nil, now: Rig.now) }
    try await rig.except(mia.id, "video_analysis", .bonus, 1, Rig.now, Rig.now + Rig.day)
    _ = try await rig.granted(mia, commit: true)
    _ = try await rig.granted(mia, commit: true, at: Rig.now + Rig.day)
    #expect(try await rig.told() == ["user.created", "allowance.exhausted", "allowance.exhausted"])
  }

  static func deletion(rig: Rig) async throws {
    let mia = try await rig.signUp()
    var changes = UserChanges()
    changes.externalID = .set("1042")
    _ = try await rig.ledger.changeUser(mia.id, changes, by: .operations, now: Rig.now)
    try await rig.open(mia, token: "a")
    _ = try await rig.ledger.deleteUser(mia.id, by: .operations, reason: nil, now: Rig.now)
    while try await rig.ledger.purgeDeleted(rowsMax: 2) > 0 {}
    let left = try await rig.ledger.feed(of: nil, after: 0, limit: 10)
    #expect(left.map(\.type) == ["user.deleted"] && left.first?.externalID == "1042" && left.first?.userID == mia.id)
    #expect(try await rig.ledger.prune(rowsMax: 10, now: Rig.now + 30 * Rig.day) == 0)
    #expect(try await rig.ledger.prune(rowsMax: 10, now: Rig.now + 30 * Rig.day + 1) == 1)
    let ben = try await rig.signUp("ben")
    let next = try await rig.ledger.feed(of: ben.id, after: 0, limit: 10)
    #expect(next.map(\.number).allSatisfy { $0 > left.first?.number ?? .max }, "a number is never given twice")
  }
}
