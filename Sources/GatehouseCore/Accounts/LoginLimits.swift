import GatehouseCrypto

/// The limits that every attempt with a password passes before anything is hashed: by account and network together, by network, by
/// account. They are taken in this order, each only when the one before passed, so that a network which is refused spends nothing of
/// the account: one address can't lock anybody out. Attempts that passed stay spent, good ones too, unless the service itself refuses
/// them afterwards: see `Attempt`.
///
/// Many networks together can use up what an account has. A login from a network where a password of that account was right
/// within the last 30 days is then still let through, as far as the limits of that network go.
///
/// Where no proxy tells the network, no limit of one is taken, nor of one and an account together, since all such clients would share
/// it; the account's own limits still are.
public struct LoginLimits: Sendable {
  /// For how long a network at which a login succeeded counts as a home of the account.
  static let homeSeconds = 30 * Day.seconds
  /// Counts the right passwords of an account from a network; it refuses nothing.
  public static let home = Policy(
    name: "login_home", by: .subject, windowSeconds: homeSeconds, cells: 30, limits: PlanLimits(1_000_000), shadow: true)

  private let limits: SubjectLimits
  private let hot: any LimitStore
  private let lease: Lease
  /// Of a key of their own, so that no text of an app has the digest of an account.
  private let ownSubjects: MacKey
  private let rules: any LiveRules
  private let now: @Sendable () -> ContinuousClock.Instant
  private let refusals = KnownRefusals()

  /// - Parameter now: for how long a refusal is remembered goes by this clock.
  public init(
    limits: SubjectLimits, hot: any LimitStore, lease: Lease, subjects: MacKey, rules: any LiveRules,
    now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
  ) {
    self.limits = limits
    self.hot = hot
    self.lease = lease
    ownSubjects = MacKey(subjects.hmac(Array("own".utf8)))
    self.rules = rules
    self.now = now
  }

  /// Takes one attempt with an account's password: three round trips at most if it passes, one more where the account is used up. A
  /// network that was refused a moment ago costs none, an account one. Throws `rateLimited`.
  @discardableResult public func attempt(account canonicalEmail: String, network: String) async throws(ServiceError) -> Attempt {
    let account = (Policy.Internal.loginAccount, Subject.own(accountDigest(canonicalEmail)))
    // All clients that nobody names would share the pair.
    guard network != Subject.unknownNetwork else { return try await take([account]) }
    return try await take(
      [(.loginPair, pairSubject(canonicalEmail, network)), (.loginNetwork, .ownNetwork(network)), account],
      home: home(canonicalEmail, network))
  }

  /// The password was right: from now on the network is a home of the account. One round trip that nobody needs to wait for.
  public func succeeded(account canonicalEmail: String, network: String) async {
    guard network != Subject.unknownNetwork else { return }
    let charge = SubjectCharge(subject: home(canonicalEmail, network), policy: Self.home, cost: 1)
    _ = await limits.check([charge], peek: false, hot: hot, lease: lease)
  }

  /// Takes one sign-up. Throws `rateLimited`.
  /// - Parameters:
  ///   - network: nil when a backend signs up on behalf.
  ///   - canonicalEmail: the address, whether it has an account or not, where each sign-up makes a mail; else nil.
  @discardableResult public func signUp(network: String?, account canonicalEmail: String?) async throws(ServiceError) -> Attempt {
    var named: [(Policy.Internal, Subject)] = []
    if let network { named.append((.signUpNetwork, .ownNetwork(network))) }
    if let canonicalEmail { named.append((.mailAccount, .own(own("sign-up", canonicalEmail)))) }
    return try await take(named)
  }

  /// Takes one request of a user for another address. Throws `rateLimited`.
  @discardableResult public func emailChange(of user: UserID) async throws(ServiceError) -> Attempt {
    try await take([(.emailChange, .own(own("email-change", user.text)))])
  }

  /// Takes one mail about an account, whether it exists or not; none for a network that is refused. Throws `rateLimited`.
  /// - Parameter network: counted as an attempt; nil when the backend does not say for whom it asks.
  @discardableResult public func mail(account canonicalEmail: String, network: String?) async throws(ServiceError) -> Attempt {
    var named: [(Policy.Internal, Subject)] = [(.mailAccount, .own(accountDigest(canonicalEmail)))]
    if let network { named.insert((.loginNetwork, .ownNetwork(network)), at: 0) }
    return try await take(named)
  }

  /// Takes one try to spend a mailed token. Throws `rateLimited`.
  /// - Parameter network: nil when a backend calls and does not say for whom; nothing is counted then.
  @discardableResult public func spend(network: String?) async throws(ServiceError) -> Attempt {
    try await take(network.map { [(.loginNetwork, .ownNetwork($0))] } ?? [])
  }

  /// A text that stands for an account and says nothing of it. No text that an app names has this digest.
  public func accountDigest(_ canonicalEmail: String) -> String { own("account", canonicalEmail) }

  func pairSubject(_ email: String, _ network: String) -> Subject { .own(own("pair", email, network)) }
  private func home(_ email: String, _ network: String) -> Subject { .own(own("home", email, network)) }

  /// Lengths in front of the parts: no two lists of parts are one text.
  private func own(_ parts: String...) -> String {
    Subject.digest(ownSubjects.hmac(parts.flatMap { Array("\($0.utf8.count):\($0)".utf8) }))
  }

  /// An attempt that is refused gives back what it has taken: nobody looks at what was attempted.
  private func take(_ named: [(Policy.Internal, Subject)], home: Subject? = nil) async throws(ServiceError) -> Attempt {
    var charges = named.filter { $0.1 != .ownNetwork(Subject.unknownNetwork) }.compactMap { name, subject in
      rules.policy(name.rawValue).map { SubjectCharge(subject: subject, policy: $0, cost: 1) }
    }
    let known = charges.compactMap { refusals.verdict($0, now: now()) }
    if !known.isEmpty {
      guard await isSpared(known, home) else { throw Self.refusal(known) }
      charges.removeAll { $0.policy.name == Policy.Internal.loginAccount.rawValue }
    }
    let (verdicts, taken) = await limits.count(charges, peek: false, hot: hot, lease: lease)
    let attempt = Attempt { [limits, hot, lease, refusals, charges] in
      await limits.giveBack(taken, hot: hot, lease: lease)
      refusals.forget(charges)
    }
    let isRefused = if verdicts.contains(where: { !$0.allowed }) { await !isSpared(verdicts, home) } else { false }
    if isRefused { await attempt.undo() }
    for (charge, verdict) in zip(charges, verdicts) { refusals.remember(verdict, of: charge, now: now()) }
    guard !isRefused else { throw Self.refusal(verdicts) }
    return attempt
  }

  /// Whether nothing but the account is used up, and the attempt comes from a home of it.
  private func isSpared(_ verdicts: [SubjectVerdict], _ home: Subject?) async -> Bool {
    guard let home, verdicts.allSatisfy({ $0.allowed || $0.standing.policy == Policy.Internal.loginAccount.rawValue }) else {
      return false
    }
    let charge = SubjectCharge(subject: home, policy: Self.home, cost: 1)
    return await limits.check([charge], peek: true, hot: hot, lease: lease).contains { $0.standing.remaining < $0.standing.limit }
  }

  private static func refusal(_ verdicts: [SubjectVerdict]) -> ServiceError {
    let refused = verdicts.filter { !$0.allowed }
    let waits = refused.map { $0.retryAfterSeconds ?? Int($0.standing.windowSeconds) }
    let wait = max(1, waits.max() ?? 1)
    let first = refused.first?.standing.policy ?? ""
    return ServiceError(
      .rateLimited, "Too many attempts (policy \(first)). Try again in \(wait) seconds.", retryAfterSeconds: wait,
      violated: refused.map(\.standing.policy), standings: verdicts.map(\.standing))
  }
}
