import GatehouseCrypto
import Synchronization

/// The settings in force, which a reload replaces as a whole.
public final class LiveSettings: LiveRules {
  /// One version of them, with what is computed of it once. Calls look things up here, since a copy of all settings costs more.
  private final class Version: Sendable {
    let settings: Settings
    let allowances: AllowanceTable
    let edition: Int

    init(_ settings: Settings, edition: Int) {
      self.settings = settings
      self.edition = edition
      allowances = settings.allowanceTable
    }

    func policy(_ name: String) -> Policy? { settings.policy(name) }
    func profile(_ name: String) -> Profile? { settings.profile(name) }
    func timeouts(_ kind: SessionClass) -> SessionTimeouts { settings.timeouts(kind) }
  }

  private let version: Mutex<Version>

  /// Settings in force until others replace them; they are taken as they are, unchecked.
  public init(_ settings: Settings) { version = Mutex(Version(settings, edition: 0)) }

  private var now: Version { version.withLock { $0 } }

  /// All of them, as they are now.
  public var settings: Settings { now.settings }

  /// Puts others in force: every call that begins from now on goes by them.
  public func replace(with settings: Settings) {
    version.withLock { $0 = Version(settings, edition: $0.edition + 1) }
  }

  /// How often they were replaced.
  public var edition: Int { now.edition }
  /// The allowances of each plan in the present version, computed once for it.
  public var allowances: AllowanceTable { now.allowances }
  /// The present rate limit of a name; nil if the configuration has none.
  public func policy(_ name: String) -> Policy? { now.policy(name) }
  /// The present profile of a name; nil if the configuration has none.
  public func profile(_ name: String) -> Profile? { now.profile(name) }
  /// How long the sessions of a class live by the present version.
  public func timeouts(_ kind: SessionClass) -> SessionTimeouts { now.timeouts(kind) }
  /// Live sessions of a user whose plan this is; those of the default plan for one that is not configured.
  public func sessionsMax(plan: String) -> Int { now.settings.sessionsMax(plan: plan) }
  /// The rules for a password that is chosen now.
  public var passwords: PasswordRules { PasswordRules(minLength: now.settings.passwordLengthMin) }
  /// The cost of a hash that is made now.
  public var passwordCost: Argon2Parameters { now.settings.passwordCost }
  /// The configured minimum before an answer to a login; zero unless one is set.
  public var loginFloorMin: Duration { .milliseconds(now.settings.loginFloorMillisecondsMin) }
  /// How long a mailed token that is made now is good, in milliseconds.
  public var mailMilliseconds: Int64 { now.settings.mailTokenSeconds * 1000 }
  /// How long rows are kept by the present version.
  public var retention: Settings.Retention { now.settings.retention }
}
