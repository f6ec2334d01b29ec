import GatehouseCrypto

/// Passwords are hashed and verified on their own few threads, behind a short queue: a storm of logins never reaches the rest.
public struct Passwords: Sendable {
  /// How long a login may wait for a thread.
  static let patience: Duration = .seconds(5)

  private let pool: HashPool
  private let floor: LoginFloor
  private let rules: any LiveRules

  /// Passwords that are hashed on the threads of `pool`, at the cost that `rules` say at each call; `floor` must measure on the same pool.
  public init(pool: HashPool, floor: LoginFloor, rules: any LiveRules) {
    self.pool = pool
    self.floor = floor
    self.rules = rules
  }

  /// The stored form of a password. Throws `overloaded`; with a place only when no thread was free in `patience`, or no memory.
  public func hash(_ password: String, in place: HashPool.Place? = nil) async throws(ServiceError) -> String {
    let bytes = canonicalPassword(password)
    let parameters = rules.passwordCost
    _ = floor.book(minimum: .zero)
    return try await run(in: place) { () throws(PasswordHash.NoMemory) in try PasswordHash.argon2id(bytes, parameters: parameters) }
  }

  /// Whether `password` is the one behind `stored` (nil: no such account, always false after the same work), and its hash by the
  /// present parameters if the stored one is older. Throws as `hash`.
  public func verify(
    _ password: String, against stored: String?, in place: HashPool.Place? = nil
  ) async throws(ServiceError) -> (isRight: Bool, rehash: String?) {
    let bytes = canonicalPassword(password)
    let parameters = rules.passwordCost
    // An unknown account's password costs what a known one's does.
    let text = stored ?? PasswordHash.dummy(parameters: parameters).text
    let floor = floor
    return try await run(in: place) { () throws(PasswordHash.NoMemory) -> (isRight: Bool, rehash: String?) in
      guard let hash = PasswordHash.parse(text) else { return (false, nil) }
      let start = ContinuousClock.now
      let isRight = try hash.verify(bytes)
      floor.observe(hash.cost, taken: start.duration(to: .now))
      guard isRight, stored != nil else { return (false, nil) }
      return (true, hash.needsRehash(parameters) ? try PasswordHash.argon2id(bytes, parameters: parameters) : nil)
    }
  }

  /// When the answer about a password that came now may leave, so that its time says nothing of the account. Call it before the account
  /// is read. Throws `overloaded`.
  /// - Parameter texts: the costs of the ledger's hashes, `AccountLedger.passwordCosts()`.
  func due(_ texts: [String]) async throws(ServiceError) -> ContinuousClock.Instant {
    try await follow(texts)
    return floor.book(minimum: rules.loginFloorMin)
  }

  /// When an answer that hashes nothing may leave, so that its time says nothing of the account. Call it before the account is read. Throws
  /// `overloaded`.
  /// - Parameter texts: the costs of the ledger's hashes, `AccountLedger.passwordCosts()`.
  func dueWithoutHash(_ texts: [String]) async throws(ServiceError) -> ContinuousClock.Instant {
    try await follow(texts)
    return floor.due(minimum: rules.loginFloorMin)
  }

  /// A refused attempt is answered after this, so that a client which tries again at once does not take the cores from those who are let
  /// in.
  static let refusalPause: Duration = .milliseconds(30)

  /// Gives what `body` does; a refusal for want of capacity or units comes after the pause.
  func unhurried<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
      return try await body()
    } catch let error as ServiceError where error.code == .rateLimited || error.code == .overloaded {
      try? await Task.sleep(for: Self.refusalPause)
      throw error
    }
  }

  private func follow(_ texts: [String]) async throws(ServiceError) {
    try await floor.follow(texts, today: PasswordCost(rules.passwordCost))
  }

  /// Keeps a place for a password, before anything is read or counted for it. Throws `overloaded`.
  public func admit() throws(ServiceError) -> HashPool.Place {
    guard let place = pool.reserve() else { throw Self.tooMany }
    return place
  }

  /// The sentence of a refusal while no hashing slot is free.
  public static let tooManyDetail = "Too many logins are waiting. Try again in a moment."
  static let tooMany = ServiceError(.overloaded, tooManyDetail, retryAfterSeconds: 1)

  private static let noMemory = ServiceError(
    .overloaded, "There is not enough memory to hash a password now. Try again in a moment.", retryAfterSeconds: 1)

  private func run<T: Sendable>(
    in place: HashPool.Place?, _ work: @escaping @Sendable () throws(PasswordHash.NoMemory) -> T
  ) async throws(ServiceError) -> T {
    let outcome: Result<T, PasswordHash.NoMemory>
    do {
      outcome = try await pool.run(deadline: .now + Self.patience, in: place) {
        do throws(PasswordHash.NoMemory) { return .success(try work()) } catch { return .failure(error) }
      }
    } catch { throw Self.tooMany }
    // For this password alone: what the others need may be there.
    guard case .success(let value) = outcome else { throw Self.noMemory }
    return value
  }
}
