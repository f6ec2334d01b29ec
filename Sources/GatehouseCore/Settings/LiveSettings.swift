import GatehouseCrypto
import Synchronization

/// The settings in force, which a reload replaces as a whole.
public final class LiveSettings: LiveRules {
  /// One version of them, with what is computed of it once.
  private final class Version: Sendable {
    let settings: Settings
    let allowances: AllowanceTable

    init(_ settings: Settings) {
      self.settings = settings
      allowances = settings.allowanceTable
    }
  }

  private let version: Mutex<Version>

  public init(_ settings: Settings) { version = Mutex(Version(settings)) }

  private var now: Version { version.withLock { $0 } }

  /// All of them, as they are now.
  public var settings: Settings { now.settings }

  /// Puts others in force: every call that begins from now on goes by them.
  public func replace(with settings: Settings) {
    let next = Version(settings)
    version.withLock { $0 = next }
  }

  public var allowances: AllowanceTable { now.allowances }
  public func policy(_ name: String) -> Policy? { now.settings.policy(name) }
  public func profile(_ name: String) -> Profile? { now.settings.profile(name) }
  public func timeouts(_ kind: SessionClass) -> SessionTimeouts { now.settings.timeouts(kind) }
  public func sessionsMax(plan: String) -> Int { now.settings.sessionsMax(plan: plan) }
  public var passwords: PasswordRules { PasswordRules(minLength: now.settings.passwordLengthMin) }
  public var passwordCost: Argon2Parameters { now.settings.passwordCost }
  public var loginFloorMin: Duration { .milliseconds(now.settings.loginFloorMillisecondsMin) }
  public var mailMilliseconds: Int64 { now.settings.mailTokenSeconds * 1000 }
  public var retention: Settings.Retention { now.settings.retention }
}
