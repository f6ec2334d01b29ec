import GatehouseCore
import Testing

/// Signing up again with an address.
package enum AddressContract {
  package static let claims: [Claim] = [
    Claim("A used unit stays used until its period ends, in any zone and however often; held units count", sameDay),
    Claim("The next day is fresh, and nothing of it is kept", nextDay),
    Claim("An address that its account has left keeps what was used by then", moved),
  ]

  private static func delete(_ user: User, _ rig: Rig, at now: Int64 = Rig.now) async throws {
    _ = try await rig.ledger.deleteUser(user.id, by: .user(user.id), reason: nil, now: now)
    while try await rig.ledger.purgeDeleted(rowsMax: 100) > 0 {}
  }

  static func sameDay(rig: Rig) async throws {
    let mia = try await rig.signUp()
    _ = try await rig.granted(mia, commit: true)
    _ = try await rig.granted(mia, 2, metric: "report")
    let before = try await rig.standing(mia)
    try await delete(mia, rig)
    // It is 12:00Z: in Kiritimati the next day begins before UTC's does.
    for zone in ["UTC", "Pacific/Kiritimati", "America/New_York"] {
      let again = try await rig.signUp(zone: zone)
      let standing = try await rig.standing(again)
      #expect(standing.used == 1 && standing.resetsAtMilliseconds >= before.resetsAtMilliseconds, "\(zone)")
      if zone == "UTC" { #expect(standing.resetsAtMilliseconds == before.resetsAtMilliseconds) }
      #expect(try await rig.standing(again, "report").used == 2)
      #expect(try await refusal { _ = try await rig.reserve(again) } == .allowanceExhausted)
      try await delete(again, rig)
    }
    #expect(try await rig.standing(rig.signUp("ben")).used == 0, "another address")
  }

  static func nextDay(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let granted = try await rig.granted(mia, commit: true)
    try await delete(mia, rig)
    let end = granted.allowance.resetsAtMilliseconds
    _ = try await rig.ledger.prune(rowsMax: 100, now: end + 1)
    let again = try await rig.signUp(at: end)
    #expect(again.zoneFloorMilliseconds == nil)
    #expect(try await rig.standing(again, at: end).used == 0)
    _ = try await rig.granted(again, at: end)
  }

  static func moved(rig: Rig) async throws {
    let mia = try await rig.signUp()
    _ = try await rig.granted(mia, commit: true)
    try await rig.askFor("moved@example.com", mia)
    #expect(try await rig.verify(mia, token: "a") != nil)
    #expect(try await rig.standing(mia).used == 1)
    #expect(try await rig.standing(rig.signUp()).used == 1)
  }
}
