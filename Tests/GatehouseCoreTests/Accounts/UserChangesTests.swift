import Testing

@testable import GatehouseCore

@Suite("Changes of an account")
struct UserChangesTests {
  @Test("A plan, its end and a status may take rights away: only they are waited for")
  func rights() {
    func changed(_ change: (inout UserChanges) -> Void) -> Bool {
      var changes = UserChanges()
      change(&changes)
      return changes.mayTakeRightsAway
    }
    #expect(changed { $0.plan = "free" })
    #expect(changed { $0.planEndsAtMilliseconds = .set(1) })
    #expect(changed { $0.planEndsAtMilliseconds = .set(nil) })
    for status in [UserStatus.active, .suspended] { #expect(changed { $0.status = status }) }
    #expect(!changed { $0.name = .set("Mia") })
    #expect(!changed { $0.externalID = .set("app-1") })
    #expect(!changed { $0.pendingEmail = .set(nil) })
    #expect(!changed { $0.timeZone = "Europe/Berlin" })
    #expect(!changed { $0.reason = "asked by mail" })
  }
}
