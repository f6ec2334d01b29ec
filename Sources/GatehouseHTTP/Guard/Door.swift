import NIOHTTP1

/// Who is turned away before a handler runs, since what the request needs has no room: for little more than reading it, and without
/// taking the connection away, whose new one would cost more.
public struct Door: Sendable {
  /// Lets everybody in.
  public static let open = Door { _, _ in nil }

  let judge: @Sendable (_ method: HTTPMethod, _ path: Substring) -> Problem?

  private init(judge: @escaping @Sendable (_ method: HTTPMethod, _ path: Substring) -> Problem?) { self.judge = judge }

  /// Turns away what brings a password while as many wait for its hashing as may.
  public init(hashingIsFull: @escaping @Sendable () -> Bool) {
    self.init { method, path in
      guard method == .POST, path == "/v1/sessions" || path == "/v1/users", hashingIsFull() else { return nil }
      return Problem(.overloaded, "Too many logins are waiting. Try again in a moment.")
    }
  }
}
