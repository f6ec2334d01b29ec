@testable import GatehouseCore
import GatehouseCrypto
import Testing

/// Mailed tokens in the ledger.
package enum MailContract {
  package static let claims: [Claim] = [
    Claim("Of a hundred parallel resets with one token one is done, and every session is over", once),
    Claim("A token is good until its end, for its kind, its address and its password", dead),
    Claim("A reset undoes what somebody else began: the pending address and every other token", hijack),
    Claim("An address that waits is another's when that one is quicker, and its token stays unspent", taken),
    Claim("The fifth wrong password in a row ends the session and no other; a right one starts anew", guesses),
  ]

  static func once(rig: Rig) async throws {
    let mia = try await rig.signUp()
    try await rig.open(mia, token: "a")
    try await rig.settle()
    let token = try await rig.keep(.passwordReset, mia, token: "reset")
    let done = try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<100 {
        group.addTask { try await rig.ledger.resetPassword(token: token, newHash: "hash \(number)", now: Rig.now) != nil }
      }
      return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
    #expect(done == 1)
    #expect(try await !rig.isLive("a"))
    #expect(try await rig.pending() == [mia.id.routingID])
    #expect(try await rig.ledger.credentials(of: mia.id)?.passwordHash.hasPrefix("hash ") == true)
    #expect(try await rig.ledger.user(mia.id)?.emailVerified == true)
    #expect(try await rig.told().suffix(3) == ["session.ended", "password.reset", "user.email_verified"])
  }

  static func dead(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let token = try await rig.keep(.passwordReset, mia, token: "a")
    func isGood(_ token: Digest256, at now: Int64 = Rig.now) async throws -> Bool {
      try await rig.ledger.owner(ofToken: token, .passwordReset, now: now) != nil
    }
    #expect(try await isGood(token, at: Rig.now + Rig.hour - 1))
    #expect(try await !isGood(token, at: Rig.now + Rig.hour), "its end")
    #expect(try await rig.ledger.resetPassword(token: token, newHash: "x", now: Rig.now + Rig.hour) == nil)
    #expect(try await rig.ledger.verifyEmail(token: token, now: Rig.now) == nil, "its kind")
    #expect(try await !isGood(.token("unknown")))

    var status = UserChanges()
    status.status = .suspended
    _ = try await rig.ledger.changeUser(mia.id, status, by: .operations, now: Rig.now)
    #expect(try await !isGood(token), "suspended")
    status.status = .active
    _ = try await rig.ledger.changeUser(mia.id, status, by: .operations, now: Rig.now)
    #expect(try await isGood(token), "a refusal spends nothing")

    let session = try await rig.open(mia, token: "s")
    let change = try await rig.ledger.changePassword(
      of: mia.id, verifiedHash: "hash", newHash: "new", kept: session.id, newTokenHash: .token("t"), now: Rig.now)
    #expect(change != nil)
    #expect(try await !isGood(token), "after a change of the password")

    let next = try await rig.keep(.passwordReset, mia, token: "b")
    try await rig.askFor("moved@example.com", mia)
    #expect(try await isGood(next), "the present address is good until the new one is verified")
    #expect(try await rig.verify(mia, token: "v")?.email == "moved@example.com")
    #expect(try await !isGood(next), "after a change of the address")

    try await rig.askFor("one@example.com", mia)
    let stale = try await rig.keep(.emailVerification, mia, token: "stale")
    try await rig.askFor("two@example.com", mia)
    #expect(try await rig.ledger.verifyEmail(token: stale, now: Rig.now) == nil, "another address waits")
    try await rig.askFor(nil, mia)
    #expect(try await rig.ledger.verifyEmail(token: stale, now: Rig.now) == nil, "none waits")
  }

  static func hijack(rig: Rig) async throws {
    let mia = try await rig.signUp()
    try await rig.askFor("thief@example.com", mia)
    let theirs = try await rig.keep(.emailVerification, mia, token: "theirs")
    let other = try await rig.keep(.passwordReset, mia, token: "other")
    let token = try await rig.keep(.passwordReset, mia, token: "mine")
    let user = try #require(try await rig.ledger.resetPassword(token: token, newHash: "new", now: Rig.now)?.value)
    #expect(user.emailVerified && user.pendingEmail == nil && user.email == mia.email)
    #expect(try await rig.ledger.user(mia.id) == user)
    #expect(try await rig.ledger.verifyEmail(token: theirs, now: Rig.now) == nil)
    #expect(try await rig.ledger.resetPassword(token: other, newHash: "x", now: Rig.now) == nil)
  }

  static func taken(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let ben = try await rig.signUp("ben")
    try await rig.askFor("BEN@example.com", mia)
    #expect(try await rig.ledger.user(mia.id)?.pendingEmail == "BEN@example.com", "another's address waits as a free one does")
    try await rig.askFor("MIA@example.com", mia)
    #expect(try await rig.ledger.user(mia.id)?.pendingEmail == nil, "the present address")
    for user in [mia, ben] { try await rig.askFor("New@example.com", user) }
    let (first, second) = ("a", "b")
    let late = SingleUse(
      hash: .token(second), kind: .emailVerification, userID: ben.id, canonicalEmail: "new@example.com",
      expiresAtMilliseconds: Rig.now + 1)
    #expect(try await rig.ledger.keep(late, by: .operations, now: Rig.now))
    let early = SingleUse(
      hash: .token(first), kind: .emailVerification, userID: mia.id, canonicalEmail: "new@example.com",
      expiresAtMilliseconds: Rig.now + 1)
    #expect(try await rig.ledger.keep(early, by: .operations, now: Rig.now))
    let moved = try #require(try await rig.ledger.verifyEmail(token: .token(first), now: Rig.now)?.value)
    #expect(moved.email == "New@example.com" && moved.emailVerified && moved.pendingEmail == nil)
    #expect(try await rig.ledger.user(email: "new@example.com")?.id == mia.id)
    #expect(try await rig.ledger.user(email: mia.email) == nil)
    #expect(try await refusal { _ = try await rig.ledger.verifyEmail(token: .token(second), now: Rig.now) } == .emailTaken)
    #expect(try await rig.ledger.owner(ofToken: .token(second), .emailVerification, now: Rig.now)?.id == ben.id)
  }

  static func guesses(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let session = try await rig.open(mia, token: "a")
    try await rig.open(mia, token: "b")
    func fail() async throws -> Int {
      try await rig.ledger.passwordFailed(session.id, of: mia.id, failuresMax: 5, now: Rig.now).value
    }
    for number in 1...4 { #expect(try await fail() == number) }
    _ = try await rig.ledger.provePassword(session.id, presented: .token("a"), hash: .token("c"), now: Rig.now)
    try await rig.settle()
    for number in 1...4 { #expect(try await fail() == number) }
    #expect(try await rig.pending().isEmpty)
    #expect(try await rig.isLive("a"))
    #expect(try await fail() == 5)
    #expect(try await rig.pending() == [mia.id.routingID])
    #expect(try await !rig.isLive("a"))
    #expect(try await rig.isLive("b"))
    #expect(try await fail() == 0)
    #expect(try await rig.told().last == "session.ended")
  }
}
