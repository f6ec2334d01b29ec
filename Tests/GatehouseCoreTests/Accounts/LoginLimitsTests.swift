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

  private func limits(_ lease: Lease = Lease(), isHeld: Bool = true) -> LoginLimits {
    if isHeld { lease.hold(for: .seconds(86_400)) }
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
    for number in 0..<70 { _ = try? await limits.attempt(account: "n\(number)@example.com", network: "198.51.100.1") }
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

  /// How many attempts of one network on one account pass before the first that is refused.
  private func left(_ limits: LoginLimits, _ network: String = home) async -> Int {
    var count = 0
    while await passes(limits, network) { count += 1 }
    return count
  }

  private func fails(_ attempt: Attempt, _ code: ServiceError.Code) async {
    await #expect(throws: ServiceError.self) { try await attempt.counted { throw ServiceError(code, "no") } }
  }

  @Test(
    "An attempt that the service refuses by itself goes back once, in Redis and in the process; one that was answered stays counted",
    arguments: [true, false])
  func givenBack(isInRedis: Bool) async throws {
    let limits = limits(isHeld: isInRedis)
    for code in ServiceError.Code.allCases {
      let goesBack = [.unavailable, .overloaded, .outcomeUnknown, .rateLimited].contains(code)
      for _ in 0..<(goesBack ? 12 : 0) { await fails(try await limits.attempt(account: Self.victim, network: Self.home), code) }
    }
    let late = try await limits.attempt(account: Self.victim, network: Self.home)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<20 { group.addTask { await fails(late, .unavailable) } }
    }
    await fails(try await limits.attempt(account: Self.victim, network: Self.home), .invalidLogin)
    let wrong = try await limits.attempt(account: Self.victim, network: Self.home)
    wrong.stays()
    await fails(wrong, .unavailable)
    #expect(hot.commands > 0 || !isInRedis)
    #expect(await left(limits) == 8)
  }

  @Test("A burst of attempts that fail leaves a refusal of a moment ago no longer true, and it is not believed")
  func refusalForgotten() async throws {
    let limits = limits()
    var attempts: [Attempt] = []
    for _ in 0..<10 { attempts.append(try await limits.attempt(account: Self.victim, network: Self.home)) }
    #expect(await !passes(limits, Self.home))
    for attempt in attempts { await fails(attempt, .overloaded) }
    #expect(await left(limits) == 10)
  }

  @Test("Units that Redis has counted stay there while it can't be asked; those of the process go back, whoever counts by then")
  func otherTerm() async throws {
    let lease = Lease()
    let limits = limits(lease)
    let attempt = try await limits.attempt(account: Self.victim, network: Self.home)
    let account = Subject.own(limits.accountDigest(Self.victim))
    let policy = try #require(Settings().policy("login_account"))
    lease.hold(for: .zero)
    await fails(attempt, .unavailable)
    #expect(hot.taken(account, policy) == 1)
    // Counted by this process alone, and gone back there when Redis is asked again.
    let here = try await limits.attempt(account: Self.victim, network: Self.home)
    lease.hold(for: .seconds(86_400))
    await fails(here, .unavailable)
    #expect(await left(limits) == 9)
  }

  @Test("An attempt that the account refuses is none of its network's, nor of the pair's: nobody looked at its password")
  func accountRefuses() async throws {
    let limits = limits()
    for number in 0..<100 { #expect(await passes(limits, "10.0.\(number).1")) }
    let (pair, network) = (try #require(Settings().policy("login_pair")), try #require(Settings().policy("login_network")))
    for _ in 0..<100 {
      #expect(await !passes(limits, "198.51.100.1"))
      hot.advance(milliseconds: 2_000)
    }
    #expect(hot.taken(.ownNetwork("198.51.100.1"), network) == 0)
    #expect(hot.taken(limits.pairSubject(Self.victim, "198.51.100.1"), pair) == 0)
  }

  @Test("Clients whom nobody names share no pair and no network; the account's own limit holds for them")
  func unnamed() async throws {
    let limits = limits()
    #expect(await left(limits, Subject.unknownNetwork) == 100)
    #expect(await !passes(limits, Self.home), "the account is used up, and nobody was at home")
    for _ in 0..<100 { try await limits.spend(network: Subject.unknownNetwork) }
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
