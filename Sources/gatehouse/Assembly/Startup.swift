import GatehouseHTTP
import Logging
import Foundation
import GatehouseCore
import Synchronization

/// Waits for all listeners, which start in any order; then the process is ready and says where it is and what to try.
final class Startup: Sendable {
  enum Listener: CaseIterable { case `public`, operations, socket }

  /// Where the service can be called from here.
  struct Addresses: Sendable { let `public`, operations, socket: String }

  private let assembly: Assembly
  private let announce: (@Sendable (Addresses) -> Void)?
  private struct Running { var ports: [Listener: Int] = [:], socket = "" }
  private let running = Mutex(Running())

  /// - Parameter announce: who says where the service is; nil for the lines that a person reads.
  init(_ assembly: Assembly, announce: (@Sendable (Addresses) -> Void)? = nil) {
    self.assembly = assembly
    self.announce = announce
  }

  func isRunning(_ listener: Listener, port: Int?) {
    proceed { $0.ports[listener] = port ?? 0 }
  }

  /// - Parameter socket: where commands find this process.
  func isRunning(socket: String) {
    proceed { running in
      running.ports[.socket] = 0
      running.socket = socket
    }
  }

  private func proceed(_ add: (inout Running) -> Void) {
    let (all, socket) = running.withLock { running in
      add(&running)
      return (running.ports, running.socket)
    }
    guard all.count == Listener.allCases.count, assembly.readiness.now == .starting else { return }
    assembly.readiness.become(.ready)
    let http = assembly.live.settings.http
    let addresses = Addresses(
      public: "http://\(Self.reachable(http.host)):\(all[.public] ?? 0)",
      operations: "http://\(Self.reachable(http.opsHost)):\(all[.operations] ?? 0)", socket: socket)
    if let announce { announce(addresses) } else { tellPeople(addresses) }
  }

  private func tellPeople(_ addresses: Addresses) {
    let settings = assembly.live.settings.http
    let base = addresses.public
    let json = "-H 'Content-Type: application/json'"
    let login = #"-d '{"email":"mia@example.com","password":"correct horse battery staple"}'"#
    let lines = """
      Gatehouse answers on \(base)\(settings.publicURL.isEmpty ? "" : ", for users on \(settings.publicURL)"), \
      ops on \(addresses.operations), data in \(assembly.folder.path)
      Sign up, log in, ask who is there:
        curl \(json) \(login) \(base)/v1/users
        TOKEN=$(curl -s \(json) \(login) \(base)/v1/sessions | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')
        curl -H "Authorization: Bearer $TOKEN" \(base)/v1/session
      """
    // They are for a person who may be there. The service serves without them, and waits for nobody to read them.
    let log = assembly.log
    DispatchQueue.global().async {
      do { try Output.line(lines) } catch { log.warning("The lines for a start can't be written to standard output") }
    }
  }

  /// How a host is written in an address that can be called from here.
  private static func reachable(_ host: String) -> String {
    switch host {
    case "0.0.0.0": "127.0.0.1"
    case "::": "[::1]"
    default: host.contains(":") ? "[\(host)]" : host
    }
  }
}
