import GatehouseCore
import GatehouseHTTP
import Synchronization

/// The settings in force. What reads them asks each time, so that a reload is true from the next call on.
final class LiveSettings: Sendable {
  /// One version of the settings, with what is computed of them once.
  final class Version: Sendable {
    let settings: Settings
    let allowances: AllowanceTable
    let crossOrigin: CrossOrigin
    let trustedProxies: TrustedProxies
    init(_ settings: Settings) {
      self.settings = settings
      allowances = settings.allowanceTable
      crossOrigin = CrossOrigin(origins: settings.http.origins)
      trustedProxies = TrustedProxies(settings.http.trustedProxies.compactMap(AddressRange.init))
    }
  }

  private let version: Mutex<Version>

  init(_ settings: Settings) { version = Mutex(Version(settings)) }

  var now: Version { version.withLock { $0 } }
  var settings: Settings { now.settings }

  func replace(with settings: Settings) {
    let next = Version(settings)
    version.withLock { $0 = next }
  }
}
