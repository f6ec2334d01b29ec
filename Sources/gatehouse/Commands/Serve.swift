import ArgumentParser
import Foundation
import GatehouseCore
import GatehouseHTTP
import Hummingbird
import HummingbirdCore
import Logging
import ServiceLifecycle

struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Run the API on its public and ops listeners.")

  @Option(help: "The data folder.") var data: String?
  @Option(help: "The port of the public listener.") var port: Int?
  @Option(help: "The port of the ops listener.") var opsPort: Int?

  func run() async throws {
    signal(SIGPIPE, SIG_IGN)
    var settings = try loadSettings()
    if let data { settings.dataFolder = data }
    if let port { settings.http.port = port }
    if let opsPort { settings.http.opsPort = opsPort }
    var log = Logger(label: "gatehouse")
    log.logLevel = .notice
    let folder = try DataFolder(settings.dataFolder)
    guard let lock = folder.lock(exclusive: false) else {
      throw ValidationError("A gatehouse command is working on \(folder.path) right now. Try again when it has ended.")
    }
    defer { close(lock) }
    for address in [(settings.http.host, settings.http.port), (settings.http.opsHost, settings.http.opsPort)] {
      guard portIsFree(address.0, address.1) else {
        throw ValidationError(
          "Port \(address.1) on \(address.0) is taken: stop what listens there, or choose another with PORT and OPS_PORT.")
      }
    }
    let assembly = try Assembly(settings: settings, folder: folder, log: log)
    let socket = folder.opsSocket
    try await runServices(assembly, socket: socket, log: log)
    unlink(socket)
  }

  private func runServices(_ assembly: Assembly, socket: String, log: Logger) async throws {
    let http = assembly.settings.http
    let api = assembly.api
    let group = assembly.group
    let publicApp = Application(
      responder: try api.publicResponder(), server: .http1(configuration: makeHTTP1()),
      configuration: .init(address: .hostname(http.host, port: http.port), serverName: nil),
      onServerRunning: { _ in announce(http) }, eventLoopGroupProvider: .shared(group), logger: log)
    let opsApp = Application(
      responder: try api.operationsResponder(.key), server: .http1(configuration: makeHTTP1()),
      configuration: .init(address: .hostname(http.opsHost, port: http.opsPort), serverName: nil),
      eventLoopGroupProvider: .shared(group), logger: log)
    umask(0o077)
    let socketApp = Application(
      responder: try api.operationsResponder(.owner), server: .http1(configuration: makeHTTP1()),
      configuration: .init(address: .unixDomainSocket(path: socket), serverName: nil),
      eventLoopGroupProvider: .shared(group), logger: log)
    let upkeep = Upkeep(
      keeper: assembly.keeper, ledger: assembly.ledger, changes: assembly.changes, clock: assembly.clock, log: log)
    // Stops from the last to the first: readiness, listeners, upkeep, Redis, the ledger.
    var configuration = ServiceGroupConfiguration(
      services: [
        .init(service: LedgerService(ledger: assembly.ledger)), .init(service: assembly.redis), .init(service: upkeep),
        .init(service: socketApp), .init(service: opsApp), .init(service: publicApp), .init(service: Drain(readiness: assembly.readiness)),
      ], gracefulShutdownSignals: [.sigterm, .sigint], logger: log)
    configuration.maximumGracefulShutdownDuration = .seconds(10)
    try await ServiceGroup(configuration: configuration).run()
    await assembly.hashing.close()
  }
}

/// Says where the service is and what to try.
private func announce(_ http: Settings.HTTP) {
  let base = "http://\(http.host):\(http.port)"
  print(
    """
    Gatehouse answers on \(base), ops on http://\(http.opsHost):\(http.opsPort)
    Try:
      curl \(base)/readyz
      curl -H 'Content-Type: application/json' -d '{"email":"mia@example.com","password":"correct horse battery staple"}' \(base)/v1/users
      curl -H 'Content-Type: application/json' -d '{"email":"mia@example.com","password":"correct horse battery staple"}' \(base)/v1/sessions
    """)
  fflush(nil)
}

/// Whether nothing listens there yet: asked before anything is opened, so that the answer is one sentence.
private func portIsFree(_ host: String, _ port: Int) -> Bool {
  let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  guard file >= 0 else { return true }
  defer { close(file) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = in_port_t(UInt16(clamping: port)).bigEndian
  guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { return true }
  let result = withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
  }
  return result != 0
}
