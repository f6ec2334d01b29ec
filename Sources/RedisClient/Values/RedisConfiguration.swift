import NIOCore

/// Where Redis listens.
public enum RedisAddress: Sendable, Equatable {
  /// A socket file; the system bounds the path to 107 bytes.
  case unix(path: String)
  /// A host, by name or address, and a port.
  case tcp(host: String, port: Int)

  /// As a person writes it.
  public var text: String {
    switch self {
    case .unix(let path): path
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
  }
}

/// How a client speaks to Redis, with all its bounds.
public struct RedisConfiguration: Sendable {
  /// The one server that all connections go to.
  public var address: RedisAddress
  /// The ACL user; nil is the default user.
  public var username: String?
  /// nil for a user without a password.
  public var password: String?
  /// The name in `CLIENT LIST`; without blanks.
  public var clientName: String
  /// A reply that comes later is never used, also that of a script that had to be sent a second time.
  public var commandDeadline: TimeAmount = .milliseconds(50)
  /// For connecting, and again for all the answers of the handshake.
  public var handshakeDeadline: TimeAmount = .seconds(1)
  /// A connection whose oldest command has been unanswered for this long is closed.
  public var stallLimit: TimeAmount = .seconds(1)
  /// The first wait before connecting again; it doubles up to `backoffMax`. Half of each wait is random.
  public var backoffMin: TimeAmount = .milliseconds(20)
  /// The longest wait before connecting again.
  public var backoffMax: TimeAmount = .milliseconds(250)
  /// How often a living connection asks whether its Redis is still a master on the timeline that it greeted; nil: never. If it is
  /// not, the connection is made anew. Operators and Sentinel can demote and promote a server without closing its clients.
  public var timelineInterval: TimeAmount?
  /// Unanswered commands of one connection; fewer where the answers are so slow that the last would miss the deadline.
  public var pendingCommandsMax = 1_024
  /// Bytes of one reply.
  public var replyBytesMax = 1 << 20

  /// A configuration with the default bounds; `clientName` must have no blanks.
  public init(address: RedisAddress, username: String? = nil, password: String? = nil, clientName: String = "gatehouse") {
    self.address = address
    self.username = username
    self.password = password
    self.clientName = clientName
  }
}
