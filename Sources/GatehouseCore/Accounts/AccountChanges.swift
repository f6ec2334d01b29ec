/// Changes of an account that exists.
extension Accounts {
  /// Deletes an account and all that belongs to it: no session of it passes any more, and its rows follow in batches. Throws `notFound`.
  public func delete(_ user: UserID, by actor: AuditActor, reason: String?) async throws {
    let deletion = try await ledger.deleteUser(user, by: actor, reason: reason, now: clock.now())
    await changes.acknowledge(deletion, takesRightsAway: true)
    changes.forget(routingID: user.routingID)
  }

  /// A change by the user: a name, a time zone, or the address that waits to be verified. Whether another account has that address is not
  /// told, and a change to one that is not the user's own is counted. Throws `rateLimited`, `notFound`.
  public func change(_ user: UserID, _ wanted: UserChanges) async throws -> User {
    guard case .set(let address?) = wanted.pendingEmail, try await isAnother(address, for: user) else {
      return try await change(user, wanted, by: .user(user))
    }
    let attempt = try await limits.emailChange(of: user)
    return try await attempt.counted { try await change(user, wanted, by: .user(user)) }
  }

  /// Whether an address is neither the user's own nor the one that waits already: asking for those tells nothing of anybody.
  private func isAnother(_ address: EmailAddress, for id: UserID) async throws -> Bool {
    guard let user = try await ledger.user(id) else { return true }
    return ![user.email, user.pendingEmail].compactMap(\.self).contains { EmailAddress.Forms($0).canonical == address.canonical }
  }

  /// A change by whoever may make it. One that may take rights away (a plan, its end, a status) is true for every process when this
  /// returns. Throws `notFound`, `externalIDTaken`.
  public func change(_ user: UserID, _ wanted: UserChanges, by actor: AuditActor) async throws -> User {
    let change = try await ledger.changeUser(user, wanted, by: actor, now: clock.now())
    return await changes.acknowledge(change, takesRightsAway: wanted.mayTakeRightsAway)
  }
}

extension UserChanges {
  /// Whether a caller may lose by it what they could do before.
  var mayTakeRightsAway: Bool { plan != nil || planEndsAtMilliseconds != .keep || status != nil }
}

/// Reading accounts.
extension Accounts {
  /// An account by its id; nil without one.
  public func user(_ id: UserID) async throws -> User? { try await ledger.user(id) }

  /// The account that an address finds, however it is spelled; nil without one.
  public func user(email: String) async throws -> User? { try await ledger.user(email: email) }

  /// The account that has the app's own id; nil without one.
  public func user(externalID: String) async throws -> User? { try await ledger.user(externalID: externalID) }

  /// Users whose id, external id or email starts with `query` (all for ""), newest first.
  public func users(matching query: String, page: PageRequest) async throws -> Page<User> {
    try await ledger.users(matching: query, page: page)
  }

  /// A user as an operator sees them; nil without one.
  public func overview(of id: UserID) async throws -> UserOverview? { try await ledger.overview(of: id, now: clock.now()) }
}
