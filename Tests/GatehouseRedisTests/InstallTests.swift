import GatehouseCore
import TestSupport
import Testing

@testable import GatehouseRedis

@Suite("The install script", .redis)
struct InstallTests {
  @Test("Without the ticket, with another one or after a DEL nothing is written")
  func guarded() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      let snapshot = Fixture.snapshot(user)
      #expect(try await frozen.install(snapshot, ticket: "") == 0)
      #expect(try await frozen.timeToLive(KeySpace.user(user.id)) == -2)
      let ticket = try await frozen.ticket(Fixture.query(user.id))
      for other in ["", "another", ticket + " "] { #expect(try await frozen.install(snapshot, ticket: other) == 0) }
      // A change of the ledger sends exactly this.
      try await frozen.admin(["DEL", KeySpace.user(user.id)])
      #expect(try await frozen.install(snapshot, ticket: ticket) == 0)
      #expect(try await frozen.timeToLive(KeySpace.user(user.id)) == -2)
    }
  }

  @Test("A ticket serves once: the install of a second rebuilder does nothing, nor does a late one after the next change")
  func once() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      let ticket = try await frozen.ticket(Fixture.query(user.id))
      let stale = Fixture.snapshot(user, [Fixture.session(user.id, "revoked")])
      #expect(try await frozen.install(Fixture.snapshot(user), ticket: ticket) == 1)
      #expect(try await frozen.install(stale, ticket: ticket) == 0)
      try await frozen.admin(["DEL", KeySpace.user(user.id)])
      let next = try await frozen.ticket(Fixture.query(user.id))
      #expect(next != ticket)
      #expect(try await frozen.install(stale, ticket: ticket) == 0)
      #expect(try await frozen.install(Fixture.snapshot(user), ticket: next) == 1)
      guard case .absent = try await frozen.gate(Fixture.query(user.id, token: "revoked")) else {
        return #expect(Bool(false), "a revoked session came back")
      }
    }
  }

  @Test("A hundred sessions and fifty metrics are written whole, in the compact encoding, and live a day")
  func large() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user { $0.externalID = "a7c1b7de-52d0-4f4c-9f62-5d1c9c1b3a10" }
      var sessions = (0..<130).map { Fixture.session(user.id, "token \($0)", kind: .remember) }
      for index in sessions.indices.suffix(30) { sessions[index].isSuccessor = true }
      let base = Fixture.quota(used: 1)
      let quotas =
        [base]
        + (1..<50).map {
          HotSnapshot.Quota(
            metric: "metric_\($0)", period: base.period, used: 1, held: 0, leaseEndsAtMilliseconds: nil, override: nil, bonus: 0)
        }
      try await frozen.warm(Fixture.snapshot(user, sessions, quotas: quotas))
      let key = KeySpace.user(user.id)
      #expect(try await frozen.admin("HLEN", key) == String(1 + 130 + 50))
      #expect(try await frozen.admin("OBJECT", "ENCODING", key) == "listpack")
      #expect(try await frozen.timeToLive(key) > 86_000_000)
      for token in ["token 0", "token 99"] { #expect(try await frozen.decide(Fixture.query(user.id, token: token)).decision == .allow) }
      #expect(try await frozen.field(key, "q:metric_49")?.isEmpty == false)
    }
  }

  @Test("More fields than Lua spreads at once are written too")
  func huge() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      let sessions = (0..<5_000).map { Fixture.session(user.id, "token \($0)") }
      try await frozen.warm(Fixture.snapshot(user, sessions))
      #expect(try await frozen.decide(Fixture.query(user.id, token: "token 4999")).decision == .allow)
    }
  }

  @Test("No token, address, agent, email or name of a person is in the copy")
  func discreet() {
    var user = Fixture.user()
    user.name = "Mia"
    let words = UserHash.installArguments(
      Fixture.snapshot(user, [Fixture.session(user.id, "secret")]), epoch: Frozen.epoch, ticket: "ticket")
    for text in ["secret", "2001:db8", "Safari", "mia@", "Mia"] { #expect(!words.contains { $0.contains(text) }, "\(text)") }
  }
}
