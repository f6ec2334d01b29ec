import GatehouseCrypto
import TestSupport
import Testing

@testable import GatehouseCore

@Suite("The login floor")
struct HashingCostsTests {
  private let start = ContinuousClock.now
  private let today = PasswordCost(.standard)
  private let cheap: Duration = .milliseconds(20)
  private let dear: Duration = .milliseconds(300)

  private func foreign(_ text: String = "pbkdf2:sha256:600000$") throws -> PasswordCost { try #require(PasswordCost(text)) }

  private func costs(threads: Int = 1, foreign: PasswordCost? = nil) -> HashingCosts {
    var costs = HashingCosts(threads: threads)
    costs.calibrate(today, runs: [cheap])
    if let foreign { costs.calibrate(foreign, runs: [dear]) }
    costs.believe(Set([today] + (foreign.map { [$0] } ?? [])))
    return costs
  }

  @Test("The floor covers the dearest hash that there is, and falls when that is gone")
  func dearest() throws {
    let foreign = try foreign()
    var costs = costs(foreign: foreign)
    #expect(costs.dearest?.cost == foreign)
    #expect((dear...dear * 1.2).contains(costs.floor(at: start, minimum: .zero)))
    costs.believe([today])
    #expect((cheap...cheap * 1.3).contains(costs.floor(at: start, minimum: .zero)))
    #expect(costs.floor(at: start, minimum: .milliseconds(60)) == .milliseconds(60))
    #expect(!costs.unknown(among: [foreign]).isEmpty, "a cost that is gone is measured again if it comes back")
  }

  @Test(
    "The floor rises under load by what hashing takes longer, whosever hash that is, and falls again; one outlier moves it for one answer")
  func load() throws {
    let foreign = try foreign()
    var costs = costs(foreign: foreign)
    for _ in 0..<40 { costs.observe(today, taken: cheap * 3, at: start) }
    #expect((dear * 3...dear * 3.5).contains(costs.floor(at: start, minimum: .zero)))
    let later = start + .seconds(61)
    for _ in 0..<20 { costs.observe(today, taken: cheap, at: later) }
    #expect((dear...dear * 1.2).contains(costs.floor(at: later, minimum: .zero)))
    costs.observe(foreign, taken: dear * 10, at: later)
    #expect((dear...dear * 1.2).contains(costs.floor(at: later, minimum: .zero)))
  }

  @Test("The floor has a bound, however slow the machine and however dear the hash")
  func bound() throws {
    var costs = costs(foreign: try foreign())
    for _ in 0..<20 { costs.observe(today, taken: .seconds(3_600), at: start) }
    #expect(costs.floor(at: start, minimum: .zero) <= HashingCosts.spanMax + HashingCosts.around)
    let due = (0..<100).map { _ in costs.book(at: start, minimum: .zero) }.max() ?? start
    #expect(start.duration(to: due) <= HashingCosts.aheadMax + HashingCosts.spanMax + HashingCosts.around)
  }

  /// Logins at random instants; a true first-come-first-served queue serves each for as long as its own hash takes.
  @Test("An answer leaves at one instant whatever hash it and those before it met", arguments: [1, 3])
  func independent(threads: Int) throws {
    var random = SeededRandom(seed: Seed.current)
    for _ in 0..<200 {
      var costs = costs(threads: threads, foreign: try foreign())
      var free = [ContinuousClock.Instant](repeating: start, count: threads)
      var now = start
      for _ in 0..<20 {
        now += .milliseconds(Int.random(in: 0...400, using: &random))
        let due = costs.book(at: now, minimum: .zero)
        guard now.duration(to: due) < HashingCosts.aheadMax + dear else { continue }
        let server = free.indices.min { free[$0] < free[$1] } ?? 0
        let own = Bool.random(using: &random) ? dear : cheap
        free[server] = max(free[server], now) + own
        // Where the simulated queue had to skip, waiting is too long to be covered.
        guard free[server] <= due || now.duration(to: free[server]) > HashingCosts.aheadMax else {
          Issue.record("ready \(due.duration(to: free[server])) after it was due, seed \(Seed.current)")
          return
        }
      }
    }
  }
}
