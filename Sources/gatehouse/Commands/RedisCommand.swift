import ArgumentParser
import StrictJSON

struct RedisCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "redis", abstract: "Control what the service believes of Redis.", subcommands: [Forget.self])

  struct Forget: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Believe nothing that Redis holds of users: each is read from the ledger again.",
      discussion: """
        For when keys were restored, renamed or edited by hand, which the service can't notice. Nobody is logged out, rate windows stay,
        and for about half a second the ledger decides.
        """)
    @OptionGroup var service: ServiceOptions
    @Option(help: .reason) var reason = "gatehouse redis forget"

    func run() async throws {
      let request: JSONObject = ["reason": .string(reason)]
      _ = try await Operations.with(service.folder(), settings: service.source.load) {
        try await $0.ask("POST", "/v1/admin/redis/forget", request)
      }
      try Output.line("Every user is read from the ledger again.")
    }
  }
}
