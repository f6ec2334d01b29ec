import NIOCore
import Synchronization

/// The bound on connections of one address to a listener, so that one client can't take them all.
///
/// An IPv6 client is a /64, and the /64s of one /48 have `siteShare` times as many together: the holder of a /48 can use all of them.
/// Peers that are exempt, and those of Unix sockets, have no bound.
public final class ConnectionQuota: Sendable {
  /// How many times the bound of one client a /48 has.
  static let siteShare = 4

  private struct Counts {
    var open: [[UInt8]: Int] = [:]
    var refused = 0
  }

  private let bound: @Sendable () -> Int
  private let isExempt: @Sendable (IPAddress) -> Bool
  private let onRefusal: @Sendable (_ network: String) -> Void
  private let state = Mutex(Counts())

  /// - Parameters:
  ///   - bound: connections of one address at once; 0 for any number. Asked at each connection, like `isExempt`.
  ///   - isExempt: whether a peer's connections are not counted: a proxy brings those of everybody.
  ///   - onRefusal: told of each refused connection, on an event loop: it must not block.
  public init(
    bound: @escaping @Sendable () -> Int, isExempt: @escaping @Sendable (IPAddress) -> Bool,
    onRefusal: @escaping @Sendable (_ network: String) -> Void = { _ in }
  ) {
    self.bound = bound
    self.isExempt = isExempt
    self.onRefusal = onRefusal
  }

  /// Connections that were refused since the start.
  public var refused: Int { state.withLock { $0.refused } }

  /// Networks of which anything is kept.
  var openNetworks: Int { state.withLock { $0.open.count } }

  /// The networks that a connection counts in until it ends.
  struct Holding: Sendable {
    fileprivate let networks: [[UInt8]]
  }

  enum Verdict {
    case letsIn(Holding)
    case refuses
  }

  /// A place for a connection of `peer`; give it back with `leave`.
  func enter(_ peer: SocketAddress?) -> Verdict {
    let most = bound()
    guard most > 0, let address = peer.flatMap({ IPAddress($0) }), !isExempt(address) else { return .letsIn(Holding(networks: [])) }
    let bounds = Self.networks(of: address, bound: most)
    let isIn = state.withLock { state in
      guard bounds.allSatisfy({ state.open[$0.network, default: 0] < $0.most }) else {
        state.refused += 1
        return false
      }
      for (network, _) in bounds { state.open[network, default: 0] += 1 }
      return true
    }
    if isIn { return .letsIn(Holding(networks: bounds.map(\.network))) }
    onRefusal(address.network)
    return .refuses
  }

  func leave(_ place: Holding) {
    guard !place.networks.isEmpty else { return }
    state.withLock { state in
      for network in place.networks {
        let left = state.open[network, default: 1] - 1
        state.open[network] = left > 0 ? left : nil
      }
    }
  }

  /// The networks that a connection counts in: an IPv4 address; the /64 and the /48 of an IPv6 address. Their lengths tell them apart.
  private static func networks(of address: IPAddress, bound: Int) -> [(network: [UInt8], most: Int)] {
    guard address.bytes.count == 16 else { return [(address.bytes, bound)] }
    let site = bound.multipliedReportingOverflow(by: siteShare)
    return [(Array(address.bytes.prefix(8)), bound), (Array(address.bytes.prefix(6)), site.overflow ? .max : site.partialValue)]
  }
}

/// Closes a connection of whoever has too many as soon as it is accepted: nothing of it is read, and nothing is answered. Stands at the
/// front of a listening channel, before whatever counts connections there.
public final class ConnectionBound: ChannelInboundHandler, Sendable {
  /// Accepted connections come in, as the reads of a listening channel.
  public typealias InboundIn = any Channel
  /// Connections that are let in go on unchanged.
  public typealias InboundOut = any Channel

  private let quota: ConnectionQuota

  /// Asks `quota` about every connection; handlers of several listeners may share one.
  public init(_ quota: ConnectionQuota) { self.quota = quota }

  /// Lets an accepted connection pass and gives its place back at its end, or closes it at once.
  public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let channel = Self.unwrapInboundIn(data)
    switch quota.enter(channel.remoteAddress) {
    case .refuses: channel.close(promise: nil)
    case .letsIn(let place):
      let quota = quota
      channel.closeFuture.whenComplete { _ in quota.leave(place) }
      context.fireChannelRead(data)
    }
  }
}
