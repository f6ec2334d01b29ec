import GatehouseCrypto
import Synchronization
import TestSupport
import Testing

@testable import GatehouseCore

/// The attempts of an attacker and of a victim against the real rules and the default limits, with a clock that is moved by hand.
@Suite("Login limits under attack")
struct LoginLimitsTests {
  private static let victim = "mia@example.com"
  private static let home = "203.0.113.7"
  private static let second: Int64 = 1_000
  private static let hours = 3

  /// The result of one run.
  private struct Outcome {
    /// Attempts of the attacker that reached the password, by second.
    var guesses: [Int] = []
    var victimRefused = 0
    var victimTries = 0

    /// The most guesses in any hour.
    var worstHour: Int {
      var (first, worst) = (0, 0)
      for (last, second) in guesses.enumerated() {
        while guesses[first] + 3_600 <= second { first += 1 }
        worst = max(worst, last - first + 1)
      }
      return worst
    }
  }

  private let hot = WindowsInMemory()
  private let start = ContinuousClock.now

  private func limits() -> LoginLimits {
    let lease = Lease()
    lease.hold(for: .seconds(86_400))
    let (hot, start, began) = (hot, start, hot.nowMilliseconds)
    return LoginLimits(
      limits: SubjectLimits(window: LocalWindow(processes: 1)), hot: hot, lease: lease, subjects: MacKey([1]),
      rules: LiveSettings(Settings()), now: { start + .milliseconds(hot.nowMilliseconds - began) })
  }

  private func passes(_ limits: LoginLimits, _ network: String) async -> Bool {
    do throws(ServiceError) {
      try await limits.attempt(account: Self.victim, network: network)
      return true
    } catch {
      #expect(error.code == .rateLimited && (error.retryAfterSeconds ?? 0) > 0)
      return false
    }
  }

  /// One guess a second from the next of some networks; the victim logs in every ten minutes with the right password.
  private func attack(from networks: Int, victimIsKnown: Bool) async -> Outcome {
    let limits = limits()
    var outcome = Outcome()
    if victimIsKnown, await passes(limits, Self.home) { await limits.succeeded(account: Self.victim, network: Self.home) }
    for second in 0..<Self.hours * 3_600 {
      hot.advance(milliseconds: Self.second)
      // An attacker with many networks need not be slow.
      for shot in 0..<max(1, networks / 100) {
        let network = "10.\((second + shot) % networks / 250).0.\((second + shot) % networks % 250)"
        if await passes(limits, network) { outcome.guesses.append(second) }
      }
      guard second % 600 == 599 else { continue }
      outcome.victimTries += 1
      if await passes(limits, Self.home) {
        await limits.succeeded(account: Self.victim, network: Self.home)
      } else {
        outcome.victimRefused += 1
      }
    }
    return outcome
  }

  @Test(
    "An attacker with 1, 10 or 1,000 networks locks nobody out at home, and gets no more guesses than the account's limit",
    .asvs("6.3.1"), arguments: [1, 10, 1_000])
  func atHome(networks: Int) async {
    let outcome = await attack(from: networks, victimIsKnown: true)
    #expect(outcome.victimRefused == 0 && outcome.victimTries == 6 * Self.hours)
    #expect(outcome.worstHour <= (networks == 1 ? 40 : 100), "\(outcome.worstHour) guesses in an hour")
    #expect(outcome.guesses.count >= 10 * min(networks, 10), "the attack was one")
  }

  @Test("One network locks nobody out even where the victim was never seen; what ten can do is bounded by the account's limit")
  func neverSeen() async {
    #expect(await attack(from: 1, victimIsKnown: false).victimRefused == 0)
  }

  @Test("A burst of attempts at once spends no more of the account than the pair lets through")
  func burst() async throws {
    let limits = limits()
    let passed = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<1_000 { group.addTask { await passes(limits, "198.51.100.1") } }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(passed == 10)
    let account = try #require(Settings().policy("login_account"))
    #expect(hot.taken(.own(limits.accountDigest(Self.victim)), account) == 10)
    #expect(await passes(limits, Self.home))
  }

  @Test("A network that is refused spends nothing of the accounts that it tries")
  func network() async throws {
    let limits = limits()
    for number in 0..<70 { try? await limits.attempt(account: "n\(number)@example.com", network: "198.51.100.1") }
    let account = try #require(Settings().policy("login_account"))
    let spent = (0..<70).map { hot.taken(.own(limits.accountDigest("n\($0)@example.com")), account) }
    #expect(spent.reduce(0, +) == 60 && spent.suffix(10).allSatisfy { $0 == 0 })
  }

  @Test("A network that is refused has no mails sent, and spends none of the account's")
  func mails() async throws {
    let limits = limits()
    for _ in 0..<60 { try await limits.spend(network: "198.51.100.1") }
    for _ in 0..<5 {
      await #expect(throws: ServiceError.self) { try await limits.mail(account: Self.victim, network: "198.51.100.1") }
    }
    for _ in 0..<3 { try await limits.mail(account: Self.victim, network: Self.home) }
    await #expect(throws: ServiceError.self) { try await limits.mail(account: Self.victim, network: Self.home) }
  }

  @Test("The digests of accounts, of pairs and of the app's subjects never meet")
  func digests() {
    let limits = limits()
    let texts = ["mia@example.com", "7:account15:mia@example.com", "account mia@example.com", ""]
    let app = AppLimits(limits: SubjectLimits(window: LocalWindow(processes: 1)), hot: hot, lease: Lease(), key: MacKey([1]))
    let all = texts.flatMap { [app.digest($0), limits.accountDigest($0)] }
    #expect(Set(all).count == all.count && all.allSatisfy { $0.count == 32 })
  }
}
