import Foundation
import GatehouseCore
import NIOCore

/// Whether the listeners can have their addresses: asked before anything is opened, so that the answer is one sentence.
enum Ports {
  /// Throws what is wrong with the first address that can't be had.
  static func check(_ http: Settings.HTTP) throws(CommandFailure) {
    try check(http.host, http.port, keys: ("http.host", "http.port"), flags: "--port or PORT")
    try check(http.opsHost, http.opsPort, keys: ("http.ops_host", "http.ops_port"), flags: "--ops-port or OPS_PORT")
  }

  /// The sentence for a failed bind. Another process may have come between the check and the listener.
  static func failure(_ error: any Error, _ http: Settings.HTTP) -> any Error {
    guard let error = error as? IOError else { return error }
    do { try check(http) } catch { return error }
    return CommandFailure(
      "The listeners on ports \(http.port) and \(http.opsPort) could not be opened (\(String(cString: strerror(error.errnoCode)))): "
        + "another process came first. Try again, or choose other ports.")
  }

  private static func check(
    _ host: String, _ port: Int, keys: (host: String, port: String), flags: String
  ) throws(CommandFailure) {
    let address: SocketAddress
    do { address = try SocketAddress.makeAddressResolvingHost(host, port: port) } catch {
      throw CommandFailure(
        "\(keys.host) is \"\(host)\", which is neither an address nor a host that can be found: use one such as 127.0.0.1.")
    }
    switch bindError(address) {
    case 0: return
    case EADDRINUSE:
      throw CommandFailure("Port \(port) on \(host) is taken: stop what listens there, or choose another with \(flags) (\(keys.port)).")
    case EACCES:
      throw CommandFailure("Port \(port) on \(host) is for root alone: choose one above 1023 with \(flags) (\(keys.port)).")
    case EADDRNOTAVAIL:
      throw CommandFailure("\(keys.host) is \"\(host)\", which is not an address of this machine: use one that is, or 0.0.0.0 for all.")
    case let number:
      throw CommandFailure("Port \(port) on \(host) can't be opened: \(String(cString: strerror(number))).")
    }
  }

  private static func bindError(_ address: SocketAddress) -> Int32 {
    let file = socket(address.protocol == .inet6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard file >= 0 else { return errno }
    defer { close(file) }
    // As the listener itself does it: connections of a process before this one don't count.
    var on: Int32 = 1
    setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    return address.withSockAddr { pointer, size in bind(file, pointer, socklen_t(size)) == 0 ? 0 : errno }
  }
}
