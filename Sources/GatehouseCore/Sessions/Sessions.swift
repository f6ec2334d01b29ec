import GatehouseCrypto

/// Sessions: login, what a token opens, its successors, and how sessions end.
public struct Sessions: Sendable {
  let ledger: any AccountLedger & SessionLedger
  let changes: Changes
  let clock: ServiceClock
  let secret: LiveSecret
  let passwords: Passwords
  let limits: LoginLimits
  let rules: any LiveRules

  /// The sessions of one ledger; all parts of a process must share one `changes` and one `clock`.
  public init(
    ledger: any AccountLedger & SessionLedger, changes: Changes, clock: ServiceClock, secret: LiveSecret, passwords: Passwords,
    limits: LoginLimits, rules: any LiveRules
  ) {
    self.ledger = ledger
    self.changes = changes
    self.clock = clock
    self.secret = secret
    self.passwords = passwords
    self.limits = limits
    self.rules = rules
  }

  /// A login by password. Throws `rateLimited`, `overloaded`, `invalidLogin` (unknown, wrong password and suspended alike).
  public func logIn(_ login: Login) async throws -> OpenedSession {
    return try await passwords.unhurried {
      let place = try passwords.admit()
      let attempt = try await limits.attempt(account: login.account, network: login.network)
      // A wrong password is no failure, and stays counted.
      return try await attempt.counted {
        let due = try await passwords.due(ledger.passwordCosts())
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
  }

  private func open(_ login: Login, in place: HashPool.Place) async throws -> OpenedSession {
    let refusal = ServiceError(.invalidLogin, "There is no account with this email and password.")
    // A password that changed between the check and the commit is checked once more, then the login fails.
    for _ in 0..<2 {
      let known = try await ledger.credentials(email: login.email)
      let verified = try await passwords.verify(login.password, against: known?.passwordHash, in: place)
      guard verified.isRight, let known, known.user.status == .active, !known.user.awaitsVerification else { throw refusal }
      let now = clock.now()
      let token = SessionToken.mint(routingID: known.user.id.routingID, secret: secret.now)
      let session = Session(
        id: .random(), userID: known.user.id, sessionClass: login.sessionClass, transport: login.transport, device: login.device,
        userAgent: login.userAgent, ip: login.ip, createdAtMilliseconds: now, authenticatedAtMilliseconds: now, seenAtMilliseconds: now,
        expiresAtMilliseconds: now + rules.timeouts(login.sessionClass).absoluteMilliseconds, tokenHash: token.hash)
      let table = rules.allowances
      let plan = table.known(known.user.plan(atMilliseconds: now, fallback: table.defaultPlan))
      let change = try await ledger.openSession(
        session, verifiedHash: known.passwordHash, rehash: verified.rehash, sessionsMax: rules.sessionsMax(plan: plan))
      guard let change else { continue }
      async let noted: Void = limits.succeeded(account: login.account, network: login.network)
      let ended = await changes.acknowledge(change, takesRightsAway: change.value > 0)
      await noted
      return OpenedSession(token: token, session: session, user: known.user, sessionsEnded: ended)
    }
    throw refusal
  }

  /// The live session that a token opens, seen through it, with its user; nil without one.
  public func current(_ token: SessionToken) async throws -> (session: Session, user: User)? {
    guard case .live(let session, let user, _) = try await ledger.session(tokenHash: token.hash, now: clock.now()) else { return nil }
    return (session, user)
  }

  /// A user's live sessions, `first` first, then by last seen.
  public func list(of user: UserID, first: SessionID? = nil, page: PageRequest) async throws -> Page<Session> {
    try await ledger.sessions(of: user, first: first, page: page, now: clock.now())
  }

  /// A user's live sessions by last seen, for a caller that is not the user; nil without such a user.
  public func list(ofAnybody user: UserID, page: PageRequest) async throws -> Page<Session>? {
    guard try await ledger.user(user) != nil else { return nil }
    return try await list(of: user, page: page)
  }

  /// A successor of the token that is presented: the same one when the call is repeated, with the age of that token's password.
  /// Throws `unauthenticated`, `rateLimited`.
  public func rotate(_ token: SessionToken, session: SessionID) async throws -> (SessionToken, Session) {
    let nonce = SecureRandom.bytes(16)
    let secret = secret.now
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

  /// Stands for the account of a login in the log, and says nothing of it.
  public func digest(of login: Login) -> String { limits.accountDigest(login.account) }

  static var ended: ServiceError { ServiceError(.unauthenticated, "The session has ended. Log in again.") }
}
