import Foundation
import GatehouseCore
import GatehouseHTTP
import Logging

extension SettingsReader {
  /// Every setting; where one is wrong its default, and a problem.
  mutating func settings() -> Settings {
    var settings = Settings()
    readDataFolder(&settings)
    settings.processes = int("processes", 1...1_000, settings.processes)
    settings.ledgerCacheMiB = int("ledger.cache_mib", 4...65_536, settings.ledgerCacheMiB)
    let levels = Self.either(Logger.Level.allCases.map(\.rawValue))
    settings.logLevel = value("log.level", levels) { Logger.Level(rawValue: $0) } ?? settings.logLevel
    readHTTP(&settings)
    settings.signUpIsPublic = oneOf("signup.mode", ["public": true, "backend": false]) ?? true
    settings.signUpTells = oneOf("signup.enumeration", ["tell": true, "hide": false]) ?? true
    settings.loginFloorMillisecondsMin =
      value("login.floor_ms", "auto or a whole number from 0 to 5000") { text in
        text == "auto" ? 0 : Int(text).flatMap { (0...5_000).contains($0) ? $0 : nil }
      } ?? settings.loginFloorMillisecondsMin
    settings.passwordLengthMin = int("password.min_length", 8...64, settings.passwordLengthMin)
    settings.mailTokenSeconds = seconds("mail.token_lifetime", 1...3_600) ?? settings.mailTokenSeconds
    settings.argonMemoryKiB = int("password.argon_memory_kib", 8...1_048_576, settings.argonMemoryKiB)
    settings.argonPasses = int("password.argon_passes", 1...64, settings.argonPasses)
    for kind in SessionClass.allCases { settings.timeouts[kind] = timeouts("sessions.\(kind.rawValue)") ?? settings.timeouts(kind) }
    readMetrics(&settings)
    readPlans(&settings)
    readPolicies(&settings)
    readProfiles(&settings)
    settings.retention.usageEventDays = days("retention.usage_events", max: 36_500) ?? nil
    settings.retention.auditDays = days("retention.audit", max: 36_500) ?? settings.retention.auditDays
    settings.retention.reservationDays = days("retention.reservations", max: 36_500) ?? settings.retention.reservationDays
    settings.retention.eventDays = days("retention.events", max: 36_500) ?? settings.retention.eventDays
    return settings
  }

  private mutating func readDataFolder(_ settings: inout Settings) {
    guard let path = value("data", "the path of a folder", { $0.isEmpty ? nil : $0 }) else { return }
    do { settings.dataFolder = try DataFolder.checked(path) } catch { refuse(error.description) }
  }

  private mutating func readHTTP(_ settings: inout Settings) {
    var http = settings.http
    http.host = value("http.host", "an address or a host's name", Self.host) ?? http.host
    http.port = int("http.port", 0...65_535, http.port)
    http.opsHost = value("http.ops_host", "an address or a host's name", Self.host) ?? http.opsHost
    http.opsPort = int("http.ops_port", 0...65_535, http.opsPort)
    let meet = http.host == http.opsHost || ["0.0.0.0", "::"].contains { [http.host, http.opsHost].contains($0) }
    if http.port == http.opsPort, http.port != 0, meet {
      refuse("http.port and http.ops_port are both \(http.port) on \(http.host): each listener needs its own.")
    }
    http.connectionsMax = int("http.connections_max", 1...1_000_000, http.connectionsMax)
    http.connectionsPerAddress = int("http.connections_per_address", 0...1_000_000, http.connectionsPerAddress)
    http.drainSeconds = seconds("http.drain", 1...300).map(Int.init) ?? http.drainSeconds
    http.publicURL =
      value("public_url", "empty, or an address such as https://app.example.com") { $0.isEmpty || Self.origin(ofURL: $0) != nil ? $0 : nil }
      ?? http.publicURL
    http.trustedProxies = checked("trusted_proxies", "an IP address or a range such as 10.0.0.0/8") { AddressRange($0) != nil }
    http.allowedOrigins = checked("allowed_origins", "an origin such as https://app.example.com, without a path") {
      Self.origin(ofURL: $0) == $0
    }
    settings.http = http
    settings.cookieIsSecure = flag("cookie.secure") ?? true
    let isLocal = Self.isLoopback(http.host) && (URL(string: http.publicURL)?.host).map(Self.isLoopback) ?? true
    if !settings.cookieIsSecure, !isLocal {
      refuse("cookie.secure", "false", "true unless http.host and public_url are on loopback")
    }
  }

  private mutating func timeouts(_ section: String) -> SessionTimeouts? {
    let range: ClosedRange<Int64> = 1...3_650 * Day.seconds
    guard let idle = seconds("\(section).idle", range), let absolute = seconds("\(section).absolute", range) else { return nil }
    guard idle <= absolute else {
      refuse("\(section).idle", DurationText.text(seconds: idle), "at most \(section).absolute, \(DurationText.text(seconds: absolute))")
      return nil
    }
    return SessionTimeouts(idleMilliseconds: idle * 1000, absoluteMilliseconds: absolute * 1000)
  }

  private mutating func int(_ key: String, _ range: ClosedRange<Int64>, _ fallback: Int) -> Int {
    integer(key, range).map(Int.init) ?? fallback
  }

  private mutating func checked(_ key: String, _ expected: String, _ isGood: (String) -> Bool) -> [String] {
    let items = list(key) ?? []
    for item in items where !isGood(item) {
      refuse("\(key) has \(Quoted.text(item))\(origin(key)): each of it must be \(expected).")
    }
    return items
  }

  /// `scheme://host[:port]` of an http address, nil if it is none.
  static func origin(ofURL text: String) -> String? {
    guard let url = URL(string: text), let scheme = url.scheme, ["http", "https"].contains(scheme), let host = url.host, !host.isEmpty,
      url.user == nil, url.query == nil, url.fragment == nil
    else { return nil }
    return "\(scheme)://\(host.contains(":") ? "[\(host)]" : host)\(url.port.map { ":\($0)" } ?? "")"
  }

  /// A host that a listener can be bound to: an address, IPv6 ones with or without brackets, or a host's name. Whether this machine has it is
  /// another question. nil if it can be neither.
  static func host(_ text: String) -> String? {
    let isBracketed = text.hasPrefix("[") && text.hasSuffix("]")
    let bare = isBracketed ? String(text.dropFirst().dropLast()) : text
    let parts = bare.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
    if let address = IPAddress(parts.first ?? "") {
      guard parts.count == 1 || (bare.contains(":") && parts[1].wholeMatch(of: /[A-Za-z0-9_.-]{1,32}/) != nil) else { return nil }
      return isBracketed && !bare.contains(":") ? nil : parts.count == 1 ? address.description : bare
    }
    let name = /([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?/
    return !isBracketed && text.utf8.count <= 253 && text.wholeMatch(of: name) != nil ? text : nil
  }

  static func isLoopback(_ host: String) -> Bool {
    if host == "localhost" { return true }
    guard let address = IPAddress(host.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))) else { return false }
    return ["127.0.0.0/8", "::1"].compactMap(AddressRange.init).contains { $0.contains(address) }
  }
}
