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
