import GatehouseCore
import ArgumentParser
import Foundation

/// Which service a command means.
struct ServiceOptions: ParsableArguments {
  @Option(help: "The data folder; else GATEHOUSE_DATA, else the configuration's key data.") var data: String?
  @Option(help: "The configuration file; else GATEHOUSE_CONFIG, else gatehouse.yaml in the working directory.") var config: String?

  /// The configuration as these options have it.
  var source: ConfigurationSource {
    var source = ConfigurationSource()
    source.path = config
    if let data { source.flags["data"] = data }
    return source
  }

  /// The data folder. The configuration is read only if it must say which: a running service can be worked on without it.
  func folder() throws -> DataFolder {
    let source = source
    return try DataFolder.existing(data ?? source.environment["GATEHOUSE_DATA"] ?? source.load().dataFolder)
  }
}

extension ArgumentHelp {
  /// The help of each option that gives a reason.
  static let reason: ArgumentHelp = "Why, for the audit trail."
}
