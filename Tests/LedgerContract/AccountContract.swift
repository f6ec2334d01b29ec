@testable import GatehouseCore
import Testing

/// Accounts in the ledger.
package enum AccountContract {
  package static let claims: [Claim] = [
    Claim("An email and an external id belong to one account, also under concurrency", unique),
    Claim("Every change of an account leaves a pending row of its user", pendingRows),
    Claim("A pending row is dropped only for the change that was told", sequence),
    Claim("A suspension keeps sessions, lifting it ends them", suspension),
    Claim("Deletion ends sessions and frees email and external id at once; its rows go in batches", deletion),
    Claim("Users are found by the start of id, external id or email, newest first, and page under inserts", search),
    Claim("The audit trail and an overview hold what the ledger knows of a user", overview),
    Claim("Service keys: a change raises the version, a revoked key stays revoked", serviceKeys),
    Claim("The newest stamp is the newest instant of any change and never goes back", newestStamp),
  ]

  static func unique(rig: Rig) async throws {
    let outcomes = await withTaskGroup(of: ServiceError.Code?.self) { group in
      for _ in 0..<20 { group.addTask { try? await refusal { _ = try await rig.signUp() } } }
      var outcomes: [ServiceError.Code?] = []
      for await outcome in group { outcomes.append(outcome) }
      return outcomes
    }
    #expect(outcomes.count { $0 == nil } == 1)
    #expect(outcomes.count { $0 == .emailTaken } == 19)

    let ben = try await rig.signUp("ben")
    let ada = try await rig.signUp("ada")
    var changes = UserChanges()
    changes.externalID = .set("app-1")
    _ = try await rig.ledger.changeUser(ben.id, changes, by: .operations, now: Rig.now)
    #expect(
      try await refusal { _ = try await rig.ledger.changeUser(ada.id, changes, by: .operations, now: Rig.now) } == .externalIDTaken)
    #expect(try await rig.ledger.user(externalID: "app-1")?.id == ben.id)
  }

  static func pendingRows(rig: Rig) async throws {
    let mia = try await rig.signUp()
    #expect(try await rig.pending().isEmpty, "a new user has no hot state")
    var plan = UserChanges()
    plan.plan = "pro"
    var zone = UserChanges()
    zone.timeZone = "Asia/Tokyo"
    var status = UserChanges()
    status.status = .suspended
    status.reason = "abuse"
    for changes in [plan, zone, status] {
      let change = try await rig.ledger.changeUser(mia.id, changes, by: .operations, now: Rig.now)
      #expect(change.pending.map(\.routingID) == [mia.id.routingID])
      #expect(try await rig.pending() == [mia.id.routingID])
      try await rig.settle()
    }
    let user = try #require(try await rig.ledger.user(mia.id))
    #expect(user.plan == "pro" && user.timeZone == "Asia/Tokyo" && user.status == .suspended && user.suspendedReason == "abuse")
  }

  static func sequence(rig: Rig) async throws {
    let mia = try await rig.signUp()
    var changes = UserChanges()
    changes.plan = "pro"
    let first = try await rig.ledger.changeUser(mia.id, changes, by: .operations, now: Rig.now).pending
    changes.plan = "free"
    let second = try await rig.ledger.changeUser(mia.id, changes, by: .operations, now: Rig.now).pending
    rig.ledger.settled(first, by: Rig.count)
    // A write that is answered comes after whatever was queued before it.
    _ = try await rig.signUp("ben")
    #expect(try await rig.ledger.isPending(first[0]), "an earlier answer of Redis says nothing of a later change")
    rig.ledger.settled(second, by: Rig.count)
    _ = try await rig.signUp("ada")
    #expect(try await !rig.ledger.isPending(second[0]))
    #expect(try await rig.ledger.leasePoll().isWhole)
  }

  static func suspension(rig: Rig) async throws {
    let mia = try await rig.signUp()
    try await rig.open(mia, token: "a")
    var changes = UserChanges()
    changes.status = .suspended
    _ = try await rig.ledger.changeUser(mia.id, changes, by: .operations, now: Rig.now)
    guard case .live(_, let user, _) = try await rig.found("a") else { throw Unexpected("the session is gone") }
    #expect(user.status == .suspended)
    #expect(try await refusal { _ = try await rig.reserve(mia) } == .suspended)
    let refused = rig.session(of: mia, token: "b")
    #expect(try await rig.ledger.openSession(refused, verifiedHash: "hash", rehash: nil, sessionsMax: 10) == nil)
    #expect(try await rig.found("b") == .dead)

    changes.status = .active
    _ = try await rig.ledger.changeUser(mia.id, changes, by: .operations, now: Rig.now)
    #expect(try await rig.found("a") == .dead)
    #expect(try await rig.ledger.user(mia.id)?.suspendedReason == nil)
  }

  static func deletion(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let ben = try await rig.signUp("ben")
    try await rig.open(mia, token: "a")
    _ = try await rig.granted(mia, commit: true, analysis: .video())
    let call = IdempotentCall(scope: mia.id.text, key: "k", fingerprint: .token("k"))
    let events = (0..<40).map {
      UsageEvent(id: .random(), userID: mia.id, action: "login", occurredAtMilliseconds: Rig.now + $0, metadata: "{}")
    }
    _ = try await rig.ledger.record(events, call: call, now: Rig.now, answer: StoredAnswer(status: 200, body: []))
    let change = try await rig.ledger.deleteUser(mia.id, by: .operations, reason: "asked", now: Rig.now)
    #expect(change.pending.map(\.routingID) == [mia.id.routingID])
    #expect(try await rig.found("a") == .dead)
    #expect(try await rig.ledger.user(mia.id) == nil)
    #expect(try await rig.ledger.snapshot(of: mia.id, now: Rig.now) == nil)
    #expect(try await rig.ledger.overview(of: mia.id, now: Rig.now) == nil)
    #expect(try await refusal { _ = try await rig.reserve(mia) } == .notFound)
    #expect(try await refusal { _ = try await rig.ledger.deleteUser(mia.id, by: .operations, reason: nil, now: Rig.now) } == .notFound)
    let next = try await rig.signUp()
    #expect(next.id != mia.id)

    var batches: [Int] = []
    while case let removed = try await rig.ledger.purgeDeleted(rowsMax: 10), removed > 0 { batches.append(removed) }
    #expect(batches.allSatisfy { $0 <= 10 } && batches.reduce(0, +) > 40, "\(batches)")
    #expect(try await rig.ledger.analyses(of: mia.id, filter: .init(), page: PageRequest()).items.isEmpty)
    #expect(try await rig.ledger.answer(to: call, now: Rig.now) == nil)
    #expect(try await rig.ledger.user(ben.id) == ben, "nobody else loses a row")
  }

  static func search(rig: Rig) async throws {
    for index in 0..<7 { _ = try await rig.signUp("mia\(index)", at: Rig.now + Int64(index)) }
    _ = try await rig.signUp("ben", at: Rig.now + 100)
    for query in ["mia", ""] {
      var names: [String?] = []
      var page: PageRequest? = PageRequest(limit: 3)
      while let request = page {
        let found = try await rig.ledger.users(matching: query, page: request)
        #expect(found.items.count <= 3)
        names += found.items.map(\.name)
        page = found.next.map { PageRequest(limit: 3, after: $0) }
        _ = try await rig.signUp("mia-late-\(names.count)-\(query)", at: Rig.now + 1_000)
      }
      let expected = (0..<7).reversed().map { "mia\($0)" }
      #expect(names.filter { $0?.contains("late") == false && $0 != "ben" } == expected)
    }
    let ben = try #require(try await rig.ledger.users(matching: "ben@", page: PageRequest()).items.first)
    #expect(try await rig.ledger.users(matching: ben.id.text, page: PageRequest()).items == [ben])
    #expect(try await rig.ledger.users(matching: "zoe", page: PageRequest()).items.isEmpty)
  }

  static func overview(rig: Rig) async throws {
    let mia = try await rig.signUp()
    try await rig.open(mia, token: "a")
    _ = try await rig.granted(mia, commit: true, analysis: .video())
    let first = try await rig.ledger.audit(of: mia.id, page: PageRequest(limit: 1))
    let second = try await rig.ledger.audit(of: mia.id, page: PageRequest(limit: 1, after: first.next))
    #expect((first.items + second.items).map(\.action) == ["logged_in", "user_created"])
    let overview = try #require(try await rig.ledger.overview(of: mia.id, now: Rig.now))
    #expect(overview.sessionsLive == 1 && overview.allowances.map(\.metric) == ["video_analysis", "report"])
  }

  static func serviceKeys(rig: Rig) async throws {
    let version = try await rig.ledger.leasePoll().serviceKeysVersion
    let key = ServiceKey(
      id: .random(), name: "app", hash: .token("key"), scopes: [.gate, .work], createdAtMilliseconds: Rig.now, expiresAtMilliseconds: nil)
    _ = try await rig.ledger.createServiceKey(key, by: .operations)
    #expect(try await rig.ledger.serviceKeys() == [key])
    rig.ledger.touchServiceKey(key.id, usedAt: Rig.now + 5)
    #expect(try await rig.ledger.revokeServiceKey(key.id, by: .operations, now: Rig.now + 9).value)
    #expect(try await !rig.ledger.revokeServiceKey(key.id, by: .operations, now: Rig.now + 10).value)
    #expect(try await rig.ledger.leasePoll().serviceKeysVersion == version + 2)
    let kept = try #require(try await rig.ledger.serviceKeys().first)
    #expect(kept.revokedAtMilliseconds == Rig.now + 9 && kept.lastUsedAtMilliseconds == Rig.now + 5)
  }

  static func newestStamp(rig: Rig) async throws {
    let mia = try await rig.signUp(at: Rig.now)
    #expect(try await rig.ledger.leasePoll().newestStampMilliseconds == Rig.now)
    _ = try await rig.granted(mia, at: Rig.now + 7)
    #expect(try await rig.ledger.leasePoll().newestStampMilliseconds == Rig.now + 7)
    try await rig.open(mia, token: "a", at: Rig.now + 3)
    #expect(try await rig.ledger.leasePoll().newestStampMilliseconds == Rig.now + 7)
  }
}
