import GatehouseCrypto
import Foundation
import GatehouseCore
import GatehouseHTTP
import GatehouseLedger
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// Answers by the settings in force when a request comes.
struct LiveResponder: HTTPResponder {
  typealias Context = GatehouseContext
  let assembly: Assembly
  let choose: @Sendable (Assembly.Responders) -> Edge

  func respond(to request: Request, context: GatehouseContext) async throws -> Response {
    guard let responders = assembly.responders else { throw Problem(.unavailable, "This process is starting. Try again in a moment.") }
    return try await choose(responders).respond(to: request, context: context)
  }
}

extension Assembly {
  /// For the servers' own lines: that they listen is no news, and a socket has another name at that moment.
  private var serverLog: Logger {
    var log = log
    log.logLevel = max(log.logLevel, .notice)
    return log
  }

  /// The public listener.
  func publicListener(_ running: @escaping @Sendable (any Channel) async -> Void) -> some Service {
    let (http, log) = (live.settings.http, log)
    let (hashing, orphans) = (hashing, orphans)
    let bound = ConnectionBound(quota())
    return Application(
      responder: LiveResponder(assembly: self) { $0.public },
      server: makeHTTP1(
        API.publicRules, admission: AdmissionControl(slotsMax: hashing.capacity) { hashing.isFull },
        crossOrigin: { self.responders?.crossOrigin ?? CrossOrigin(origins: []) }, refusals: refusals,
        fast: { self.responders?.fast }, orphans: orphans),
      configuration: .init(
        address: .hostname(http.host, port: http.port), serverName: nil,
        // The longest queue that Linux keeps unless told otherwise: when it overflows, a client waits seconds to try again.
        backlog: 4_096,
        availableConnectionsDelegate: .maximum(Descriptors.connectionsMax(wanted: http.connectionsMax, log: log), logger: log)),
      onServerRunning: { channel in
        do {
          // In front of what counts all connections: whoever is refused takes no place of anybody else's.
          try await channel.pipeline.addHandler(bound, position: .first)
        } catch {
          // Without it nobody may be served: the listener ends, and the process with it.
          log.critical("The public listener can't limit its clients' connections", metadata: ["error": "\(error)"])
          return channel.close(promise: nil)
        }
        await running(channel)
      }, eventLoopGroupProvider: .shared(group), logger: serverLog)
  }

  /// How many connections of the public listener each client may have, by the settings in force.
  private func quota() -> ConnectionQuota {
    let (live, refusals) = (live, ConnectionRefusals(log: log))
    return ConnectionQuota(
      bound: { live.settings.http.connectionsPerAddress }, isExempt: { self.responders?.trustedProxies.isTrusted($0) ?? false },
      onRefusal: refusals.note)
  }

  /// The ops listener.
  func operationsListener(_ running: @escaping @Sendable (any Channel) async -> Void) -> some Service {
    let http = live.settings.http
    return Application(
      responder: LiveResponder(assembly: self) { $0.operations }, server: makeHTTP1(API.operationsRules, refusals: refusals),
      configuration: .init(
        address: .hostname(http.opsHost, port: http.opsPort), serverName: nil,
        availableConnectionsDelegate: .maximum(Descriptors.operationsMax, logger: log)), onServerRunning: running,
      eventLoopGroupProvider: .shared(group), logger: serverLog)
  }

  /// The way in for the folder's owner, through a socket file.
  func socketListener(_ path: String, _ running: @escaping @Sendable () async -> Void) -> some Service {
    Application(
      responder: LiveResponder(assembly: self) { $0.owner }, server: makeHTTP1(API.operationsRules, refusals: refusals),
      configuration: .init(
        address: .unixDomainSocket(path: path), serverName: nil,
        availableConnectionsDelegate: .maximum(Descriptors.operationsMax, logger: log)),
      onServerRunning: { _ in
        // The process's umask has kept others out from the start; this takes off the bits that mean nothing on a socket.
        chmod(path, 0o600)
        await running()
      }, eventLoopGroupProvider: .shared(group), logger: serverLog)
  }
}

extension Settings.HTTP {
  /// The origins whose pages may call with a cookie: those that are named, and the service's own.
  var origins: [String] { allowedOrigins + [SettingsReader.origin(ofURL: publicURL)].compactMap(\.self) }
}
