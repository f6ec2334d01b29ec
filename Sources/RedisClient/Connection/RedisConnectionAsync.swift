import NIOCore

extension RedisConnection {
  /// `send` from anywhere: hops to the connection's loop.
  public func send(_ words: [String]) async throws(RedisError) -> RedisReply {
    try await withCheckedContinuation { continuation in
      eventLoop.execute { self.send(words) { continuation.resume(returning: $0) } }
    }.get()
  }

  /// `evaluate` from anywhere: hops to the connection's loop.
  public func evaluate(_ script: RedisScript, keys: [String], arguments: [String]) async throws(RedisError) -> RedisReply {
    try await withCheckedContinuation { continuation in
      eventLoop.execute { self.evaluate(script, keys: keys, arguments: arguments) { continuation.resume(returning: $0) } }
    }.get()
  }
}
