import Logging
import Synchronization

/// One line for an outage of Redis and one for its end, however many connections notice.
final class OutageLog: Sendable {
  private let log: Logger
  private let out = Mutex<Set<ObjectIdentifier>>([])

  init(_ log: Logger) { self.log = log }

  /// A connection can't be used.
  func begins(_ connection: RedisConnection, _ message: Logger.Message, _ metadata: Logger.Metadata) {
    let isFirst = out.withLock { out in
      defer { out.insert(ObjectIdentifier(connection)) }
      return out.isEmpty
    }
    if isFirst { log.warning(message, metadata: metadata) }
  }

  /// A connection can be used.
  func ends(_ connection: RedisConnection) {
    let isLast = out.withLock { $0.remove(ObjectIdentifier(connection)) != nil && $0.isEmpty }
    log.log(level: isLast ? .notice : .debug, "Redis is connected")
  }
}
