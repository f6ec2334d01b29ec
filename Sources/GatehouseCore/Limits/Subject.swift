import GatehouseCrypto

/// A policy, and the units that a call costs under it.
public struct PolicyCharge: Sendable {
  /// The policy that is charged.
  public let policy: Policy
  /// Units that the call costs, at least 1.
  public let cost: Int64
  /// Units that count beside those that Redis knows.
  public let besides: Int64
  /// A charge; `besides` is for units that this process has granted while Redis was away.
  public init(policy: Policy, cost: Int64, besides: Int64 = 0) {
    self.policy = policy
    self.cost = cost
    self.besides = besides
  }
}

/// A policy of an address or another subject, and what this call costs.
public struct SubjectCharge: Sendable {
  /// The address or other subject that is counted.
  public let subject: Subject
  /// The policy that is charged; its limit is the one for subjects without a plan.
  public let policy: Policy
  /// Units that the call costs, at least 1.
  public let cost: Int64
  /// A charge; several of one subject are taken together or not at all.
  public init(subject: Subject, policy: Policy, cost: Int64) {
    self.subject = subject
    self.policy = policy
    self.cost = cost
  }
}

/// The subject that a policy counts when it is not a user. The app's subjects and the service's own never share a window,
/// however they are named.
public enum Subject: Sendable, Hashable {
  /// An IPv4 address or an IPv6 /64, under a policy of the app.
  case network(String)
  /// A keyed digest of any text that the backend gave.
  case keyed(String)
  /// An IPv4 address or an IPv6 /64, under a policy of the service.
  case ownNetwork(String)
  /// A keyed digest of an account, alone or with a network.
  case own(String)
}

extension Subject {
  /// The network of a client that a proxy named in a form that can't be read. Nothing is counted by it: it would be everybody's.
  public static let unknownNetwork = "unknown"

  /// The text of a keyed digest, as it stands in a key.
  static func digest(_ mac: [UInt8]) -> String { String(Digest256(bytes: mac)?.hex.prefix(32) ?? "") }
}

/// One subject policy as it was decided. `allowed` is this policy's word alone: nothing was charged unless all of the subject's agree.
public struct SubjectVerdict: Sendable, Equatable {
  /// The subject's standing with the policy after the call.
  public let standing: PolicyStanding
  /// Whether the cost fits under the policy; a shadow policy always says so.
  public let allowed: Bool
  /// Whole seconds after which the cost can fit; nil if it fits now, and if it never does.
  public let retryAfterSeconds: Int?
  /// A verdict of one policy, in the place of its charge.
  public init(standing: PolicyStanding, allowed: Bool, retryAfterSeconds: Int?) {
    self.standing = standing
    self.allowed = allowed
    self.retryAfterSeconds = retryAfterSeconds
  }
}
