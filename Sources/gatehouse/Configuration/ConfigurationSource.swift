import Files
import Foundation
import GatehouseCore

/// Where a process's settings come from: flags of the command line, the environment, one file, the defaults, in this order.
struct ConfigurationSource: Sendable {
  /// The variable that names the file.
  static let variable = "GATEHOUSE_CONFIG"
  private static let fileBytesMax = 1 << 20

  /// Values of the command line by key.
  var flags: [String: String] = [:]
  var environment = ProcessInfo.processInfo.environment
  /// The file that `--config` names.
  var path: String?

  /// The one file that is read: the named one, which must be there, else `gatehouse.yaml` in the working directory, else none.
  var file: String? {
    if let named = path ?? environment[Self.variable], !named.isEmpty { return named }
    return FileManager.default.fileExists(atPath: DefaultFile.name) ? DefaultFile.name : nil
  }

  /// All settings. Throws every problem at once.
  func load() throws(ConfigurationProblems) -> Settings {
    var reader = try reader()
    let settings = reader.settings()
    reader.refuseUnknown()
    guard reader.problems.isEmpty else { throw ConfigurationProblems(sentences: reader.problems) }
    return settings
  }

  /// A reader over all layers.
  func reader() throws(ConfigurationProblems) -> SettingsReader {
    let defaults = try ConfigurationFile(yaml: DefaultFile.text, name: "defaults")
    return SettingsReader(flags: flags, environment: environment, file: try file.map(Self.read), defaults: defaults)
  }

  /// This source, for a process that has read its file: from now on that one must be there.
  var pinned: ConfigurationSource {
    var pinned = self
    pinned.path = file
    return pinned
  }

  /// Reads a regular file alone: a pipe or a device could wait for ever, and is another one when it is read again.
  private static func read(_ path: String) throws(ConfigurationProblems) -> ConfigurationFile {
    func refuse(_ sentence: String) -> ConfigurationProblems { ConfigurationProblems(sentences: [sentence]) }
    let unreadable = "The configuration file \(path) can't be read: check its path and its owner."
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw refuse(unreadable) }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    guard FileStatus(descriptor: descriptor)?.kind == .regular else {
      throw refuse("The configuration \(path) is not a regular file: write it into one, since SIGHUP reads it again.")
    }
    guard let data = try? handle.read(upToCount: fileBytesMax + 1) ?? Data() else { throw refuse(unreadable) }
    guard data.count <= fileBytesMax, let text = String(data: data, encoding: .utf8) else {
      throw refuse("\(path) is not a configuration: it must be UTF-8 text of at most 1 MiB.")
    }
    // A file that is being written would otherwise be all defaults.
    guard text.contains(where: { !$0.isWhitespace }) else {
      throw refuse("The configuration file \(path) is empty: restore it, or write a setting or a comment into it.")
    }
    return try ConfigurationFile(yaml: text, name: path)
  }
}
