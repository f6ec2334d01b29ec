@testable import GatehouseCore
import TestSupport
import Testing

/// Sessions in the ledger.
package enum SessionContract {
  package static let claims: [Claim] = [
    Claim("A login opens a session only for the hash that was verified, and rehashes under the same condition", conditions),
    Claim("Beyond the cap the least recently seen session ends", .asvs("7.1.2"), cap),
    Claim("An idle session dies never early, an old one at its absolute end, and touch never goes back", ends),
    Claim("One session, the others, or all are ended; another user's never", ending),
    Claim("Ending everyone's sessions ends those of clocks that are ahead too, and lets logins in at once", everyone),
    Claim("A new password ends every other session and gives this one a new token", .asvs("7.4.3"), password),
  ]

  static func conditions(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let session = rig.session(of: mia, token: "a")
    #expect(try await rig.ledger.openSession(session, verifiedHash: "old", rehash: "new", sessionsMax: 10) == nil)
    #expect(try await rig.found("a") == .dead)
    #expect(try await rig.ledger.credentials(of: mia.id)?.passwordHash == "hash", "a failed condition writes nothing")
    #expect(try await rig.pending().isEmpty)
    let change = try await rig.ledger.openSession(session, verifiedHash: "hash", rehash: "new", sessionsMax: 10)
    #expect(change?.pending.map(\.routingID) == [mia.id.routingID])
    #expect(try await rig.ledger.credentials(of: mia.id)?.passwordHash == "new")
    #expect(try await rig.ledger.user(mia.id)?.lastLoginAtMilliseconds == Rig.now)
  }

  static func cap(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let first = try await rig.open(mia, token: "a", sessionsMax: 3)
    try await rig.open(mia, token: "b", at: Rig.now + 1, sessionsMax: 3)
    try await rig.open(mia, token: "c", at: Rig.now + 2, sessionsMax: 3)
    rig.ledger.touch(first.id, seenAt: Rig.now + 3)
    let fourth = rig.session(of: mia, token: "d", at: Rig.now + 4)
    let change = try await rig.ledger.openSession(fourth, verifiedHash: "hash", rehash: nil, sessionsMax: 3)
    #expect(change?.value == 1)
    #expect(try await rig.found("b", at: Rig.now + 4) == .dead)
    for token in ["a", "c", "d"] { #expect(try await rig.isLive(token, at: Rig.now + 4), "\(token)") }
    let page = try await rig.ledger.sessions(of: mia.id, first: fourth.id, page: PageRequest(limit: 2), now: Rig.now + 4)
    #expect(page.items.map(\.tokenHash) == [.token("d"), .token("a")])
    let rest = try await rig.ledger.sessions(
      of: mia.id, first: fourth.id, page: PageRequest(limit: 2, after: page.next), now: Rig.now + 4)
    #expect(rest.items.map(\.tokenHash) == [.token("c")] && rest.next == nil)
  }

  static func ends(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let session = try await rig.open(mia, token: "a")
    let idleEnd = Rig.timeouts.idleEnd(seenAtMilliseconds: Rig.now)
    #expect(try await rig.isLive("a", at: idleEnd))
    #expect(try await rig.found("a", at: idleEnd + 1) == .expired)
    rig.ledger.touch(session.id, seenAt: Rig.now + 5_000)
    rig.ledger.touch(session.id, seenAt: Rig.now + 1_000)
    _ = try await rig.signUp("ben")
    #expect(try await rig.isLive("a", at: idleEnd + 5_000))
    #expect(try await rig.found("a", at: idleEnd + 5_001) == .expired)
    #expect(try await rig.found("a", at: session.expiresAtMilliseconds) == .expired)
    #expect(try await rig.ledger.session(session.id, of: mia.id, now: session.expiresAtMilliseconds) == nil)
  }

  static func ending(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let ben = try await rig.signUp("ben")
    let kept = try await rig.open(mia, token: "a")
    let other = try await rig.open(mia, token: "b")
    try await rig.open(mia, token: "c")
    let bens = try await rig.open(ben, token: "x")
    try await rig.settle()
    let foreign = try await rig.ledger.endSession(bens.id, of: mia.id, by: .user(mia.id), now: Rig.now)
    #expect(!foreign.value && foreign.pending.isEmpty)
    #expect(try await rig.ledger.session(bens.id, of: mia.id, now: Rig.now) == nil)
    let one = try await rig.ledger.endSession(other.id, of: mia.id, by: .user(mia.id), now: Rig.now)
    #expect(one.value && one.pending.map(\.routingID) == [mia.id.routingID])
    #expect(try await !rig.ledger.endSession(other.id, of: mia.id, by: .user(mia.id), now: Rig.now).value)
    #expect(try await rig.ledger.endSessions(of: mia.id, except: kept.id, by: .user(mia.id), reason: nil, now: Rig.now).value == 1)
    #expect(try await rig.isLive("a"))
    #expect(try await rig.ledger.endSessions(of: mia.id, except: nil, by: .user(mia.id), reason: nil, now: Rig.now).value == 1)
    for token in ["a", "b", "c"] { #expect(try await rig.found(token) == .dead, "\(token)") }
    #expect(try await rig.isLive("x"))
  }

  static func everyone(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let ben = try await rig.signUp("ben")
    try await rig.open(mia, token: "a")
    try await rig.open(ben, token: "ahead", at: Rig.now + 500)
    let era = try await rig.ledger.leasePoll().era
    #expect(try await rig.ledger.endEveryone(by: .operations, reason: "leak", now: Rig.now).value == 2)
    #expect(try await rig.ledger.leasePoll().era == era + 1)
    #expect(try await rig.found("a", at: Rig.now + 600) == .dead)
    #expect(try await rig.found("ahead", at: Rig.now + 600) == .dead)
    try await rig.open(mia, token: "b")
    #expect(try await rig.isLive("b"), "a login that is answered after the end is valid, whatever its clock")
    #expect(try await rig.ledger.endEveryone(by: .operations, reason: "again", now: Rig.now).value == 1)
    #expect(try await rig.found("b") == .dead)
  }

  static func password(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let kept = try await rig.open(mia, token: "a")
    try await rig.open(mia, token: "b")
    _ = try await rig.ledger.prepareSuccessor(
      kept.id, presented: .token("a"), hash: .token("rotated"), nonce: [1], keyID: "k", now: Rig.now)
    _ = try await rig.ledger.provePassword(kept.id, presented: .token("a"), hash: .token("proven"), now: Rig.now)
    func change(_ verified: String, at now: Int64) async throws -> Unacknowledged<Session>? {
      try await rig.ledger.changePassword(
        of: mia.id, verifiedHash: verified, newHash: "next", kept: kept.id, newTokenHash: .token("new"), now: now)
    }
    #expect(try await change("stale", at: Rig.now) == nil)
    for token in ["a", "b"] { #expect(try await rig.isLive(token), "a failed condition ends nothing") }
    let changed = try #require(try await change("hash", at: Rig.now + 9))
    #expect(changed.value.authenticatedAtMilliseconds == Rig.now + 9 && changed.value.tokenHash == .token("new"))
    #expect(changed.pending.map(\.routingID) == [mia.id.routingID])
    for token in ["a", "b", "rotated", "proven"] { #expect(try await rig.found(token) == .dead, "\(token)") }
    #expect(try await rig.isLive("new"))
    #expect(try await change("hash", at: Rig.now + 10) == nil, "the old password is not valid twice")
  }
}
