import GatehouseCrypto

/// The part of the configuration that decides about calls. It is asked at each call, so that a reload is true from the next one on.
/// The settings of the HTTP contract (origins, proxies, the cookie, who may sign up) are no part of it: a reload makes the responders anew.
public protocol LiveRules: Sendable {
  /// Rises with every change of what is said here.
  var edition: Int { get }
  /// The allowances of each plan.
  var allowances: AllowanceTable { get }
  /// The rate limit of a name; nil if the configuration has none.
  func policy(_ name: String) -> Policy?
  /// The profile that a proxy may ask for by a name; nil if the configuration has none.
  func profile(_ name: String) -> Profile?
  /// How long the sessions of a class live.
  func timeouts(_ kind: SessionClass) -> SessionTimeouts
  /// Live sessions of a user whose plan this is; beyond them the least recently seen end.
  func sessionsMax(plan: String) -> Int
  /// Which passwords may be chosen.
  var passwords: PasswordRules { get }
  /// The cost of a hash that is made now.
  var passwordCost: Argon2Parameters { get }
  /// No answer to a login leaves before this, nor before what `LoginFloor` says.
  var loginFloorMin: Duration { get }
  /// How long a mailed token is good.
  var mailMilliseconds: Int64 { get }
  /// How long rows are kept that nobody needs for a decision.
  var retention: Settings.Retention { get }
}
