import GatehouseCore
import Testing

@Suite("Rotation in the ledger")
struct RotationContract {
  private static let grace: Int64 = 30_000

  private func prepare(
    _ rig: Rig, _ session: Session, presented: String, new: String, nonce: UInt8 = 1, authenticatedAt: Int64? = nil, at now: Int64 = Rig.now
  ) async throws -> Changed<Successor>? {
    try await rig.ledger.prepareSuccessor(
      session.id, presented: .token(presented), hash: .token(new), nonce: [nonce], keyID: "k1", authenticatedAt: authenticatedAt, now: now)
  }

  @Test("the old token lives until its successor is used, then for the grace, and nothing else ends", arguments: Engine.allCases)
  func grace(engine: Engine) async throws {
    try await engine.run { rig in
      let mia = try await rig.signUp()
      let session = try await rig.open(mia, token: "a")
      try await rig.open(mia, token: "other")
      #expect(try await prepare(rig, session, presented: "wrong", new: "b") == nil)
      let prepared = try #require(try await prepare(rig, session, presented: "a", new: "b"))
      #expect(prepared.value.session.successorHash == .token("b") && prepared.value.nonce == [1] && prepared.value.keyID == "k1")
      #expect(!prepared.pending.isEmpty)
      #expect(try await rig.isLive("a", at: Rig.now + Rig.hour), "an unused successor ends nothing")
      guard case .live(_, _, isSuccessor: true) = try await rig.found("b") else { throw Unexpected("the successor is not known") }

      let adopted = try #require(try await rig.ledger.adoptSuccessor(.token("b"), graceMilliseconds: Self.grace, now: Rig.now))
      #expect(adopted.value.previousHash == .token("a") && adopted.pending.map(\.routingID) == [mia.id.routingID])
      #expect(try await rig.ledger.adoptSuccessor(.token("b"), graceMilliseconds: Self.grace, now: Rig.now) == nil, "once")
      guard case .live(_, _, isSuccessor: false) = try await rig.found("b") else { throw Unexpected("the successor is not current") }
      #expect(try await rig.isLive("a", at: Rig.now + Self.grace - 1))
      #expect(try await rig.found("a", at: Rig.now + Self.grace) == .dead)
      for token in ["b", "other"] { #expect(try await rig.isLive(token, at: Rig.now + Self.grace)) }
    }
  }

  @Test("a repeated call answers the same successor, before its first use and within the grace", arguments: Engine.allCases)
  func replay(engine: Engine) async throws {
    try await engine.run { rig in
      let mia = try await rig.signUp()
      let session = try await rig.open(mia, token: "a")
      _ = try await prepare(rig, session, presented: "a", new: "b", nonce: 1)
      let again = try #require(try await prepare(rig, session, presented: "a", new: "c", nonce: 2))
      #expect(again.value.nonce == [1] && again.pending.isEmpty)
      _ = try await rig.ledger.adoptSuccessor(.token("b"), graceMilliseconds: Self.grace, now: Rig.now)
      let late = try #require(try await prepare(rig, session, presented: "a", new: "d", nonce: 3, at: Rig.now + 1_000))
      #expect(late.value.nonce == [1] && late.value.session.tokenHash == .token("b"))
      #expect(try await prepare(rig, session, presented: "a", new: "d", nonce: 3, at: Rig.now + Self.grace) == nil)
      let next = try #require(try await prepare(rig, session, presented: "b", new: "e", nonce: 4, at: Rig.now + 1_000))
      #expect(next.value.nonce == [4])
    }
  }

  @Test("a reauthentication keeps the successor that stands and sets the instant, whichever token asks", arguments: Engine.allCases)
  func reauthentication(engine: Engine) async throws {
    try await engine.run { rig in
      let mia = try await rig.signUp()
      let session = try await rig.open(mia, token: "a")
      _ = try await prepare(rig, session, presented: "a", new: "b", nonce: 1)
      let first = try #require(try await prepare(rig, session, presented: "a", new: "c", nonce: 2, authenticatedAt: Rig.now + 50))
      #expect(first.value.nonce == [1], "the successor in the client's hands stays good")
      #expect(first.value.session.authenticatedAtMilliseconds == Rig.now + 50 && !first.pending.isEmpty)
      _ = try await rig.ledger.adoptSuccessor(.token("b"), graceMilliseconds: Self.grace, now: Rig.now + 60)
      let late = try #require(
        try await prepare(rig, session, presented: "a", new: "d", nonce: 3, authenticatedAt: Rig.now + 70, at: Rig.now + 70))
      #expect(late.value.nonce == [1] && !late.pending.isEmpty)
      guard case .live(let stored, _, _) = try await rig.found("b", at: Rig.now + 70) else { throw Unexpected("not live") }
      #expect(stored.authenticatedAtMilliseconds == Rig.now + 70)
    }
  }

  @Test("an ended session has no successor", arguments: Engine.allCases)
  func ended(engine: Engine) async throws {
    try await engine.run { rig in
      let mia = try await rig.signUp()
      let session = try await rig.open(mia, token: "a")
      _ = try await prepare(rig, session, presented: "a", new: "b")
      _ = try await rig.ledger.endSession(session.id, of: mia.id, by: .user(mia.id), now: Rig.now)
      #expect(try await prepare(rig, session, presented: "a", new: "b") == nil)
      #expect(try await rig.ledger.adoptSuccessor(.token("b"), graceMilliseconds: Self.grace, now: Rig.now) == nil)
      #expect(try await rig.found("b") == .dead)
    }
  }

  @Test("a snapshot holds a token in its grace and is valid no longer than that", arguments: Engine.allCases)
  func snapshot(engine: Engine) async throws {
    try await engine.run { rig in
      let mia = try await rig.signUp()
      let session = try await rig.open(mia, token: "a")
      _ = try await prepare(rig, session, presented: "a", new: "b")
      _ = try await rig.ledger.adoptSuccessor(.token("b"), graceMilliseconds: Self.grace, now: Rig.now)
      let within = try #require(try await rig.ledger.snapshot(of: mia.id, now: Rig.now))
      #expect(within.sessions.map(\.previousHash) == [.token("a")] && within.validUntilMilliseconds == Rig.now + Self.grace)
      let after = try #require(try await rig.ledger.snapshot(of: mia.id, now: Rig.now + Self.grace))
      #expect(after.sessions.map(\.previousHash) == [nil])
      #expect(after.validUntilMilliseconds == Rig.now + 12 * Rig.hour, "the end of the day in UTC")
    }
  }
}
