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

  /// The stored form of a password. Throws `overloaded`.
  public func hash(_ password: String) async throws(ServiceError) -> String {
    let bytes = canonicalPassword(password)
    let parameters = parameters
    return try await run { PasswordHash.argon2id(bytes, parameters: parameters) }
  }

  /// Whether `password` is the one behind `stored` (nil: no such account, always false after the same work), and its hash by the
  /// present parameters if the stored one is older. Throws `overloaded`.
  public func verify(_ password: String, against stored: String?) async throws(ServiceError) -> (isRight: Bool, rehash: String?) {
    let bytes = canonicalPassword(password)
    let parameters = parameters
    let text = stored ?? decoy
    return try await run {
      guard let hash = PasswordHash.parse(text), hash.verify(bytes), stored != nil else { return (false, nil) }
      return (true, hash.needsRehash(parameters) ? PasswordHash.argon2id(bytes, parameters: parameters) : nil)
    }
  }

  /// Throws `overloaded` where a password would: known at the door, before anything is read or counted for it.
  public func admit() throws(ServiceError) {
    if pool.isFull { throw Self.tooMany }
  }

  private static let tooMany = ServiceError(.overloaded, "Too many logins are waiting. Try again in a moment.", retryAfterSeconds: 1)

  private func run<T: Sendable>(_ work: @escaping @Sendable () -> T) async throws(ServiceError) -> T {
    do {
      return try await pool.run(deadline: .now + Self.patience, work)
    } catch {
      throw Self.tooMany
    }
  }
}
