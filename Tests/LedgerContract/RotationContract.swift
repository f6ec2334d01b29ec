@testable import GatehouseCore
import Testing

import GatehouseLedger

/// Rotation in the ledger.
package enum RotationContract {
  package static let claims: [Claim] = [
    Claim("The old token lives until its successor is used, then for the grace, and nothing else ends", grace),
    Claim("A repeated call answers the same successor, before its first use and within the grace", replay),
    Claim("Of several rotations within one grace each can be repeated until its own is over", chain),
    Claim("A session that is rotated faster than its graces end waits for them, and loses nothing by it", bound),
    Claim("The age of a password belongs to the token that proved it: not to the one before, nor to its successors", reauthentication),
    Claim("A token that knows an older password ends none that knows a newer one; the other way round it does", branches),
    Claim("A password that is given again after a lost answer makes another token; few of the unused are kept", lostAnswers),
    Claim("An ended session has no successor", ended),
    Claim("A snapshot holds a token in its grace and is valid no longer than that", snapshot),
    Claim("The tokens of a session go with its row", removed),
  ]

  private static let grace: Int64 = 30_000

  private static func prepare(
    _ rig: Rig, _ session: Session, presented: String, new: String, nonce: UInt8 = 1, at now: Int64 = Rig.now
  ) async throws -> Unacknowledged<Successor>? {
    try await rig.ledger.prepareSuccessor(
      session.id, presented: .token(presented), hash: .token(new), nonce: [nonce], keyID: "k1", now: now)
  }

  /// The first use of a token.
  @discardableResult
  private static func use(_ rig: Rig, _ token: String, at now: Int64 = Rig.now) async throws -> Unacknowledged<Session>? {
    try await rig.ledger.adoptSuccessor(.token(token), graceMilliseconds: Self.grace, now: now)
  }

  private static func prove(
    _ rig: Rig, _ session: Session, presented: String, new: String, at now: Int64
  ) async throws -> Unacknowledged<Session>? {
    try await rig.ledger.provePassword(session.id, presented: .token(presented), hash: .token(new), now: now)
  }

  /// When the password was given for a live token; nil for a dead one.
  private static func proven(_ rig: Rig, _ token: String, at now: Int64 = Rig.now) async throws -> Int64? {
    guard case .live(let session, _, _) = try await rig.found(token, at: now) else { return nil }
    return session.authenticatedAtMilliseconds
  }

  static func grace(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let session = try await rig.open(mia, token: "a")
    try await rig.open(mia, token: "other")
    #expect(try await prepare(rig, session, presented: "wrong", new: "b") == nil)
    #expect(try await prepare(rig, session, presented: "other", new: "b") == nil, "a token of another session")
    let prepared = try #require(try await prepare(rig, session, presented: "a", new: "b"))
    #expect(prepared.value.session.tokenHash == .token("b") && prepared.value.nonce == [1] && prepared.value.keyID == "k1")
    #expect(!prepared.pending.isEmpty)
    #expect(try await rig.isLive("a", at: Rig.now + Rig.hour), "an unused successor ends nothing")
    guard case .live(_, _, isSuccessor: true) = try await rig.found("b") else { throw Unexpected("the successor is not known") }

    let adopted = try #require(try await use(rig, "b"))
    #expect(adopted.value.tokenHash == .token("b") && adopted.pending.map(\.routingID) == [mia.id.routingID])
    #expect(try await use(rig, "b") == nil, "once")
    guard case .live(_, _, isSuccessor: false) = try await rig.found("b") else { throw Unexpected("the successor is not in use") }
    #expect(try await rig.isLive("a", at: Rig.now + Self.grace - 1))
    #expect(try await rig.found("a", at: Rig.now + Self.grace) == .dead)
    for token in ["b", "other"] { #expect(try await rig.isLive(token, at: Rig.now + Self.grace)) }
  }

  static func replay(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let session = try await rig.open(mia, token: "a")
    _ = try await prepare(rig, session, presented: "a", new: "b", nonce: 1)
    let again = try #require(try await prepare(rig, session, presented: "a", new: "c", nonce: 2))
    #expect(again.value.nonce == [1] && again.pending.isEmpty)
    try await use(rig, "b")
    let late = try #require(try await prepare(rig, session, presented: "a", new: "d", nonce: 3, at: Rig.now + 1_000))
    #expect(late.value.nonce == [1] && late.value.session.tokenHash == .token("b"))
    #expect(try await prepare(rig, session, presented: "a", new: "d", nonce: 3, at: Rig.now + Self.grace) == nil)
    let next = try #require(try await prepare(rig, session, presented: "b", new: "e", nonce: 4, at: Rig.now + 1_000))
    #expect(next.value.nonce == [4])
  }

  static func chain(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let session = try await rig.open(mia, token: "t0")
    let step: Int64 = 2_500
    for number in 0..<10 {
      let now = Rig.now + Int64(number) * step
      _ = try #require(try await prepare(rig, session, presented: "t\(number)", new: "t\(number + 1)", nonce: UInt8(number), at: now))
      try await use(rig, "t\(number + 1)", at: now)
    }
    for number in 0..<10 {
      let end = Rig.now + Int64(number) * step + Self.grace
      let repeated = try #require(try await prepare(rig, session, presented: "t\(number)", new: "x", nonce: 99, at: end - 1))
      #expect(repeated.value.nonce == [UInt8(number)] && repeated.value.session.tokenHash == .token("t\(number + 1)"))
      #expect(try await rig.isLive("t\(number)", at: end - 1) && repeated.pending.isEmpty)
      #expect(try await rig.found("t\(number)", at: end) == .dead)
    }
    #expect(try await rig.isLive("t10", at: Rig.now + Rig.hour))
  }

  static func bound(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let session = try await rig.open(mia, token: "t0")
    var last = 0
    let refused = try await refusal {
      for number in 0..<1_000 {
        _ = try await prepare(rig, session, presented: "t\(number)", new: "t\(number + 1)", nonce: 1, at: Rig.now + Int64(number))
        try await use(rig, "t\(number + 1)", at: Rig.now + Int64(number))
        last = number + 1
      }
    }
    #expect(refused == .rateLimited && last == TokenRecord.countMax - 1)
    for number in 0...last { #expect(try await rig.isLive("t\(number)", at: Rig.now + 100), "t\(number)") }
    let later = Rig.now + Self.grace
    #expect(try await prepare(rig, session, presented: "t\(last)", new: "next", at: later) != nil)
  }

  static func reauthentication(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let session = try await rig.open(mia, token: "old")
    _ = try await prepare(rig, session, presented: "old", new: "rotated", nonce: 1)
    let now = Rig.now + 5_000
    let proven = try #require(try await prove(rig, session, presented: "old", new: "proven", at: now))
    #expect(proven.value.authenticatedAtMilliseconds == now && proven.value.tokenHash == .token("proven") && !proven.pending.isEmpty)
    for token in ["old", "rotated"] { #expect(try await self.proven(rig, token, at: now) == Rig.now, "\(token)") }
    // A repeat of the rotation, by whoever has the old token, gives what it gave before.
    let repeated = try #require(try await prepare(rig, session, presented: "old", new: "x", nonce: 9, at: now))
    #expect(repeated.value.session.tokenHash == .token("rotated") && repeated.value.session.authenticatedAtMilliseconds == Rig.now)

    try await use(rig, "proven", at: now)
    #expect(try await self.proven(rig, "old", at: now) == Rig.now, "within its grace")
    #expect(try await rig.found("old", at: now + Self.grace) == .dead)
    // A token that was rotated from it has its age, and one that was rotated from the old one the old age.
    let next = try #require(try await prepare(rig, session, presented: "proven", new: "next", nonce: 2, at: now + 60_000))
    #expect(next.value.session.authenticatedAtMilliseconds == now)
    #expect(try await self.proven(rig, "next", at: now + 60_000) == now)
    #expect(try await self.proven(rig, "rotated", at: now + 60_000) == Rig.now)
    // The snapshot for Redis says the same of each.
    let snapshot = try #require(try await rig.ledger.snapshot(of: mia.id, now: now + 60_000))
    let ages = Dictionary(uniqueKeysWithValues: snapshot.sessions.map { ($0.tokenHash, $0.authenticatedAtMilliseconds) })
    #expect(ages == [.token("proven"): now, .token("next"): now, .token("rotated"): Rig.now])
    #expect(try await rig.ledger.sessions(of: mia.id, first: nil, page: PageRequest(), now: now + 60_000).items.count == 1)
  }

  static func branches(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let session = try await rig.open(mia, token: "stolen")
    _ = try await prove(rig, session, presented: "stolen", new: "owner", at: Rig.now + 10)
    try await use(rig, "owner", at: Rig.now + 10)
    // The thief rotates within the grace: the owner stays.
    _ = try await prepare(rig, session, presented: "stolen", new: "thief", at: Rig.now + 20)
    try await use(rig, "thief", at: Rig.now + 20)
    #expect(try await rig.isLive("owner", at: Rig.now + Rig.hour))
    // The owner's next rotation ends the thief's token.
    _ = try await prepare(rig, session, presented: "owner", new: "owner2", nonce: 5, at: Rig.now + 30)
    try await use(rig, "owner2", at: Rig.now + 30)
    for token in ["owner", "thief"] { #expect(try await rig.found(token, at: Rig.now + 30 + Self.grace) == .dead, "\(token)") }
    #expect(try await rig.isLive("owner2", at: Rig.now + Rig.hour))
  }

  static func lostAnswers(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let session = try await rig.open(mia, token: "a")
    for number in 0..<40 { #expect(try await prove(rig, session, presented: "a", new: "p\(number)", at: Rig.now + Int64(number)) != nil) }
    let live = try await (0..<40).asyncFilter { try await rig.isLive("p\($0)") }
    #expect(live == [37, 38, 39])
    #expect(try await rig.isLive("a"))
  }

  static func ended(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let session = try await rig.open(mia, token: "a")
    _ = try await prepare(rig, session, presented: "a", new: "b")
    _ = try await rig.ledger.endSession(session.id, of: mia.id, by: .user(mia.id), now: Rig.now)
    #expect(try await prepare(rig, session, presented: "a", new: "b") == nil)
    #expect(try await prove(rig, session, presented: "a", new: "c", at: Rig.now) == nil)
    #expect(try await use(rig, "b") == nil)
    #expect(try await rig.found("b") == .dead)
  }

  static func snapshot(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let session = try await rig.open(mia, token: "a")
    _ = try await prepare(rig, session, presented: "a", new: "b")
    try await use(rig, "b")
    let within = try #require(try await rig.ledger.snapshot(of: mia.id, now: Rig.now))
    #expect(Set(within.sessions.map(\.tokenHash)) == [.token("a"), .token("b")])
    #expect(within.validUntilMilliseconds == Rig.now + Self.grace)
    let after = try #require(try await rig.ledger.snapshot(of: mia.id, now: Rig.now + Self.grace))
    #expect(after.sessions.map(\.tokenHash) == [.token("b")])
    #expect(after.validUntilMilliseconds == Rig.now + 12 * Rig.hour, "the end of the day in UTC")
  }

  static func removed(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let session = try await rig.open(mia, token: "a")
    _ = try await prepare(rig, session, presented: "a", new: "b")
    _ = try await rig.ledger.endSession(session.id, of: mia.id, by: .operations, now: Rig.now)
    while try await rig.ledger.prune(rowsMax: 100, now: Rig.now + 2 * Rig.day) > 0 {}
    // The same secrets could come again: nothing of them is left.
    let next = try await rig.open(mia, token: "b", at: Rig.now + 2 * Rig.day)
    #expect(next.id != session.id)
    #expect(try await rig.isLive("b", at: Rig.now + 2 * Rig.day))
  }
}

extension Sequence {
  /// Those for which `isIncluded` holds, asked one after the other.
  fileprivate func asyncFilter(_ isIncluded: (Element) async throws -> Bool) async rethrows -> [Element] {
    var all: [Element] = []
    for element in self where try await isIncluded(element) { all.append(element) }
    return all
  }
}
