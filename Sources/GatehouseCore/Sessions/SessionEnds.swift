import GatehouseCrypto

/// How sessions end. When one of these returns, no process lets the sessions in that it ended.
extension Sessions {
  /// Ends one session; false if this user has no such live session.
  public func end(_ id: SessionID, of user: UserID, by actor: AuditActor) async throws -> Bool {
    let change = try await ledger.endSession(id, of: user, by: actor, now: clock.now())
    return await changes.acknowledge(change, takesRightsAway: true)
  }

  /// Ends the session that a token opens; nothing where it has ended already.
  public func end(_ token: SessionToken) async throws {
    guard let (session, user) = try await current(token) else { return }
    _ = try await end(session.id, of: user.id, by: .user(user.id))
  }

  /// Ends all live sessions of a user but `kept`; how many that were.
  public func endAll(of user: UserID, except kept: SessionID?, by actor: AuditActor, reason: String? = nil) async throws -> Int {
    let change = try await ledger.endSessions(of: user, except: kept, by: actor, reason: reason, now: clock.now())
    return await changes.acknowledge(change, takesRightsAway: true)
  }

  /// Ends all live sessions of a user for somebody else; nil without such a user.
  public func endAll(ofAnybody user: UserID, by actor: AuditActor, reason: String?) async throws -> Int? {
    guard try await ledger.user(user) != nil else { return nil }
    return try await endAll(of: user, except: nil, by: actor, reason: reason)
  }

  /// Ends the sessions of every user; how many were live.
  public func endEveryone(by actor: AuditActor, reason: String) async throws -> Int {
    await changes.acknowledge(try await ledger.endEveryone(by: actor, reason: reason, now: clock.now()))
  }
}
