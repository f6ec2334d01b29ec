import RedisClient
import Synchronization
import GatehouseCore
import TestSupport
import Testing

@testable import GatehouseRedis

@Suite("The gate script knows sessions and cold users", .redis)
struct GateSessionTests {
  @Test("An unknown user is cold for ten seconds, and all who rebuild share one ticket")
  func ticket() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      let key = KeySpace.user(user.id)
      let first = try await frozen.ticket(Fixture.query(user.id))
      #expect(first.utf8.count == GateTicket.characters)
      #expect(try await frozen.ticket(Fixture.query(user.id, token: nil)) == first)
      let left = try await frozen.timeToLive(key)
      #expect(left > 0 && left <= 10_000)
      #expect(
        try await frozen.connection.send(["HMGET", key, "ticket", "epoch", frozen.account(user.id)]).elements?.map(\.text)
          == [first, Frozen.epoch, nil])
    }
  }

  @Test("Another epoch is cold and takes a new ticket, be the user warm or waiting for a rebuild")
  func epoch() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      let old = try await frozen.ticket(Fixture.query(user.id))
      let other = "fedcba9876543210"
      let new = try await frozen.ticket(Fixture.query(user.id), epoch: other)
      #expect(new != old)
      #expect(try await frozen.install(Fixture.snapshot(user), ticket: old) == 0)
      #expect(try await frozen.install(Fixture.snapshot(user), ticket: new) == 0)
      #expect(try await frozen.install(Fixture.snapshot(user), ticket: new, epoch: other) == 1)
      #expect(try await frozen.decide(Fixture.query(user.id, token: nil), epoch: other).decision == .allow)
      _ = try await frozen.ticket(Fixture.query(user.id))
      #expect(try await frozen.field(KeySpace.user(user.id), frozen.account(user.id)) == nil)
    }
  }

  @Test("A copy serves until its last millisecond, then it is cold")
  func until() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      try await frozen.warm(Fixture.snapshot(user, until: Frozen.start + 5_000))
      #expect(try await frozen.decide(Fixture.query(user.id, token: nil), at: Frozen.start + 4_999).decision == .allow)
      _ = try await frozen.ticket(Fixture.query(user.id, token: nil), at: Frozen.start + 5_000)
    }
  }

  @Test(
    "An idle session is dead only past its idle time and two touches, to the millisecond, as in the ledger",
    arguments: SessionClass.allCases)
  func idle(_ kind: SessionClass) async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      let session = Fixture.session(user.id, "t", kind: kind, end: Frozen.start + 80 * Fixture.day)
      try await frozen.warm(Fixture.snapshot(user, [session], until: Frozen.start + 90 * Fixture.day))
      let end = Fixture.timeouts(kind).idleEnd(seenAtMilliseconds: Frozen.start)
      let peek = Fixture.query(user.id, peek: true)
      #expect(try await frozen.decide(peek, at: end).decision == .allow)
      guard case .absent = try await frozen.gate(peek, at: end + 1) else { return #expect(Bool(false), "alive after its end") }
    }
  }

  @Test("A session is dead at its absolute end, to the millisecond")
  func absolute() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      try await frozen.warm(Fixture.snapshot(user, [Fixture.session(user.id, "t", end: Frozen.start + 1_000)]))
      #expect(try await frozen.decide(Fixture.query(user.id), at: Frozen.start + 999).decision == .allow)
      guard case .absent = try await frozen.gate(Fixture.query(user.id), at: Frozen.start + 1_000) else {
        return #expect(Bool(false), "alive at its end")
      }
    }
  }

  @Test("The field seen moves only when it is older than a touch interval, and then the copy lives a day from now")
  func touch() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      let key = KeySpace.user(user.id)
      try await frozen.warm(Fixture.snapshot(user, [Fixture.session(user.id, "t", kind: .remember)]))
      let tau = Fixture.timeouts(.remember).touchMilliseconds
      #expect(tau == 100_000)
      // A renewed time to live shows, since the key's was short.
      try await frozen.admin(["PEXPIRE", key, "60000"])
      let still = try await frozen.decide(Fixture.query(user.id), at: Frozen.start + tau)
      #expect(!still.touched && still.sessionFacts?.seenAtMilliseconds == Frozen.start)
      #expect(try await frozen.timeToLive(key) <= 60_000)

      let touched = try await frozen.decide(Fixture.query(user.id), at: Frozen.start + tau + 1)
      #expect(touched.touched && touched.sessionFacts?.seenAtMilliseconds == Frozen.start + tau + 1)
      #expect(touched.sessionFacts?.expiresAtMilliseconds == Frozen.start + 7 * Fixture.day)
      let left = try await frozen.timeToLive(key)
      #expect(left > 86_300_000 && left <= 86_400_000)
      #expect(try await frozen.decide(Fixture.query(user.id), at: Frozen.start + tau + 2).touched == false)
    }
  }

  @Test("A refused call moves nothing, not even `seen`")
  func refusedTouch() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      try await frozen.warm(Fixture.snapshot(user, [Fixture.session(user.id, "t")]))
      let before = try await frozen.state(user.id)
      let refused = try await frozen.decide(Fixture.query(user.id, charges: [(Fixture.api, 4)]), at: Frozen.start + 400_000)
      #expect(refused.decision == .costExceedsLimit && !refused.touched)
      #expect(try await frozen.state(user.id) == before)
    }
  }

  @Test("A rotated successor answers ROTATED until it is adopted; the old token and the one before go on in the meantime")
  func rotated() async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      let session = Fixture.session(user.id, "now")
      let seen = ["before", "now", "next"].map { token in
        var seen = session
        seen.tokenHash = Fixture.hash(token)
        seen.isSuccessor = token == "next"
        return seen
      }
      try await frozen.warm(Fixture.snapshot(user, seen))
      for (token, isRotated) in [("now", false), ("before", false), ("next", true)] {
        switch try await frozen.gate(Fixture.query(user.id, token: token)) {
        case .rotated: #expect(isRotated)
        case .decided(let decision): #expect(!isRotated && decision.decision == .allow && decision.sessionFacts?.id == session.id)
        default: #expect(Bool(false), "\(token)")
        }
      }
    }
  }

  @Test("The real clock, the real digest of the script: cold, installed and allowed through the store that the service uses")
  func store() async throws {
    let server = try RedisServer.required()
    try await withRedis(server) { client, group in
      let hot = HotState(
        redis: client, group: group, rules: Fixture.rules,
        clock: ServiceClock(wallMilliseconds: ServiceClock.hostMilliseconds))
      let term = HotTerm(replicationID: try #require(await hot.timelines().first), number: 1, lineage: "a")
      let user = Fixture.user()
      let query = Fixture.query(user.id, token: nil, charges: [(Fixture.api, 1)], hold: (id: "h", amount: 1))
      guard case .success(.cold(let ticket, _)) = await hot.gate(query, under: term) else { return #expect(Bool(false), "not cold") }
      let snapshot = Fixture.snapshot(user, until: 4_000_000_000_000)
      let before = client.statistics.flushes.load(ordering: .relaxed)
      guard case .success(.decided(let decision)) = await hot.install(snapshot, ticket: ticket, under: term, then: query) else {
        return #expect(Bool(false), "not installed")
      }
      #expect(decision.decision == .allow && decision.allowance?.held == 1)
      #expect(client.statistics.flushes.load(ordering: .relaxed) == before + 1)
      hot.giveBack(user.id, holdID: "h", thenDrop: false)
      let peek = Fixture.query(user.id, token: nil, charges: [(Fixture.api, 1)], hold: (id: "h", amount: 1), peek: true)
      guard case .success(.decided(let after)) = await hot.gate(peek, under: term) else { return #expect(Bool(false), "no longer warm") }
      #expect(after.allowance?.held == 0 && after.standings.first?.remaining == 3)
      let later = HotTerm(replicationID: term.replicationID, number: 2, lineage: "a")
      let other = HotTerm(replicationID: term.replicationID, number: 1, lineage: "b")
      for term in [later, other] {
        guard case .success(.cold) = await hot.gate(peek, under: term) else { return #expect(Bool(false), "warm under \(term)") }
      }
      let foreign = HotTerm(replicationID: "another", number: 1, lineage: "a")
      guard case .failure(let failure) = await hot.gate(query, under: foreign) else { return #expect(Bool(false), "answered") }
      #expect(failure.reason == "other_timeline")
      let stray = HotMark(term: foreign, process: "p", number: 1, own: 0, settled: 0, settledBy: "", sequence: 0)
      #expect(await hot.drop([user.id.routingID], stray) == .noAnswer)
      let mark = HotMark(term: term, process: "p", number: 1, own: 0, settled: 0, settledBy: "", sequence: 5)
      let drop = await hot.drop([user.id.routingID, UserID.random().routingID], mark)
      #expect(drop == .counted(HotCount(term: 1, process: "p", number: 1, count: 1, sequence: 0)))
      guard case .success(.cold) = await hot.gate(query, under: term) else { return #expect(Bool(false), "not cold after the drop") }
    }
  }
}
