import GatehouseCrypto

/// Passwords are hashed and verified on their own few threads, behind a short queue: a storm of logins never reaches the rest.
public struct Passwords: Sendable {
  /// How long a login may wait for a thread.
  static let patience: Duration = .seconds(5)

  private let pool: HashPool
  private let parameters: Argon2Parameters
  /// What an unknown account's password is verified against, so that it costs what a known one's does.
  private let decoy: String

  public init(pool: HashPool, parameters: Argon2Parameters = .standard) {
    self.pool = pool
    self.parameters = parameters
    decoy = PasswordHash.argon2id(SecureRandom.bytes(16), parameters: parameters)
  }

  /// The stored form of a password. Throws `overloaded`; with a place only when no thread was free in `patience`.
  public func hash(_ password: String, in place: HashPool.Place? = nil) async throws(ServiceError) -> String {
    let bytes = canonicalPassword(password)
    let parameters = parameters
    return try await run(in: place) { PasswordHash.argon2id(bytes, parameters: parameters) }
  }

  /// Whether `password` is the one behind `stored` (nil: no such account, always false after the same work), and its hash by the
  /// present parameters if the stored one is older. Throws as `hash`.
  public func verify(
    _ password: String, against stored: String?, in place: HashPool.Place? = nil
  ) async throws(ServiceError) -> (isRight: Bool, rehash: String?) {
    let bytes = canonicalPassword(password)
    let parameters = parameters
    let text = stored ?? decoy
    return try await run(in: place) {
      guard let hash = PasswordHash.parse(text), hash.verify(bytes), stored != nil else { return (false, nil) }
      return (true, hash.needsRehash(parameters) ? PasswordHash.argon2id(bytes, parameters: parameters) : nil)
    }
  }

  /// Keeps a place for a password, before anything is read or counted for it. Throws `overloaded`.
  public func admit() throws(ServiceError) -> HashPool.Place {
    guard let place = pool.reserve() else { throw Self.tooMany }
    return place
  }

  private static let tooMany = ServiceError(.overloaded, "Too many logins are waiting. Try again in a moment.", retryAfterSeconds: 1)

  private func run<T: Sendable>(in place: HashPool.Place?, _ work: @escaping @Sendable () -> T) async throws(ServiceError) -> T {
    do {
      return try await pool.run(deadline: .now + Self.patience, in: place, work)
    } catch {
      throw Self.tooMany
    }
  }
}
