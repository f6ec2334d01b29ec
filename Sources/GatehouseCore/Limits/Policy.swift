/// A named rate limit: at most `limit` units in any `windowSeconds`, counted by `by`.
public struct Policy: Sendable, Equatable {
  /// The subjects that the policy counts. `user` and `plan` are decided in the user's own slot.
  public enum Key: String, Sendable, CaseIterable { case user, plan, ip, subject }

  public let name: String
  public let by: Key
  public let windowSeconds: Int64
  /// Cells a window is divided into: a unit returns between W and W(1 + 1/cells) after it was taken.
  public let cells: Int64
  public let limits: PlanLimits
  /// Evaluated and counted, never denied.
  public let shadow: Bool

  public init(name: String, by: Key, windowSeconds: Int64, cells: Int64, limits: PlanLimits, shadow: Bool = false) {
    self.name = name
    self.by = by
    self.windowSeconds = windowSeconds
    self.cells = cells
    self.limits = limits
    self.shadow = shadow
  }

  /// The hash field of the window: another window or other cells are another field, another limit is not.
  public var fieldName: String { "\(name).\(windowSeconds).\(cells)" }

  var windowMilliseconds: Int64 { windowSeconds * 1000 }
}

extension Policy {
  /// The policies by which the service itself counts logins, sign-ups and mails. They and their subjects are out of every caller's
  /// reach: no check, gate call or profile may name one.
  public enum Internal: String, Sendable, CaseIterable {
    case loginPair = "login_pair"
    case loginNetwork = "login_network"
    case loginAccount = "login_account"
    case signUpNetwork = "signup_network"
    case mailAccount = "mail_account"
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
  private let fallback: Int64
  private let byPlan: [String: Int64]

  public init(_ fallback: Int64, byPlan: [String: Int64] = [:]) {
    self.fallback = fallback
    self.byPlan = byPlan
  }

  public func limit(plan: String?) -> Int64 { plan.flatMap { byPlan[$0] } ?? fallback }
}

/// Where a subject stands with one policy. `resetSeconds` is when `remaining` next grows.
public struct PolicyStanding: Sendable, Equatable {
  public let policy: String
  public let limit: Int64
  public let windowSeconds: Int64
  public let remaining: Int64
  public let resetSeconds: Int
  public let exceeded: Bool
  public let shadow: Bool

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
