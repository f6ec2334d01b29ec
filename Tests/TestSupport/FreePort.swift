import Glibc

/// Ports for servers that can't be told to choose one.
public enum FreePort {
  /// A port of 127.0.0.1 on which nothing listened a moment ago.
  public static func number() throws -> Int {
    let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard file >= 0 else { throw NotInTime(description: "no socket: errno \(errno)") }
    defer { close(file) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = bind(file, $0, length)
        _ = getsockname(file, $0, &length)
      }
    }
    return Int(UInt16(bigEndian: address.sin_port))
  }
}
