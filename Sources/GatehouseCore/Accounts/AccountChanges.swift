/// Changes of an account that exists.
extension Accounts {
  /// Deletes an account and all that belongs to it: no session of it passes any more, and its rows follow in batches. Throws `notFound`.
  public func delete(_ user: UserID, by actor: Actor, reason: String?) async throws {
    await changes.acknowledge(try await ledger.deleteUser(user, by: actor, reason: reason, now: clock.now()), of: user)
  }

  /// Changes a name, a time zone, or the address that waits to be verified. Whether another account has that address is not told, and
  /// such a change is counted. Throws `rateLimited`, `notFound`.
  public func change(_ user: UserID, _ wanted: UserChanges) async throws -> User {
    if case .set(.some) = wanted.pendingEmail { try await limits.emailChange(of: user) }
    let change = try await ledger.changeUser(user, wanted, by: .user(user), now: clock.now())
    return await changes.acknowledge(change, takesRightsAway: false)
  }
}
