/// A user with the hash that proves their password.
public struct Credentials: Sendable, Equatable {
  /// The account that the password opens, active or suspended.
  public let user: User
  /// The stored text of the hash, with its scheme, parameters and salt; a secret that no log or answer may show.
  public let passwordHash: String
  /// A pair as it was read in one transaction of the ledger.
  public init(user: User, passwordHash: String) {
    self.user = user
    self.passwordHash = passwordHash
  }
}

/// A user as an operator sees them.
public struct UserOverview: Sendable, Equatable {
  /// The account as it is stored, suspended ones included.
  public let user: User
  /// The scheme of the password hash: `argon2id`, `pbkdf2`, `scrypt` or `bcrypt`.
  public let passwordScheme: String
  /// How many sessions are neither ended nor past their idle or absolute end.
  public let sessionsLive: Int
  /// The standing with every metric of the configuration, each in the period that is open.
  public let allowances: [Allowance]
  /// An overview whose parts were read at one instant.
  public init(user: User, passwordScheme: String, sessionsLive: Int, allowances: [Allowance]) {
    self.user = user
    self.passwordScheme = passwordScheme
    self.sessionsLive = sessionsLive
    self.allowances = allowances
  }
}
