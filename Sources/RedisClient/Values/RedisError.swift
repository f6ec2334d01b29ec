/// Why a command has no reply that can be used.
public enum RedisError: Error, Sendable, Equatable {
  /// There is no connection now; nothing was sent.
  case notConnected
  /// A command before this one has had no answer within its deadline; nothing was sent.
  case overdue
  /// The queue of unanswered commands is full; nothing was sent.
  case queueFull
  /// Sent, and not answered within the deadline: it may have been carried out, or may be later.
  case timeout
  /// Sent, and the connection ended before the answer: it may have been carried out.
  case connectionLost
  /// Redis sent something that is not a reply, or one beyond the bounds, and the connection was closed: the command may have been carried
  /// out.
  case protocolViolation(String)
  /// Redis refused.
  case server(RedisServerError)

  /// One word for logs and metrics, from a closed set.
  public var reason: String {
    switch self {
    case .notConnected: "not_connected"
    case .overdue: "overdue"
    case .queueFull: "queue_full"
    case .timeout: "timeout"
    case .connectionLost: "connection_lost"
    case .protocolViolation: "protocol_violation"
    case .server(let error): error.kind.rawValue
    }
  }
}
