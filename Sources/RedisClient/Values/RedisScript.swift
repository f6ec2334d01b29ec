/// A Lua script, run by its digest. Redis computes the digest when a connection loads it.
public struct RedisScript: Sendable, Hashable {
  /// Names the script among those of a client; no two of them share one.
  public let name: String
  public let source: String

  public init(name: String, source: String) {
    self.name = name
    self.source = source
  }
}
