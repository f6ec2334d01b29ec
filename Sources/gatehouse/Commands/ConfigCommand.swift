import ArgumentParser
import Foundation

struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Print the default configuration, or check one.", subcommands: [Init.self, Check.self])

  struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print the whole default configuration, every key with its meaning: gatehouse config init > gatehouse.yaml")

    func run() throws { try Output.write(DefaultFile.text) }
  }

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Check a configuration and the environment, and print each problem on a line.",
      discussion: "Exit status 1 if there is a problem.")

    @Argument(help: "The file; else GATEHOUSE_CONFIG, else gatehouse.yaml in the working directory, else the defaults.")
    var path: String?

    func run() throws {
      var source = ConfigurationSource()
      source.path = path
      do { _ = try source.load() } catch {
        try Output.line(error.description)
        throw ExitCode.failure
      }
      try Output.line("\(source.file ?? "The defaults and the environment"): no problems.")
    }
  }
}
