import GatehouseCrypto

extension Accounts {
  /// The mail that verifies a user's address; nil when there is nothing to verify, and for a suspended user.
  /// Throws `notFound`, `rateLimited`.
  public func requestVerification(of id: UserID, by actor: AuditActor, network: String?) async throws -> Mail? {
    guard let user = try await ledger.user(id) else { throw ServiceError.noUser(id) }
    guard user.status == .active, let address = user.addressToVerify else { return nil }
    let attempt = try await limits.mail(account: EmailAddress.Forms(user.email).canonical, network: network)
    return try await attempt.counted { try await mint(.emailVerification, for: user, to: address, by: actor) }
  }

  /// The mail that resets a password; nil for an address without an account, and for a suspended user. No answer leaves before the
  /// login floor, so that its time says nothing of the account. Throws `rateLimited`, counted whether there is an account or not.
  public func requestReset(email: String, by actor: AuditActor, network: String?) async throws -> Mail? {
    let attempt = try await limits.mail(account: EmailAddress.Forms(email).canonical, network: network)
    return try await attempt.counted {
      let due = try await passwords.dueWithoutHash(ledger.passwordCosts())
      let result: Result<Mail?, any Error>
      do {
        // Nobody's mail goes the same way and is kept nowhere: where nothing can be written, the refusal says nothing of the account.
        let user = try await ledger.user(email: email) ?? nobody(email)
        result = .success(try await mint(.passwordReset, for: user, to: user.email, by: actor))
      } catch { result = .failure(error) }
      try? await Task.sleep(until: due, clock: .continuous)
      return try result.get()
    }
  }

  private func nobody(_ email: String) -> User {
    User(id: .random(), email: email, timeZone: "UTC", plan: rules.allowances.defaultPlan, createdAtMilliseconds: clock.now())
  }

  /// nil, and nothing kept, for a user who gets no such mail now.
  private func mint(_ kind: Mail.Purpose, for user: User, to address: String, by actor: AuditActor) async throws -> Mail? {
    let token = SingleUseToken.mint()
    let now = clock.now()
    let stored = SingleUse(
      hash: token.hash, kind: kind, userID: user.id, canonicalEmail: EmailAddress.Forms(address).canonical,
      expiresAtMilliseconds: now + rules.mailMilliseconds)
    guard try await ledger.keep(stored, by: actor, now: now) else { return nil }
    return Mail(to: address, token: token.text, expiresAtMilliseconds: stored.expiresAtMilliseconds)
  }

  /// Spends a verification token. Throws `tokenSpent`, `emailTaken`, `rateLimited`.
  /// - Parameter network: counted as an attempt; nil when a backend calls and does not say for whom.
  public func completeVerification(token text: String, network: String?) async throws -> User {
    let attempt = try await limits.spend(network: network)
    return try await attempt.counted {
      guard let token = SingleUseToken.parse(text), let change = try await ledger.verifyEmail(token: token.hash, now: clock.now()) else {
        throw Self.spent
      }
      return await changes.acknowledge(change, takesRightsAway: true)
    }
  }

  /// Spends a reset token: the new password is in force and every session of the user has ended. A password that the rules refuse
  /// leaves the token good. Throws `tokenSpent`, `invalidFields` (password), `rateLimited`, `overloaded`.
  public func completeReset(token text: String, password: String, network: String?) async throws -> User {
    let attempt = try await limits.spend(network: network)
    return try await attempt.counted { try await spendReset(text, password) }
  }

  private func spendReset(_ text: String, _ password: String) async throws -> User {
    guard let token = SingleUseToken.parse(text) else { throw Self.spent }
    // One of several at once hashes its password, the others wait for what becomes of it: a hash costs too much to be thrown away.
    for _ in 0..<2 {
      guard let user = try await ledger.owner(ofToken: token.hash, .passwordReset, now: clock.now()) else { throw Self.spent }
      if let problem = rules.passwords.check(password, email: user.email, name: user.name) {
        throw ServiceError.field("password", problem.code.rawValue, problem.message)
      }
      var result: Result<User, any Error> = .failure(Self.spent)
      let outcome = await resets.run(token.hash) {
        do { result = .success(try await reset(token.hash, password)) } catch { result = .failure(error) }
      }
      if outcome == .led { return try result.get() }
      if outcome == .refused { break }
    }
    throw ServiceError(.overloaded, "Too many passwords are being reset. Try again in a moment.", retryAfterSeconds: 1)
  }

  private func reset(_ token: Digest256, _ password: String) async throws -> User {
    let hash = try await passwords.hash(password)
    guard let change = try await ledger.resetPassword(token: token, newHash: hash, now: clock.now()) else { throw Self.spent }
    return await changes.acknowledge(change, takesRightsAway: true)
  }

  private static var spent: ServiceError {
    ServiceError(.tokenSpent, "The token is not valid: it was used already, has expired or is unknown. Ask for a new mail.")
  }
}
