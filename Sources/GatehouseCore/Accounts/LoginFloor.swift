import GatehouseCrypto
import Logging
import Synchronization

/// Holds answers about passwords back until their time says nothing of the account: as long as the dearest hash of the ledger takes on
/// this machine now, with the queue that it would meet if every hash in it were as dear (`HashingCosts`).
///
/// The cost of hashes is measured on the threads that hash: when a cost is first seen, and from then on with every password.
public final class LoginFloor: Sendable {
  private static let calibrationRuns = 3
  private static let calibrationPatience: Duration = .seconds(30)
  /// The log hears of a floor that has changed by more than this part of what it heard last: at once if it is lower, since answers then
  /// come earlier than was said, and once in `tellInterval` if it is higher.
  private static let tellChange = 0.25
  private static let tellInterval: Duration = .seconds(60)

  private let pool: HashPool
  private let log: Logger
  private let state: Mutex<FloorState>
  private let calibrations = SingleFlight<PasswordCost>(runningMax: 1, waitingMax: 64)

  private struct FloorState {
    var costs: HashingCosts
    /// The ledger's texts that `costs` follows, with what a hash of today costs.
    var texts: [String]?
    var today: PasswordCost?
    var told: (floor: Duration, dearest: PasswordCost, at: ContinuousClock.Instant)?
  }

  /// A floor that has measured nothing yet: `follow` must have returned once before its answers mean something.
  public init(pool: HashPool, log: Logger) {
    self.pool = pool
    self.log = log
    state = Mutex(FloorState(costs: HashingCosts(threads: pool.threads)))
  }

  /// Follows the ledger: what its dearest hashes cost is known when this returns. Nothing is done, and nothing waits, unless the texts
  /// are others than the last ones. Throws `overloaded` when no thread was free to measure.
  /// - Parameters:
  ///   - texts: of all stored hashes what stands before the salt, as `PasswordCost.text`.
  ///   - today: the cost of a hash that is made now; a password of no account is verified against one.
  public func follow(_ texts: [String], today: PasswordCost) async throws(ServiceError) {
    guard state.withLock({ $0.texts != texts || $0.today != today }) else { return }
    var dearest: [PasswordHash.Scheme: PasswordCost] = [today.scheme: today]
    for cost in texts.compactMap({ PasswordCost($0) }) where cost.work > dearest[cost.scheme]?.work ?? 0 { dearest[cost.scheme] = cost }
    let costs = Set(dearest.values)
    for cost in state.withLock({ $0.costs.unknown(among: costs) }) { try await calibrate(cost) }
    state.withLock { state in
      state.costs.believe(costs)
      // A cost that another call has dropped meanwhile is measured again by the next.
      (state.texts, state.today) = state.costs.unknown(among: costs).isEmpty ? (texts, today) : (nil, nil)
    }
  }

  /// When the answer about a password that came now may leave; `minimum` from now at least.
  public func book(minimum: Duration) -> ContinuousClock.Instant {
    let now = ContinuousClock.now
    let due = state.withLock { $0.costs.book(at: now, minimum: minimum) }
    tell(minimum: minimum)
    return due
  }

  /// When an answer that hashes nothing may leave: when the first password in an empty queue would, without a turn in it.
  public func due(minimum: Duration) -> ContinuousClock.Instant {
    let now = ContinuousClock.now
    return now + state.withLock { $0.costs.floor(at: now, minimum: minimum) }
  }

  /// Notes how long a verification took.
  func observe(_ cost: PasswordCost, taken: Duration) { state.withLock { $0.costs.observe(cost, taken: taken, at: .now) } }

  /// Measures the dearest hash again if passwords came since the last time; do so every now and then.
  public func refresh() async {
    let dearest = state.withLock { state in state.costs.wasUsed() ? state.costs.dearest?.cost : nil }
    guard let dearest, let taken = try? await measured(dearest) else { return }
    observe(dearest, taken: taken)
  }

  /// Says in the log what the floor is, if that is news.
  public func tell(minimum: Duration) {
    let now = ContinuousClock.now
    let news = state.withLock { state -> (floor: Duration, dearest: PasswordCost, alone: Duration)? in
      guard let (cost, alone) = state.costs.dearest else { return nil }
      let floor = state.costs.floor(at: now, minimum: minimum)
      if let told = state.told, told.dearest == cost {
        let change = floor / told.floor - 1
        let isHigher = change > Self.tellChange && told.at.duration(to: now) >= Self.tellInterval
        guard isHigher || change < -Self.tellChange else { return nil }
      }
      state.told = (floor, cost, now)
      return (floor, cost, alone)
    }
    guard let news else { return }
    log.notice(
      "No answer to a login leaves before the floor, so that its time says nothing of the account",
      metadata: [
        "floor_ms": "\(news.floor.wholeMilliseconds)", "dearest_hash": .string(String(news.dearest.text.dropLast())),
        "hash_ms": "\(news.alone.wholeMilliseconds)",
      ])
    if news.alone > HashingCosts.spanMax {
      log.warning(
        "Some passwords take longer to verify than a login may wait: an attacker can recognise them by the time a login takes",
        metadata: ["hash": .string(String(news.dearest.text.dropLast())), "hash_ms": "\(news.alone.wholeMilliseconds)"])
    }
  }

  private func calibrate(_ cost: PasswordCost) async throws(ServiceError) {
    var outcome: Result<[Duration], ServiceError>?
    _ = await calibrations.run(cost) {
      guard state.withLock({ !$0.costs.unknown(among: [cost]).isEmpty }) else { return }
      var runs: [Duration] = []
      do throws(ServiceError) {
        for _ in 0..<Self.calibrationRuns { runs.append(try await measured(cost)) }
        state.withLock { $0.costs.calibrate(cost, runs: runs) }
      } catch { outcome = .failure(error) }
    }
    if case .failure(let error)? = outcome { throw error }
    guard state.withLock({ $0.costs.unknown(among: [cost]).isEmpty }) else { throw Passwords.tooMany }
  }

  private func measured(_ cost: PasswordCost) async throws(ServiceError) -> Duration {
    do {
      // Beside the places of logins: each of those has one already.
      return try await pool.run(deadline: .now + Self.calibrationPatience, beyondCapacity: true) { cost.measured() }
    } catch { throw Passwords.tooMany }
  }
}

extension Duration {
  fileprivate var wholeMilliseconds: Int64 { Int64(self / .milliseconds(1)) }
}
