import GatehouseCrypto
import Testing

@testable import GatehouseCore

@Suite("Settings in force")
struct LiveSettingsTests {
  @Test("Every question after a reload goes by the new settings, all of it")
  func reload() {
    var settings = Settings()
    let rules = LiveSettings(settings)
    let asked: any LiveRules = rules
    #expect(asked.allowances.limit(plan: "free", metric: "video_analysis") == 1)
    #expect(asked.policy("login_pair")?.limits.limit(plan: nil) == 10)
    settings.plans = [Settings.Plan(name: "basic", sessionsMax: 2, allowances: ["video_analysis": 5])]
    settings.policies = []
    settings.profiles = []
    settings.timeouts[.web] = SessionTimeouts(idleMilliseconds: 1, absoluteMilliseconds: 2)
    settings.passwordLengthMin = 12
    (settings.argonMemoryKiB, settings.argonPasses) = (64, 1)
    settings.loginFloorMillisecondsMin = 30
    settings.mailTokenSeconds = 7
    settings.retention.auditDays = nil
    let before = asked.edition
    rules.replace(with: settings)
    #expect(rules.settings == settings && asked.edition > before)
    #expect(asked.allowances == settings.allowanceTable && asked.allowances.limit(plan: "free", metric: "video_analysis") == 5)
    #expect(asked.policy("login_pair") == nil && asked.profile("api") == nil)
    #expect(asked.timeouts(.web).absoluteMilliseconds == 2 && asked.sessionsMax(plan: "basic") == 2)
    #expect(asked.passwords.check("elevenchars", email: "mia@example.com", name: nil) != nil)
    #expect(asked.passwordCost.memoryKiB == 64 && asked.passwordCost.passes == 1)
    #expect(asked.loginFloorMin == .milliseconds(30) && asked.mailMilliseconds == 7_000)
    #expect(asked.retention.auditDays == nil)
  }
}
