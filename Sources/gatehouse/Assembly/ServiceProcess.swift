import GatehouseCrypto
import GatehouseHTTP
import UnixSignals
import Foundation
import GatehouseCore
import Logging
import NIOCore
import ServiceLifecycle

/// A process that serves: everything that runs in it, and the order in which it ends.
struct ServiceProcess: Sendable {
  let assembly: Assembly
  let source: ConfigurationSource
  let level: JSONLines.Level
  let log: Logger
  /// Called once the service answers, in place of the lines for people. An error that it throws ends the process.
  var whenReady: (@Sendable (Startup.Addresses) async throws -> Void)?

  /// Runs until SIGTERM or SIGINT, then drains.
  func run() async throws {
    let socket = OwnSocket(assembly.folder.sockets)
    defer { socket.remove() }
    let impatience = SecondSignal { socket.remove() }
    defer { impatience.end() }
    let (started, starting) = AsyncStream.makeStream(of: Startup.Addresses.self)
    let announce = { @Sendable (addresses: Startup.Addresses) in _ = starting.yield(addresses) }
    let startup = Startup(assembly, announce: whenReady == nil ? nil : announce)
    let upkeep = Upkeep(
      domain: assembly.domain, lease: assembly.lease, redis: assembly.redis, hot: assembly.hot, ledger: assembly.ledger,
      secret: assembly.secret, log: log)
    // Stops from the last to the first: readiness, listeners, what they left, upkeep, Redis, the ledger.
    var configuration = ServiceGroupConfiguration(
      services: [
        .init(service: LedgerService(ledger: assembly.ledger, readiness: assembly.readiness, log: log)), .init(service: assembly.redis),
        .init(service: upkeep),
        .init(service: FloorKeeper(floor: assembly.loginFloor, ledger: assembly.ledger, live: assembly.live)),
        .init(service: LoopCores(group: assembly.group, log: log)),
        .init(service: Reload(assembly: assembly, source: source, level: level, log: log)),
        .init(service: LastAnswers(orphans: assembly.orphans)),
        .init(service: assembly.socketListener(socket.fresh) { startup.isRunning(socket: tell(socket.publish())) }),
        .init(service: assembly.operationsListener { startup.isRunning(.operations, port: $0.localAddress?.port) }),
        .init(
          service: AfterFirstLook(
            redis: assembly.redis, lease: assembly.lease,
            listener: assembly.publicListener { startup.isRunning(.public, port: $0.localAddress?.port) })),
        .init(service: Drain(readiness: assembly.readiness)),
      ], gracefulShutdownSignals: [.sigterm, .sigint], logger: log)
    if let whenReady {
      configuration.services.append(
        .init(
          service: Announcement(started: started, whenReady: whenReady), failureTerminationBehavior: .gracefullyShutdownGroup))
    }
    let drainSeconds = assembly.live.settings.http.drainSeconds
    configuration.maximumGracefulShutdownDuration = .seconds(drainSeconds)
    do {
      try await ServiceGroup(configuration: configuration).run()
    } catch {
      // Past the drain time the group ends by cancellation: that is no failure.
      guard assembly.readiness.now == .draining, !(error is CommandFailure) else { throw error }
    }
    await assembly.hashing.close()
  }

  private func tell(_ socket: String?) -> String {
    if socket == nil {
      log.error(
        "The ops socket can't be made in the folder: commands can't reach this process", metadata: ["folder": .string(assembly.folder.path)]
      )
    }
    return socket ?? ""
  }
}

/// Speaks once when the service answers.
private struct Announcement: Service {
  let started: AsyncStream<Startup.Addresses>
  let whenReady: @Sendable (Startup.Addresses) async throws -> Void

  func run() async throws {
    try await cancelWhenGracefulShutdown {
      for await addresses in started { try await whenReady(addresses) }
    }
  }
}

/// Ends the process at once when a second SIGTERM or SIGINT comes: whoever sends it doesn't want to wait for the drain. That is as
/// safe as any crash, since nothing was acknowledged that is not committed.
final class SecondSignal {
  private let sources: [any DispatchSourceSignal]

  init(_ cleanUp: @escaping @Sendable () -> Void) {
    let queue = DispatchQueue(label: "gatehouse.signals")
    let count = SignalCount()
    sources = [SIGTERM, SIGINT].map { number in
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        guard count.add(Int(source.data)) > 1 else { return }
        cleanUp()
        LogSink.standardError.flush(within: LogSink.secondSignalPatience)
        _exit(128 + number)
      }
      source.resume()
      return source
    }
  }

  func end() { for source in sources { source.cancel() } }

  private final class SignalCount: @unchecked Sendable {
    // Invariant: touched on the queue of the sources only, which is serial.
    private var count = 0
    func add(_ more: Int) -> Int {
      count += more
      return count
    }
  }
}
