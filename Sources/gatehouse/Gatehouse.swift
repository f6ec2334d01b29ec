import ArgumentParser

@main
struct Gatehouse: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gatehouse", abstract: "Sessions, rate limits and daily allowances for app backends.", subcommands: [Serve.self])
}
