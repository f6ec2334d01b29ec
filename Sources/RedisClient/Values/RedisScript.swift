/// A Lua script, run by its digest. Redis computes the digest when a connection loads it.
public struct RedisScript: Sendable, Hashable {
  /// Names the script among those of a client; no two of them share one.
  public let name: String
  /// The text that Redis compiles; its digest is the script's name there.
  public let source: String

  /// A script of this text; it is sent to Redis only when a client that was given it connects.
  public init(name: String, source: String) {
    self.name = name
    self.source = source
  }
}
