import GatehouseCrypto

/// The limits that every attempt with a password passes before anything is hashed: by account and network together, by account,
/// by network. Attempts stay spent, good ones too.
public struct LoginLimits: Sendable {
  private let limits: SubjectLimits
  private let hot: any HotStore
  private let lease: Lease
  private let subjects: MacKey
  private let policy: @Sendable (String) -> Policy?
  private let refusals = KnownRefusals()

  /// - Parameter policy: the configured policy of a name.
  public init(
    limits: SubjectLimits, hot: any HotStore, lease: Lease, subjects: MacKey, policy: @escaping @Sendable (String) -> Policy?
  ) {
    self.limits = limits
    self.hot = hot
    self.lease = lease
    self.subjects = subjects
    self.policy = policy
  }

  /// Takes one attempt with an account's password. One round trip, none where a moment ago it was refused. Throws `rateLimited`.
  public func attempt(account canonicalEmail: String, network: String) async throws(ServiceError) {
    try await take([
      ("login_pair", .keyed(digest("\(canonicalEmail) \(network)"))), ("login_account", .keyed(digest(canonicalEmail))),
      ("login_network", .network(network)),
    ])
  }

  /// Takes one sign-up. Throws `rateLimited`.
  public func signUp(network: String) async throws(ServiceError) {
    try await take([("signup_network", .network(network))])
  }

  /// Takes one mail about an account, whether it exists or not. Throws `rateLimited`.
  /// - Parameter network: counted as an attempt; nil when the backend does not say for whom it asks.
  public func mail(account canonicalEmail: String, network: String?) async throws(ServiceError) {
    try await take([("mail_account", .keyed(digest(canonicalEmail)))] + (network.map { [("login_network", .network($0))] } ?? []))
  }

  /// Takes one try to spend a mailed token. Throws `rateLimited`.
  public func spend(network: String) async throws(ServiceError) { try await take([("login_network", .network(network))]) }

  /// A text that stands for `subject` in a key and says nothing of it.
  public func digest(_ subject: String) -> String { String(Digest256(bytes: subjects.hmac(Array(subject.utf8)))?.hex.prefix(32) ?? "") }

  private func take(_ named: [(String, Subject)]) async throws(ServiceError) {
    let charges = named.compactMap { name, subject in policy(name).map { SubjectCharge(subject: subject, policy: $0, cost: 1) } }
    let known = charges.compactMap { refusals.verdict($0) }
    let verdicts = known.isEmpty ? await limits.check(charges, peek: false, hot: hot, lease: lease) : known
    if known.isEmpty { for (charge, verdict) in zip(charges, verdicts) { refusals.remember(verdict, of: charge) } }
    guard let refused = verdicts.filter({ !$0.allowed }).max(by: { ($0.retryAfterSeconds ?? 0) < ($1.retryAfterSeconds ?? 0) }) else {
      return
    }
    let wait = max(1, refused.retryAfterSeconds ?? Int(refused.standing.windowSeconds))
    throw ServiceError(
      .rateLimited, "Too many attempts (policy \(refused.standing.policy)). Try again in \(wait) seconds.", retryAfterSeconds: wait,
      violated: verdicts.filter { !$0.allowed }.map(\.standing.policy), standings: verdicts.map(\.standing))
  }
}
