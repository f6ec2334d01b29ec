import Synchronization

/// The caller that a request turned out to be from, for the log alone: no decision reads it.
final class Trail: Sendable {
  struct Facts: Sendable {
    var user: String?
    var session: String?
    /// The id of the service key.
    var key: String?
    /// A digest that stands for the email of a login.
    var account: String?
    var network: String?
  }

  /// The trail of the request that is answered.
  @TaskLocal static var current: Trail?

  private let mutex = Mutex(Facts())

  var facts: Facts { mutex.withLock { $0 } }

  /// Adds to the trail of the request that is answered.
  static func note(_ change: @Sendable (inout Facts) -> Void) { current?.mutex.withLock { change(&$0) } }
}
