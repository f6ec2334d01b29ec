import GatehouseCrypto

/// The calls of a session that need its user's password.
extension Sessions {
  /// Wrong passwords in a row that end a session.
  public static var passwordFailuresMax: Int { 5 }

  /// Verifies the password of a session's user before a sensitive change; the fifth wrong one in a row ends the session. Gives what
  /// `body` does with a right one: if the service refuses then, nothing was attempted.
  /// Throws `rateLimited`, `overloaded`, `invalidLogin`.
  private func verified<Value>(
    _ user: UserID, session: SessionID, password: String, network: String, _ body: (Credentials) async throws -> Value
  ) async throws -> Value {
    guard let known = try await ledger.credentials(of: user) else {
      throw ServiceError(.unauthenticated, "This account was deleted.")
    }
    let account = EmailAddress.Forms(known.user.email).canonical
    let (attempt, due, isRight) = try await passwords.unhurried {
      let place = try passwords.admit()
      let attempt = try await limits.attempt(account: account, network: network)
      let (due, isRight) = try await attempt.counted {
        let due = try await passwords.due(ledger.passwordCosts())
        return (due, try await passwords.verify(password, against: known.passwordHash, in: place).isRight)
      }
      return (attempt, due, isRight)
    }
    return try await attempt.counted {
      var failures = 0
      if !isRight {
        attempt.stays()
        let change = try await ledger.passwordFailed(session, of: user, failuresMax: Self.passwordFailuresMax, now: clock.now())
        failures = await changes.acknowledge(change, takesRightsAway: true)
      }
      if isRight { await limits.succeeded(account: account, network: network) }
      try? await Task.sleep(until: due, clock: .continuous)
      guard isRight else {
        let end = failures < Self.passwordFailuresMax ? "" : " It was the fifth wrong one in a row: the session has ended, log in again."
        throw ServiceError(.invalidLogin, "The password is wrong.\(end)")
      }
      return try await body(known)
    }
  }

  /// Replaces the password, ends every other session, and gives this one a new token. Throws as `verified`, and `invalidFields`.
  public func changePassword(
    of user: UserID, session: SessionID, current: String, new: String, network: String
  ) async throws -> (token: SessionToken, session: Session) {
    try await verified(user, session: session, password: current, network: network) { known in
      if let problem = rules.passwords.check(new, email: known.user.email, name: known.user.name) {
        throw ServiceError.field("new_password", problem.code.rawValue, problem.message)
      }
      let hash = try await passwords.hash(new)
      let token = SessionToken.mint(routingID: user.routingID, secret: secret.now)
      let change = try await ledger.changePassword(
        of: user, verifiedHash: known.passwordHash, newHash: hash, kept: session, newTokenHash: token.hash, now: clock.now())
      guard let change else { throw ServiceError(.invalidLogin, "The password was changed meanwhile. Try again with the new one.") }
      return (token, await changes.acknowledge(change, takesRightsAway: true))
    }
  }

  /// The password again: a token whose `authenticated_at` is now. The presented one keeps its own age, and goes on until 30 seconds
  /// after the new one's first use. Throws as `verified` and `rotate`.
  public func reauthenticate(
    _ token: SessionToken, session: SessionID, user: UserID, password: String, network: String
  ) async throws -> (SessionToken, Session) {
    try await verified(user, session: session, password: password, network: network) { _ in
      let fresh = SessionToken.mint(routingID: user.routingID, secret: secret.now)
      let change = try await ledger.provePassword(session, presented: token.hash, hash: fresh.hash, now: clock.now())
      guard let change else { throw Self.ended }
      return (fresh, await changes.acknowledge(change, takesRightsAway: false))
    }
  }
}
