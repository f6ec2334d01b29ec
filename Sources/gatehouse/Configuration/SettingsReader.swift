import Configuration
import GatehouseCore

/// Reads settings one by one through the layers (command line, environment, file, defaults) and keeps every problem as a sentence
/// that names the key, the offending value and what it may be.
struct SettingsReader {
  private let reader: ConfigReader
  private let flags: [String: String]
  let environment: [String: String]
  let file: ConfigurationFile?
  let defaults: ConfigurationFile
  private(set) var asked: Set<String> = []
  /// Those among the asked whose absence means something.
  private(set) var optional: Set<String> = []
  private(set) var problems: [String] = []

  /// - Parameter flags: values of the command line by key.
  init(flags: [String: String], environment: [String: String], file: ConfigurationFile?, defaults: ConfigurationFile) {
    var providers: [any ConfigProvider] = [
      InMemoryProvider(
        name: "command line",
        values: Dictionary(
          uniqueKeysWithValues: flags.map {
            (AbsoluteConfigKey($0.key.split(separator: ".").map(String.init)), ConfigValue(.string($0.value), isSecret: false))
          })), EnvironmentVariablesProvider(environmentVariables: environment).prefixKeys(with: "gatehouse"),
    ]
    if let file { providers.append(file.provider()) }
    providers.append(defaults.provider())
    reader = ConfigReader(providers: providers)
    self.flags = flags
    self.environment = environment
    self.file = file
    self.defaults = defaults
  }

  /// The environment variable of a key.
  static func variable(_ key: String) -> String { "GATEHOUSE_" + key.uppercased().replacing(".", with: "_") }

  /// Whether any layer has the key.
  mutating func has(_ key: String) -> Bool {
    asked.insert(key)
    optional.insert(key)
    return isWritten(key) || defaults[key] != nil
  }

  /// Whether somebody has written the key: it is not a default alone.
  func isWritten(_ key: String) -> Bool { flags[key] != nil || environment[Self.variable(key)] != nil || file?[key] != nil }

  mutating func text(_ key: String) -> String? {
    asked.insert(key)
    do { return try reader.requiredString(forKey: Self.path(key)) } catch {
      problems.append(isList(key) ? "\(key)\(origin(key)) must be one value, not a list." : "\(key) is missing.")
      return nil
    }
  }

  mutating func list(_ key: String) -> [String]? {
    asked.insert(key)
    do { return try reader.requiredStringArray(forKey: Self.path(key)).filter { !$0.isEmpty } } catch {
      problems.append("\(key)\(origin(key)) must be a list, such as [one, two].")
      return nil
    }
  }

  /// A value that `parse` understands. `expected` ends the sentence "it must be …".
  mutating func value<T>(_ key: String, _ expected: String, _ parse: (String) -> T?) -> T? {
    guard let text = text(key) else { return nil }
    if let value = parse(text) { return value }
    refuse(key, text, expected)
    return nil
  }

  mutating func integer(_ key: String, _ range: ClosedRange<Int64>) -> Int64? {
    value(key, "a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
      Int64(text).flatMap { range.contains($0) ? $0 : nil }
    }
  }

  mutating func seconds(_ key: String, _ range: ClosedRange<Int64>) -> Int64? {
    value(key, Self.durationExpected(range)) { text in DurationText.seconds(text).flatMap { range.contains($0) ? $0 : nil } }
  }

  /// Days, nil inside for `forever`.
  mutating func days(_ key: String, max: Int) -> Int?? {
    value(key, "forever or whole days from 1d to \(max)d") { text -> Int?? in
      if text == "forever" { return .some(nil) }
      guard let seconds = DurationText.seconds(text), seconds % Day.seconds == 0, (1...Int64(max)).contains(seconds / Day.seconds) else {
        return nil
      }
      return .some(Int(seconds / Day.seconds))
    }
  }

  mutating func flag(_ key: String) -> Bool? { value(key, "true or false") { ["true": true, "false": false][$0] } }

  mutating func oneOf<T>(_ key: String, _ words: KeyValuePairs<String, T>) -> T? {
    value(key, Self.either(words.map(\.key))) { text in words.first { $0.key == text }?.value }
  }

  mutating func refuse(_ key: String, _ value: String, _ expected: String) {
    problems.append("\(key) is \(Quoted.text(value))\(origin(key)): it must be \(expected).")
  }

  mutating func refuse(_ sentence: String) { problems.append(sentence) }

  /// Where the value of a key came from, for a sentence.
  func origin(_ key: String) -> String {
    if flags[key] != nil { return " (command line)" }
    if environment[Self.variable(key)] != nil { return " (\(Self.variable(key)))" }
    if let file, let entry = file[key] { return " (\(file.name), line \(entry.line))" }
    return ""
  }

  /// Where the file begins to describe what a prefix names.
  func place(_ prefix: String) -> String {
    guard let file, let entry = file.entries.first(where: { $0.key == prefix || $0.key.hasPrefix(prefix + ".") }) else { return "" }
    return " (\(file.name), line \(entry.line))"
  }

  /// `a, b or c`
  static func either(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " or " + last
  }

  private static func durationExpected(_ range: ClosedRange<Int64>) -> String {
    "a duration from \(DurationText.text(seconds: range.lowerBound)) to \(DurationText.text(seconds: range.upperBound)), such as 30s or 12h"
  }

  private func isList(_ key: String) -> Bool {
    guard flags[key] == nil, environment[Self.variable(key)] == nil, case .list? = (file?[key] ?? defaults[key])?.value else {
      return false
    }
    return true
  }

  /// Whether the file, the environment or the defaults hold any key that begins so.
  func isDescribed(_ prefix: String) -> Bool {
    let variable = Self.variable(prefix)
    return environment.keys.contains { $0.hasPrefix(variable) } || defaults.entries.contains { $0.key.hasPrefix(prefix) }
      || file?.entries.contains { $0.key.hasPrefix(prefix) } ?? false
  }

  private static func path(_ key: String) -> ConfigKey { ConfigKey(key.split(separator: ".").map(String.init)) }
}
