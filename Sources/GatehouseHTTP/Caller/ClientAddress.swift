import HTTPTypes
import NIOCore

/// An IPv4 or IPv6 address. An IPv4 address mapped into IPv6 is the IPv4 one.
public struct IPAddress: Sendable, Hashable, CustomStringConvertible {
  /// 4 or 16 bytes, in network order.
  public let bytes: [UInt8]
  /// The canonical text.
  public let description: String

  /// The address that `text` is, without port, brackets or zone; nil when it is none.
  public init?(_ text: some StringProtocol) {
    guard text.utf8.count <= 45, !text.utf8.contains(UInt8(ascii: "%")),
      let address = try? SocketAddress(ipAddress: String(text), port: 0)
    else { return nil }
    self.init(address)
  }

  /// The address of a peer; nil for a Unix socket.
  public init?(_ address: SocketAddress) {
    // Where the address stands in Linux's sockaddr_in and sockaddr_in6: which module declares their fields depends on what else is imported.
    switch address {
    case .v4(let v4): self.init(bytes: withUnsafeBytes(of: v4.address) { Array($0[4..<8]) })
    case .v6(let v6): self.init(bytes: withUnsafeBytes(of: v6.address) { Array($0[8..<24]) })
    case .unixDomainSocket: return nil
    }
  }

  init?(bytes raw: [UInt8]) {
    let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
    let bytes = raw.count == 16 && raw.starts(with: mapped) ? Array(raw.suffix(4)) : raw
    guard let text = try? SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: 0).ipAddress else { return nil }
    self.bytes = bytes
    description = text
  }

  /// The network that counts as one client: the IPv4 address, or the /64 that an IPv6 address lies in.
  public var network: String {
    guard bytes.count == 16, let prefix = IPAddress(bytes: bytes.prefix(8) + [UInt8](repeating: 0, count: 8)) else { return description }
    return prefix.description + "/64"
  }
}

extension IPAddress {
  /// The address in one element of `X-Forwarded-For`, in any form that proxies send: bare, `IPv4:port`, `[IPv6]`, `[IPv6]:port`, with
  /// a zone, in double quotes. nil when it is none, such as `unknown`.
  public init?(hop: some StringProtocol) {
    var text = String(hop).trimmed
    if text.count > 1, text.first == "\"", text.last == "\"" { text = text.dropFirst().dropLast() }
    if text.first == "[" {
      guard let end = text.firstIndex(of: "]"), Self.isPort(text[text.index(after: end)...]) else { return nil }
      text = text[text.index(after: text.startIndex)..<end]
      guard text.contains(":") else { return nil }
    } else if let colon = text.firstIndex(of: ":"), !text[text.index(after: colon)...].contains(":") {
      guard Self.isPort(text[colon...]) else { return nil }
      text = text[..<colon]
    }
    let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
    // A zone names a link of the proxy's host: it tells no client from another.
    if parts.count == 2 { guard text.contains(":"), !parts[1].isEmpty else { return nil } }
    self.init(parts[0])
  }

  /// Nothing, or a colon and a port.
  private static func isPort(_ text: Substring) -> Bool {
    text.isEmpty || text.wholeMatch(of: /:[0-9]{1,5}/) != nil
  }
}

/// A range of addresses in CIDR notation.
public struct AddressRange: Sendable, Equatable {
  private let first: [UInt8]
  private let bits: Int

  /// The range that `text` names, such as `10.0.0.0/8`, or the one address that it is; nil when it is neither.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard let address = parts.first.flatMap({ IPAddress($0) }), parts.count <= 2 else { return nil }
    var bits = address.bytes.count * 8
    if parts.count == 2 {
      guard let given = Int(parts[1]), given >= 0, given <= bits else { return nil }
      bits = given
    }
    first = address.bytes
    self.bits = bits
  }

  /// Whether `address` is in the range. No IPv4 address is in a range of IPv6, and the other way round.
  public func contains(_ address: IPAddress) -> Bool {
    guard address.bytes.count == first.count else { return false }
    for (index, pair) in zip(first, address.bytes).enumerated() {
      let left = bits - index * 8
      if left <= 0 { return true }
      let mask = left >= 8 ? 0xFF : UInt8(truncatingIfNeeded: 0xFF00 >> left)
      if pair.0 & mask != pair.1 & mask { return false }
    }
    return true
  }
}

/// The sender of a request, as far as the proxies in between tell.
public enum ClientAddress: Sendable, Equatable {
  /// The address of the client, or of the first proxy that is not ours.
  case address(IPAddress)
  /// Nothing but our own Unix sockets is known.
  case local
  /// A proxy of ours named it in a form that nobody can read.
  case unknown(hop: String)
}

/// Finds the client behind the proxies that are ours.
public struct TrustedProxies: Sendable {
  /// How many hops are looked at: more than any honest chain has.
  private static let hopsMax = 32

  private let ranges: [AddressRange]
  private let trustsUnixSockets: Bool
  /// The hops that proxies named and nobody could read.
  let faults = HopFaults()

  /// Trusts peers in `ranges`, and all that come over our own Unix socket.
  public init(_ ranges: [AddressRange], trustsUnixSockets: Bool = true) {
    self.ranges = ranges
    self.trustsUnixSockets = trustsUnixSockets
  }

  /// Loopback and our Unix socket.
  public static let loopback = TrustedProxies(["127.0.0.0/8", "::1"].compactMap(AddressRange.init))

  /// The right-most hop of `X-Forwarded-For` that is not ours, where the peer is; empty elements are none. A hop that is no address
  /// makes the client unknown: to take the proxy that named it would count all of its clients as one.
  public func client(of peer: SocketAddress?, _ headers: HTTPFields) -> ClientAddress {
    client(of: peer, forwardedFor: HTTPField.Name("X-Forwarded-For").map { headers[values: $0].joined(separator: ",") } ?? "")
  }

  /// The client behind a peer, where `told` is all that `X-Forwarded-For` says.
  func client(of peer: SocketAddress?, forwardedFor told: String) -> ClientAddress {
    let direct = peer.flatMap { IPAddress($0) }
    var client = direct.map(ClientAddress.address) ?? .local
    guard direct.map(isTrusted) ?? (peer != nil && trustsUnixSockets) else { return client }
    let hops = told.split(separator: ",").map(\.trimmed).filter { !$0.isEmpty }
    for hop in hops.reversed().prefix(Self.hopsMax) {
      guard let address = IPAddress(hop: hop) else { return .unknown(hop: String(hop)) }
      client = .address(address)
      if !isTrusted(address) { break }
    }
    return client
  }

  /// Whether a peer of this address is one of our proxies.
  public func isTrusted(_ address: IPAddress) -> Bool { ranges.contains { $0.contains(address) } }
}

extension StringProtocol where SubSequence == Substring {
  /// Without the spaces and tabs around it.
  var trimmed: Substring {
    let head = drop { $0 == " " || $0 == "\t" }
    guard let last = head.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return head.prefix(0) }
    return head[...last]
  }
}
