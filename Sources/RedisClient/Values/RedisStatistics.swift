import Synchronization

/// The counts of a client since its start.
public final class RedisStatistics: Sendable {
  /// Writes to a socket: round trips that callers wait for.
  public let flushes = Atomic<Int>(0)
  /// Commands written, those of handshakes included.
  public let commands = Atomic<Int>(0)
  /// Commands whose caller got no answer in time.
  public let timeouts = Atomic<Int>(0)
  /// Attempts to connect after the first.
  public let reconnects = Atomic<Int>(0)
  /// Connections over which a command would be sent now.
  public let usableConnections = Atomic<Int>(0)
}
