/// A user with the hash that proves their password.
public struct Credentials: Sendable, Equatable {
  public let user: User
  public let passwordHash: String
  public init(user: User, passwordHash: String) {
    self.user = user
    self.passwordHash = passwordHash
  }
}

/// A user as an operator sees them.
public struct UserOverview: Sendable, Equatable {
  public let user: User
  /// The scheme of the password hash: `argon2id`, `pbkdf2`, `scrypt` or `bcrypt`.
  public let passwordScheme: String
  public let sessionsLive: Int
  public let allowances: [Allowance]
  public init(user: User, passwordScheme: String, sessionsLive: Int, allowances: [Allowance]) {
    self.user = user
    self.passwordScheme = passwordScheme
    self.sessionsLive = sessionsLive
    self.allowances = allowances
  }
}
