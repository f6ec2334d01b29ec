/// A named set of limits and requirements: what a proxy asks the gate to check, so that no client can choose its own.
public struct Profile: Sendable, Equatable {
  /// The name by which proxies ask, as in `/v1/auth/{profile}`.
  public let name: String
  /// The policies that every call is charged with, one unit each.
  public let policies: [String]
  /// The needs of every call beyond a valid session.
  public let requirements: Requirements

  /// A profile; `policies` must be names of the configuration.
  public init(name: String, policies: [String], requirements: Requirements = Requirements()) {
    self.name = name
    self.policies = policies
    self.requirements = requirements
  }
}

/// The needs of a call beyond a valid session.
public struct Requirements: Sendable, Equatable {
  /// The greatest age of the password of the session's token, in milliseconds; nil for any.
  public var authenticatedWithinMilliseconds: Int64?
  /// The plans that may call; nil is all.
  public var plans: [String]?
  /// Whether the user's present address must be verified.
  public var emailVerified: Bool
  /// Needs that a call must meet together; without arguments every valid session meets them.
  public init(authenticatedWithinMilliseconds: Int64? = nil, plans: [String]? = nil, emailVerified: Bool = false) {
    self.authenticatedWithinMilliseconds = authenticatedWithinMilliseconds
    self.plans = plans
    self.emailVerified = emailVerified
  }
}
