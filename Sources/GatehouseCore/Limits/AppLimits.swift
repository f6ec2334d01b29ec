import GatehouseCrypto

/// The app's own counts of addresses and other subjects.
public struct AppLimits: Sendable {
  private let limits: SubjectLimits
  private let hot: any LimitStore
  private let lease: Lease
  private let key: MacKey

  /// - Parameter key: makes the digests that stand for subjects in Redis.
  public init(limits: SubjectLimits, hot: any LimitStore, lease: Lease, key: MacKey) {
    self.limits = limits
    self.hot = hot
    self.lease = lease
    self.key = key
  }

  /// Counts an attempt of an address's network, unless `peek`. One round trip, or none without Redis.
  public func check(network: String, _ policy: Policy, cost: Int64, peek: Bool) async -> SubjectVerdict? {
    await check(.network(network), policy, cost: cost, peek: peek)
  }

  /// Counts an attempt of any text, unless `peek`. One round trip, or none without Redis. Redis and its dumps hold a keyed digest of the
  /// text.
  public func check(subject: String, _ policy: Policy, cost: Int64, peek: Bool) async -> SubjectVerdict? {
    await check(.keyed(digest(subject)), policy, cost: cost, peek: peek)
  }

  /// A text that stands for a subject in a key and says nothing of it.
  func digest(_ subject: String) -> String { Subject.digest(key.hmac(Array(subject.utf8))) }

  private func check(_ subject: Subject, _ policy: Policy, cost: Int64, peek: Bool) async -> SubjectVerdict? {
    let charge = SubjectCharge(subject: subject, policy: policy, cost: cost)
    return await limits.check([charge], peek: peek, hot: hot, lease: lease).first
  }
}
