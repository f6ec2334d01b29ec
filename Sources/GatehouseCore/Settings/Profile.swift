/// A named set of limits and requirements: what a proxy asks the gate to check, so that no client can choose its own.
public struct Profile: Sendable, Equatable {
  public let name: String
  /// The policies that every call is charged with, one unit each.
  public let policies: [String]
  public let requirements: Requirements

  public init(name: String, policies: [String], requirements: Requirements = Requirements()) {
    self.name = name
    self.policies = policies
    self.requirements = requirements
  }
}

/// The needs of a call beyond a valid session.
public struct Requirements: Sendable, Equatable {
  public var authenticatedWithinMilliseconds: Int64?
  /// The plans that may call; nil is all.
  public var plans: [String]?
  public var emailVerified: Bool
  public init(authenticatedWithinMilliseconds: Int64? = nil, plans: [String]? = nil, emailVerified: Bool = false) {
    self.authenticatedWithinMilliseconds = authenticatedWithinMilliseconds
    self.plans = plans
    self.emailVerified = emailVerified
  }
}
