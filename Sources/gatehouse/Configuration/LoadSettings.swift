import Configuration
import Foundation
import GatehouseCore

/// The settings of this process: the environment over the defaults. A wrong value stops with one sentence that names it.
func loadSettings() throws -> Settings {
  let reader = ConfigReader(providers: [EnvironmentVariablesProvider().prefixKeys(with: "gatehouse")])
  var settings = Settings()
  func number(_ key: ConfigKey, _ range: ClosedRange<Int>, _ value: inout Int) throws {
    guard reader.string(forKey: key) != nil else { return }
    let found = try reader.requiredInt(forKey: key)
    guard range.contains(found) else {
      throw ConfigurationProblem(description: "\(key) is \(found); it must be from \(range.lowerBound) to \(range.upperBound).")
    }
    value = found
  }
  try number("http.port", 0...65_535, &settings.http.port)
  try number("http.opsPort", 0...65_535, &settings.http.opsPort)
  try number("processes", 1...1_000, &settings.processes)
  try number("login.floorMs", 0...5_000, &settings.loginFloorMilliseconds)
  try number("password.minLength", 8...64, &settings.passwordLengthMin)
  try number("password.argonMemoryKib", 8...1_048_576, &settings.argonMemoryKiB)
  try number("password.argonPasses", 1...64, &settings.argonPasses)
  if let host = reader.string(forKey: "http.host") { settings.http.host = host }
  if let host = reader.string(forKey: "http.opsHost") { settings.http.opsHost = host }
  if let data = reader.string(forKey: "data") { settings.dataFolder = data }
  return settings
}

/// What is wrong with the configuration, in one sentence.
struct ConfigurationProblem: Error, CustomStringConvertible { let description: String }
