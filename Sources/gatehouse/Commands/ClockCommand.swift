import ArgumentParser
import GatehouseCore
import StrictJSON

struct ClockCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clock", abstract: "Show what time the service goes by, and accept another.", subcommands: [Show.self, Accept.self],
    defaultSubcommand: Show.self)

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show the service's time, and how far Redis's clock and the host's are from it.")
    @OptionGroup var service: ServiceOptions

    func run() async throws {
      let status = try await Operations.with(service.folder(), settings: service.source.load) { try await $0.ask("GET", "/v1/admin/clock") }
      try Output.line(status.clockTable)
    }
  }

  struct Accept: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Accept Redis's clock as right after it has jumped: every process goes by it once this returns.",
      discussion: """
        Only when that clock is right and the service's time is not: a clock that is wrong is set right instead, and the service goes on
        by itself. Leases keep what is left of them, no day or month that is over opens again, and nothing is removed for its age for a
        day. Sessions that are past their end by the new time are over.
        """)
    @OptionGroup var service: ServiceOptions
    @Flag(help: "The host's clock instead, while Redis is away.") var host = false
    @Option(help: .reason) var reason = "gatehouse clock accept"

    func run() async throws {
      let request: JSONObject = ["source": .string(host ? "host" : "redis"), "reason": .string(reason)]
      let status = try await Operations.with(service.folder(), settings: service.source.load) {
        try await $0.ask("POST", "/v1/admin/clock/accept", request)
      }
      try Output.line("The time is \(status.text("now") ?? "accepted").")
    }
  }
}

extension JSONObject {
  fileprivate var clockTable: String {
    let offset = { (name: String) in number(name).map { "\($0) ms" } ?? "not heard" }
    let rows = [
      ["time", text("now") ?? "-"], ["redis's clock", text("status") ?? "-"], ["redis's offset", offset("redis_offset_ms")],
      ["host's offset", offset("host_offset_ms")], ["nothing removed until", text("quiet_until") ?? "-"],
    ]
    return Table(["FIELD", "VALUE"], rows).text
  }
}
