import Testing

@testable import GatehouseHTTP

@Suite("The lines that a flood of refusals writes")
struct LineAllowanceTests {
  private let start = ContinuousClock.now

  @Test("A burst is written whole, then so many a second, and every line that was left out is counted in a later one")
  func flood() {
    var allowance = LineAllowance(burst: 100, perSecond: 10)
    var (written, told, leftOut) = (0, 0, 0)
    // A thousand a second for ten seconds, then one a second.
    for millisecond in 0..<10_000 {
      guard let before = allowance.take(at: start + .milliseconds(millisecond)) else {
        leftOut += 1
        continue
      }
      written += 1
      told += before
    }
    #expect((195...201).contains(written))
    for second in 11..<15 { told += allowance.take(at: start + .seconds(second)) ?? 0 }
    #expect(told == leftOut && written + leftOut == 10_000)
  }

  @Test("The number of lines left out is told once a second at most")
  func telling() {
    var allowance = LineAllowance(burst: 1, perSecond: 100)
    var tellings = 0
    for millisecond in 0..<5_000 where allowance.take(at: start + .milliseconds(millisecond)) ?? 0 > 0 { tellings += 1 }
    #expect((4...6).contains(tellings))
  }

  @Test("A path in the log has no query, no token and a bounded length")
  func path() {
    let token = "gh_1" + String(repeating: "k", count: 60)
    #expect(RefusalLog.shown("/v1/users/usr_4tq9m2kd7xw1hb?email=a") == "/v1/users/usr_4tq9m2kd7xw1hb")
    #expect(!RefusalLog.shown("/v1/sessions/\(token)").contains(token.prefix(20)))
    #expect(RefusalLog.shown(String(repeating: "/abc", count: 4_000)).utf8.count < 300)
  }
}
