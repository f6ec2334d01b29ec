import GatehouseCore
import Testing

@Suite("The words about a used-up allowance")
struct AllowanceDetailTests {
  private func detail(
    _ limit: Int64, used: Int64, held: Int64, of amount: Int64 = 1, resetsAt: String, kind: Period.Kind?, zone: String?
  ) throws -> String {
    let end = try #require(Instants.parse(resetsAt))
    return Allowance(
      metric: "video_analysis", limit: limit, used: used, held: held, periodStartsAtMilliseconds: end - 86_400_000,
      resetsAtMilliseconds: end
    ).exhaustedDetail(of: amount, plan: "free", kind: kind, zone: zone)
  }

  @Test("The words name the plan, what is taken, and when the next period begins on the user's clock")
  func sentences() throws {
    #expect(
      try detail(1, used: 1, held: 0, resetsAt: "2026-11-23T23:00:00Z", kind: .day, zone: "Europe/Berlin")
        == "Plan free has 1 video_analysis a day; 1 is used. The next day begins at 00:00 in Europe/Berlin.")
    #expect(
      try detail(5, used: 2, held: 3, resetsAt: "2026-11-30T23:00:00Z", kind: .month, zone: "Europe/Berlin")
        == "Plan free has 5 video_analysis a month; 2 are used and 3 are held. The next month begins at 2026-12-01 00:00 in Europe/Berlin.")
    // In Santiago the clocks go forward at midnight: that day begins at one.
    #expect(
      try detail(1, used: 0, held: 1, resetsAt: "2026-09-06T04:00:00Z", kind: .day, zone: "America/Santiago")
        .hasSuffix("0 are used and 1 is held. The next day begins at 01:00 in America/Santiago."))
    #expect(
      try detail(1, used: 1, held: 0, resetsAt: "2026-11-23T23:00:00Z", kind: nil, zone: nil)
        == "Plan free has 1 video_analysis a period; 1 is used. It starts again with the next period.")
  }

  @Test(
    "Units that no period has are not told to come back with the next one", arguments: [(0, 1), (3, 4), (3, 1_000)] as [(Int64, Int64)])
  func never(limit: Int64, amount: Int64) throws {
    let said = try detail(limit, used: 0, held: 0, of: amount, resetsAt: "2026-11-23T23:00:00Z", kind: .day, zone: "Europe/Berlin")
    let asked = amount == 1 ? "1 is asked for" : "\(amount) are asked for"
    #expect(said == "Plan free has \(limit) video_analysis a day, and \(asked). Waiting will not help.")
    let allowance = Allowance(
      metric: "video_analysis", limit: limit, used: 0, held: 0, periodStartsAtMilliseconds: 0, resetsAtMilliseconds: 10_000)
    #expect(ServiceError.exhausted(allowance, of: amount, plan: "free", now: 5_000).retryAfterSeconds == nil)
    #expect(ServiceError.exhausted(allowance, of: limit, plan: "free", now: 5_000).retryAfterSeconds == 5)
  }
}
