/// A named rate limit: at most `limit` units in any `windowSeconds`, counted by `by`. An object that never changes: questions hand it on, and
/// each copy of its texts would be counted.
public final class Policy: Sendable, Equatable {
  /// The subjects that the policy counts. `user` and `plan` are decided in the user's own slot.
  public enum Key: String, Sendable, CaseIterable { case user, plan, ip, subject }

  /// The name by which calls and profiles ask for the policy; at most 32 of `a-z`, `0-9` and `_`.
  public let name: String
  /// The kind of subject whose units are counted.
  public let by: Key
  /// The length of the window in whole seconds: no span of that length sees more than the limit.
  public let windowSeconds: Int64
  /// Cells a window is divided into: a unit returns between W and W(1 + 1/cells) after it was taken.
  public let cells: Int64
  /// The units of a window, by the plan of the user who is counted.
  public let limits: PlanLimits
  /// Evaluated and counted, never denied.
  public let shadow: Bool

  /// A policy; `windowSeconds` and `cells` must be at least 1, and another of either begins a new count.
  public init(name: String, by: Key, windowSeconds: Int64, cells: Int64, limits: PlanLimits, shadow: Bool = false) {
    self.name = name
    self.by = by
    self.windowSeconds = windowSeconds
    self.cells = cells
    self.limits = limits
    self.shadow = shadow
    fieldName = "\(name).\(windowSeconds).\(cells)"
    isInternal = Self.isInternal(name)
  }

  /// The hash field of the window: another window or other cells are another field, another limit is not.
  public let fieldName: String

  /// Whether it is one of the service's own.
  public let isInternal: Bool

  var windowMilliseconds: Int64 { windowSeconds * 1000 }

  /// Whether both say the same in everything.
  public static func == (left: Policy, right: Policy) -> Bool {
    left === right
      || left.fieldName == right.fieldName && left.name == right.name && left.by == right.by && left.limits == right.limits
        && left.shadow == right.shadow
  }

  /// The sentence for a call that costs more than a window ever holds.
  public func costDetail(_ cost: Int64, limit: Int64) -> String {
    "Cost \(cost) is more than policy \(name) ever allows (\(limit)). Retrying will not help."
  }
}

extension Policy {
  /// The policies by which the service itself counts logins, sign-ups and mails. They and their subjects are out of every caller's
  /// reach: no check, gate call or profile may name one.
  public enum Internal: String, Sendable, CaseIterable {
    /// Logins to one account from one network.
    case loginPair = "login_pair"
    /// Logins from one network.
    case loginNetwork = "login_network"
    /// Logins to one account from all networks.
    case loginAccount = "login_account"
    /// Sign-ups from one network.
    case signUpNetwork = "signup_network"
    /// Mails to one account.
    case mailAccount = "mail_account"
    /// New addresses that one user asks for.
    case emailChange = "email_change"

    /// The subjects that it counts.
    public var by: Key {
      switch self {
      case .loginPair, .loginAccount, .mailAccount, .emailChange: .subject
      case .loginNetwork, .signUpNetwork: .ip
      }
    }
  }

  /// Whether `name` is one of the service's own.
  public static func isInternal(_ name: String) -> Bool { Internal(rawValue: name) != nil }
}

/// A limit by plan, with one for plans that are not named and for subjects that have none.
public struct PlanLimits: Sendable, Equatable {
  private struct PlanLimit: Sendable, Equatable {
    let plan: String
    let limit: Int64
  }

  private let fallback: Int64
  /// In the order of the names: a list is looked through faster than a dictionary of a few plans.
  private let byPlan: [PlanLimit]

  /// A limit of `fallback` units, and of others for the plans that `byPlan` names.
  public init(_ fallback: Int64, byPlan: [String: Int64] = [:]) {
    self.fallback = fallback
    self.byPlan = byPlan.sorted { $0.key < $1.key }.map { PlanLimit(plan: $0.key, limit: $0.value) }
  }

  /// Units of a window for a plan; the fallback for a plan that has none of its own, and for nil.
  public func limit(plan: String?) -> Int64 {
    guard let plan else { return fallback }
    return byPlan.first { $0.plan == plan }?.limit ?? fallback
  }
}

/// Where a subject stands with one policy. `resetSeconds` is when `remaining` next grows.
public struct PolicyStanding: Sendable, Equatable {
  /// The policy's name.
  public let policy: String
  /// Units of a window as they apply now: this process's share of them where it decided alone.
  public let limit: Int64
  /// The length of the policy's window in whole seconds.
  public let windowSeconds: Int64
  /// Units that are left, never negative.
  public let remaining: Int64
  /// Whole seconds, rounded up, until `remaining` next grows; 0 while nothing is taken.
  public let resetSeconds: Int
  /// Whether this call does not fit under the policy; true of a shadow policy as well, though it refuses nothing.
  public let exceeded: Bool
  /// Whether the policy counts and never refuses.
  public let shadow: Bool

  /// A standing right after a call, which the call's own costs are part of if they were taken.
  public init(policy: String, limit: Int64, windowSeconds: Int64, remaining: Int64, resetSeconds: Int, exceeded: Bool, shadow: Bool) {
    self.policy = policy
    self.limit = limit
    self.windowSeconds = windowSeconds
    self.remaining = remaining
    self.resetSeconds = resetSeconds
    self.exceeded = exceeded
    self.shadow = shadow
  }
}
