import GatehouseCrypto

/// Sign-up, login, and what a user changes of their own account.
public struct Accounts<Store: Ledger>: Sendable {
  /// A refused attempt is answered after this, so that who tries again at once does not take the cores from those who are let in.
  public static var refusalPause: Duration { .milliseconds(30) }

  /// The configuration of accounts.
  public struct Rules: Sendable {
    public let passwords: PasswordRules
    /// No answer to a login leaves before this, nor before what `LoginFloor` says.
    public let loginFloorMin: Duration
    public let sessionsMax: @Sendable (_ plan: String) -> Int
    public let timeouts: @Sendable (Session.Class) -> SessionTimeouts
    public let allowances: @Sendable () -> AllowanceTable
    /// How long a mailed token is good.
    public let mailMilliseconds: Int64

    public init(
      passwords: PasswordRules, loginFloorMin: Duration, sessionsMax: @escaping @Sendable (_ plan: String) -> Int,
      timeouts: @escaping @Sendable (Session.Class) -> SessionTimeouts, allowances: @escaping @Sendable () -> AllowanceTable,
      mailMilliseconds: Int64
    ) {
      self.mailMilliseconds = mailMilliseconds
      self.passwords = passwords
      self.loginFloorMin = loginFloorMin
      self.sessionsMax = sessionsMax
      self.timeouts = timeouts
      self.allowances = allowances
    }
  }

  let ledger: Store
  let changes: Changes<Store>
  let clock: ServiceClock
  let secret: ServerSecret
  let passwords: Passwords
  let limits: LoginLimits
  let rules: Rules
  let resets = SingleFlight<Digest256>(runningMax: resetsMax, waitingMax: resetsMax)

  /// Resets of different tokens that run at once, and that wait for a place.
  private static var resetsMax: Int { 64 }
  /// Wrong passwords in a row that end a session.
  public static var passwordFailuresMax: Int { 5 }

  public init(
    ledger: Store, changes: Changes<Store>, clock: ServiceClock, secret: ServerSecret, passwords: Passwords, limits: LoginLimits,
    rules: Rules
  ) {
    self.ledger = ledger
    self.changes = changes
    self.clock = clock
    self.secret = secret
    self.passwords = passwords
    self.limits = limits
    self.rules = rules
  }

  /// A new account. Throws `invalidFields` (email, password, time zone), `rateLimited`, `emailTaken`, `externalIDTaken`.
  /// - Parameter network: counted by `signup_network`; nil when a backend signs up on behalf.
  public func signUp(
    email: String, password: String, name: String?, timeZone: String, externalID: String?, network: String?
  ) async throws -> User {
    let new = try await newUser(
      email: email, password: password, name: name, timeZone: timeZone, externalID: externalID, network: network, isHidden: false)
    return try await ledger.createUser(new.user, canonicalEmail: new.address.canonical, passwordHash: new.hash)
  }

  /// The same, which nobody can learn from whether the address is taken: what is to be mailed, and to whom, is in the feed, and the new
  /// account awaits its verification. No answer leaves before the login floor. Gives the address. Throws `invalidFields`, `rateLimited`.
  public func requestSignUp(email: String, password: String, name: String?, timeZone: String, network: String) async throws -> EmailAddress
  {
    let new = try await newUser(
      email: email, password: password, name: name, timeZone: timeZone, externalID: nil, network: network, isHidden: true)
    let due = try await passwords.dueWithoutHash(ledger.passwordCosts(), minimum: rules.loginFloorMin)
    let result: Result<Void, any Error>
    do {
      result = .success(try await ledger.requestUser(new.user, canonicalEmail: new.address.canonical, passwordHash: new.hash))
    } catch { result = .failure(error) }
    try? await Task.sleep(until: due, clock: .continuous)
    try result.get()
    return new.address
  }

  private func newUser(
    email: String, password: String, name: String?, timeZone: String, externalID: String?, network: String?, isHidden: Bool
  ) async throws -> (user: User, address: EmailAddress, hash: String) {
    var faults: [ServiceError.Field] = []
    let address = EmailAddress(email)
    if address == nil { faults.append(.init("email", code: "invalid_email", message: "Use an address such as mia@example.com.")) }
    if let problem = rules.passwords.check(password, email: email, name: name) {
      faults.append(.init("password", code: problem.code.rawValue, message: problem.message))
    }
    if !TimeZoneName.isValid(timeZone) {
      faults.append(.init("time_zone", code: "unknown_time_zone", message: "Use an IANA name such as Europe/Berlin."))
    }
    guard faults.isEmpty, let address else { throw ServiceError(fields: faults) }
    let hash = try await unhurried {
      let place = try passwords.admit()
      if let network { try await limits.signUp(network: network) }
      if isHidden { try await limits.signUp(account: address.canonical) }
      return try await passwords.hash(password, in: place)
    }
    let user = User(
      id: .random(), externalID: externalID, email: address.text, name: name, timeZone: timeZone, plan: rules.allowances().defaultPlan,
      createdAtMilliseconds: clock.now(), awaitsVerification: isHidden)
    return (user, address, hash)
  }

  /// A login by password. Throws `rateLimited`, `overloaded`, `invalidLogin` (unknown, wrong password and suspended alike).
  public func logIn(_ login: Login) async throws -> OpenedSession {
    return try await unhurried {
      let place = try passwords.admit()
      try await limits.attempt(account: login.account, network: login.network)
      let due = try await passwords.due(ledger.passwordCosts(), minimum: rules.loginFloorMin)
      let result: Result<OpenedSession, any Error>
      do {
        result = .success(try await open(login, in: place))
      } catch let error as ServiceError where error.code == .overloaded {
        // Says nothing of the account, and must not hold up what is too much already.
        throw error
      } catch { result = .failure(error) }
      try? await Task.sleep(until: due, clock: .continuous)
      return try result.get()
    }
  }

  /// What `body` gives; a refusal for want of capacity or units after the pause.
  private func unhurried<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
      return try await body()
    } catch let error as ServiceError where error.code == .rateLimited || error.code == .overloaded {
      try? await Task.sleep(for: Self.refusalPause)
      throw error
    }
  }

  private func open(_ login: Login, in place: HashPool.Place) async throws -> OpenedSession {
    let refusal = ServiceError(.invalidLogin, "There is no account with this email and password.")
    // A password that changed between the check and the commit is checked once more, then the login fails.
    for _ in 0..<2 {
      let known = try await ledger.credentials(email: login.email)
      let verified = try await passwords.verify(login.password, against: known?.passwordHash, in: place)
      guard verified.isRight, let known, known.user.status == .active, !known.user.awaitsVerification else { throw refusal }
      let now = clock.now()
      let token = SessionToken.mint(routingID: known.user.id.routingID, secret: secret)
      let session = Session(
        id: .random(), userID: known.user.id, sessionClass: login.sessionClass, transport: login.transport, device: login.device,
        userAgent: login.userAgent, ip: login.ip, createdAtMilliseconds: now, authenticatedAtMilliseconds: now, seenAtMilliseconds: now,
        expiresAtMilliseconds: now + rules.timeouts(login.sessionClass).absoluteMilliseconds, tokenHash: token.hash)
      let table = rules.allowances()
      let plan = table.known(known.user.plan(atMilliseconds: now, fallback: table.defaultPlan))
      let change = try await ledger.openSession(
        session, verifiedHash: known.passwordHash, rehash: verified.rehash, sessionsMax: rules.sessionsMax(plan))
      guard let change else { continue }
      async let noted: Void = limits.succeeded(account: login.account, network: login.network)
      let ended = await changes.acknowledge(change, takesRightsAway: change.value > 0)
      await noted
      return OpenedSession(token: token, session: session, user: known.user, sessionsEnded: ended)
    }
    throw refusal
  }

  /// Verifies the password of a session's user before a sensitive change; the fifth wrong one in a row ends the session.
  /// Throws `rateLimited`, `overloaded`, `invalidLogin`.
  func verified(_ user: UserID, session: SessionID, password: String, network: String) async throws -> Credentials {
    guard let known = try await ledger.credentials(of: user) else {
      throw ServiceError(.unauthenticated, "This account is gone.")
    }
    let account = EmailAddress.Forms(known.user.email).canonical
    let due: ContinuousClock.Instant
    let isRight: Bool
    (due, isRight) = try await unhurried {
      let place = try passwords.admit()
      try await limits.attempt(account: account, network: network)
      let due = try await passwords.due(ledger.passwordCosts(), minimum: rules.loginFloorMin)
      return (due, try await passwords.verify(password, against: known.passwordHash, in: place).isRight)
    }
    var failures = 0
    if !isRight {
      let change = try await ledger.passwordFailed(session, of: user, failuresMax: Self.passwordFailuresMax, now: clock.now())
      failures = await changes.acknowledge(change, takesRightsAway: true)
    }
    if isRight { await limits.succeeded(account: account, network: network) }
    try? await Task.sleep(until: due, clock: .continuous)
    guard isRight else {
      let end = failures < Self.passwordFailuresMax ? "" : " It was the fifth wrong one in a row: the session has ended, log in again."
      throw ServiceError(.invalidLogin, "The password is not right.\(end)")
    }
    return known
  }

  /// Replaces the password, ends every other session, and gives this one a new token. Throws as `verified`, and `invalidFields`.
  public func changePassword(
    of user: UserID, session: SessionID, current: String, new: String, network: String
  ) async throws -> (token: SessionToken, session: Session) {
    let known = try await verified(user, session: session, password: current, network: network)
    if let problem = rules.passwords.check(new, email: known.user.email, name: known.user.name) {
      throw ServiceError.field("new_password", problem.code.rawValue, problem.message)
    }
    let hash = try await passwords.hash(new)
    let token = SessionToken.mint(routingID: user.routingID, secret: secret)
    let change = try await ledger.changePassword(
      of: user, verifiedHash: known.passwordHash, newHash: hash, kept: session, newTokenHash: token.hash, now: clock.now())
    guard let change else { throw ServiceError(.invalidLogin, "The password was changed meanwhile. Try again with the new one.") }
    return (token, await changes.acknowledge(change, takesRightsAway: true))
  }

  /// A successor of the token that is presented: the same one when the call is repeated, with the age of that token's password.
  /// Throws `unauthenticated`, `rateLimited`.
  public func rotate(_ token: SessionToken, session: SessionID) async throws -> (SessionToken, Session) {
    let nonce = SecureRandom.bytes(16)
    guard let fresh = token.successor(nonce: nonce, secret: secret, keyID: secret.currentKeyID) else { throw Self.ended }
    let change = try await ledger.prepareSuccessor(
      session, presented: token.hash, hash: fresh.hash, nonce: nonce, keyID: secret.currentKeyID, now: clock.now())
    guard let change else { throw Self.ended }
    let standing = await changes.acknowledge(change, takesRightsAway: false)
    guard let successor = token.successor(nonce: standing.nonce, secret: secret, keyID: standing.keyID),
      successor.hash == standing.session.tokenHash
    else { throw Self.ended }
    return (successor, standing.session)
  }

  /// The password again: a token whose `authenticated_at` is now. The presented one keeps its own age, and goes on until 30 seconds
  /// after the new one's first use. Throws as `verified` and `rotate`.
  public func reauthenticate(
    _ token: SessionToken, session: SessionID, user: UserID, password: String, network: String
  ) async throws -> (SessionToken, Session) {
    _ = try await verified(user, session: session, password: password, network: network)
    let fresh = SessionToken.mint(routingID: user.routingID, secret: secret)
    let change = try await ledger.provePassword(session, presented: token.hash, hash: fresh.hash, now: clock.now())
    guard let change else { throw Self.ended }
    return (fresh, await changes.acknowledge(change, takesRightsAway: false))
  }

  private static var ended: ServiceError { ServiceError(.unauthenticated, "The session has ended. Log in again.") }
}

/// The content of a login.
public struct Login: Sendable {
  public var email: String
  public var password: String
  public var sessionClass: Session.Class
  public var transport: Session.Transport
  public var device: String?
  public var userAgent: String?
  public var ip: String?
  /// The address's network, for the limits.
  public var network: String
  /// The canonical form of the email, or its like for a text that is none: what the limits count.
  public var account: String { EmailAddress.Forms(email).canonical }

  public init(
    email: String, password: String, sessionClass: Session.Class, transport: Session.Transport, device: String?, userAgent: String?,
    ip: String?, network: String
  ) {
    self.email = email
    self.password = password
    self.sessionClass = sessionClass
    self.transport = transport
    self.device = device
    self.userAgent = userAgent
    self.ip = ip
    self.network = network
  }
}

/// A new session with its token, which exists nowhere else.
public struct OpenedSession: Sendable {
  public let token: SessionToken
  public let session: Session
  public let user: User
  public let sessionsEnded: Int
}

extension ServiceError {
  /// Several wrong fields.
  init(fields: [Field]) {
    let names = fields.map(\.field).joined(separator: ", ")
    self.init(.invalidFields, "\(fields.count) field\(fields.count == 1 ? " needs" : "s need") attention: \(names).", fields: fields)
  }
}
