@testable import GatehouseCore
import Testing

/// History and idempotency in the ledger.
package enum HistoryContract {
  package static let claims: [Claim] =
    [
      Claim("A retry gets the first answer and no second effect; another request under the key is refused", idempotency),
      Claim("A key is free again after 24 hours, and after a refusal at once", keyExpires),
      Claim("Events are recorded all or none, naming the first unknown user", recorded),
      Claim("A list of analyses is filtered by status and leaves results out unless asked", analyses),
      Claim("Rows that nobody keeps go in batches no larger than asked, and nothing else goes", prune),
    ]
    + ([1, 2, 3, 7]).map { limit in
      Claim("Pages of events and analyses stay whole under inserts and within their span (limit \(limit))") { rig in
        try await pages(rig: rig, limit: limit)
      }
    }

  private static func event(_ user: UserID, at now: Int64) -> UsageEvent {
    UsageEvent(id: .random(), userID: user, action: "login", occurredAtMilliseconds: now, metadata: "{}")
  }

  private static func call(_ key: String, _ fingerprint: String = "same") -> IdempotentCall {
    IdempotentCall(scope: "key_1", key: key, fingerprint: .token(fingerprint))
  }

  static func idempotency(rig: Rig) async throws {
    let mia = try await rig.signUp(plan: "pro")
    let stored = await withTaskGroup(of: StoredAnswer?.self) { group in
      for _ in 0..<20 {
        group.addTask {
          switch try? await rig.reserve(mia, call: call("k")).value {
          case .first(let reserved): reserved.answer
          case .replay(let answer): answer
          case nil: nil
          }
        }
      }
      var stored: Set<[UInt8]?> = []
      for await answer in group { stored.insert(answer?.body) }
      return stored
    }
    #expect(stored.count == 1 && !stored.contains(nil), "parallel duplicates share one answer")
    #expect(try await rig.standing(mia).held == 1)
    #expect(try await rig.ledger.answer(to: call("k"), now: Rig.now)?.body == stored.first ?? nil)
    #expect(try await refusal { _ = try await rig.reserve(mia, call: call("k", "other")) } == .idempotencyKeyReused)
    #expect(try await refusal { _ = try await rig.ledger.answer(to: call("k", "other"), now: Rig.now) } == .idempotencyKeyReused)
  }

  static func keyExpires(rig: Rig) async throws {
    let mia = try await rig.signUp()
    _ = try await rig.reserve(mia, commit: true, call: call("k"))
    #expect(try await rig.ledger.answer(to: call("k"), now: Rig.now + Rig.day - 1) != nil)
    #expect(try await rig.ledger.answer(to: call("k"), now: Rig.now + Rig.day) == nil)
    guard case .first = try await rig.reserve(mia, call: call("k", "other"), at: Rig.now + Rig.day).value else {
      throw Unexpected("a replay after a day")
    }
    #expect(try await refusal { _ = try await rig.reserve(mia, call: call("refused"), at: Rig.now + Rig.day) } == .allowanceExhausted)
    #expect(try await rig.ledger.answer(to: call("refused"), now: Rig.now + Rig.day) == nil)
  }

  static func recorded(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let unknown = UserID.random()
    let events = [event(mia.id, at: 1), event(unknown, at: 2), event(.random(), at: 3)]
    let failure = await #expect(throws: ServiceError.self) {
      _ = try await rig.ledger.record(events, call: call("e"), now: Rig.now, answer: StoredAnswer(status: 200, body: []))
    }
    #expect(failure?.code == .notFound && failure?.detail.contains(unknown.text) == true)
    #expect(try await rig.ledger.events(of: mia.id, from: nil, to: nil, page: PageRequest()).items.isEmpty)
    for _ in 0..<2 {
      _ = try await rig.ledger.record([events[0]], call: call("e"), now: Rig.now, answer: StoredAnswer(status: 200, body: []))
    }
    #expect(try await rig.ledger.events(of: mia.id, from: nil, to: nil, page: PageRequest()).items == [events[0]])
  }

  private static func pages(rig: Rig, limit: Int) async throws {
    let mia = try await rig.signUp(plan: "pro")
    let answer = StoredAnswer(status: 200, body: [])
    // Three at each instant: a page ends in the middle of them.
    let events = (0..<12).map { event(mia.id, at: Rig.now + Int64($0 / 3)) }
    _ = try await rig.ledger.record(events, call: call("e"), now: Rig.now, answer: answer)
    for index in 0..<12 { _ = try await rig.granted(mia, analysis: .video(), at: Rig.now + Int64(index / 3)) }
    for (from, to) in [(nil, nil), (Rig.now + 1, Rig.now + 3)] as [(Int64?, Int64?)] {
      let expected = events.filter { $0.occurredAtMilliseconds >= from ?? 0 && $0.occurredAtMilliseconds < to ?? .max }
        .sorted { ($0.occurredAtMilliseconds, $0.id.text) > ($1.occurredAtMilliseconds, $1.id.text) }
      var found: [UsageEvent] = []
      var analyses: [Analysis] = []
      var next: PageRequest? = PageRequest(limit: limit)
      while let page = next {
        let answered = try await rig.ledger.events(of: mia.id, from: from, to: to, page: page)
        found += answered.items
        next = answered.next.map { PageRequest(limit: limit, after: $0) }
        let late = event(mia.id, at: Rig.now + 100 + Int64(found.count))
        _ = try await rig.ledger.record([late], call: call("\(late.id)"), now: Rig.now, answer: answer)
      }
      #expect(found.filter { $0.occurredAtMilliseconds < Rig.now + 100 } == expected, "limit \(limit)")
      next = PageRequest(limit: limit)
      while let page = next {
        let answered = try await rig.ledger.analyses(of: mia.id, filter: AnalysisFilter(from: from, to: to), page: page)
        analyses += answered.items
        next = answered.next.map { PageRequest(limit: limit, after: $0) }
      }
      #expect(analyses.count == expected.count && Set(analyses.map(\.id)).count == expected.count)
      #expect(analyses.map(\.createdAtMilliseconds) == analyses.map(\.createdAtMilliseconds).sorted(by: >))
    }
  }

  static func analyses(rig: Rig) async throws {
    let mia = try await rig.signUp(plan: "pro")
    for index in 0..<4 {
      let made = try #require(try await rig.granted(mia, analysis: .video(), at: Rig.now + Int64(index)).analysis)
      if index % 2 == 0 { _ = try await rig.ledger.report(made.id, .completed(result: "{}", rereserve: false), now: Rig.now + 9) }
    }
    func list(_ filter: AnalysisFilter) async throws -> [Analysis] {
      try await rig.ledger.analyses(of: mia.id, filter: filter, page: PageRequest()).items
    }
    #expect(try await list(.init(status: .completed)).map(\.createdAtMilliseconds) == [Rig.now + 2, Rig.now])
    #expect(try await list(.init(status: .pending)).count == 2)
    #expect(try await list(.init()).allSatisfy { $0.result == nil })
    #expect(try await list(.init(status: .completed, includesResult: true)).allSatisfy { $0.result == "{}" })
  }

  static func prune(rig: Rig) async throws {
    let mia = try await rig.signUp(plan: "pro")
    let session = try await rig.open(mia, token: "a")
    _ = try await rig.ledger.endSession(session.id, of: mia.id, by: .operations, now: Rig.now)
    try await rig.open(mia, token: "b", at: Rig.now + 100 * Rig.day)
    let made = try #require(try await rig.granted(mia, commit: true, analysis: .video()).analysis)
    let open = try await rig.granted(mia, lease: 200 * Rig.day)
    for index in 0..<30 {
      let old = event(mia.id, at: Rig.now + Int64(index))
      _ = try await rig.ledger.record([old], call: call("\(index)"), now: Rig.now, answer: StoredAnswer(status: 200, body: []))
    }
    #expect(try await rig.ledger.prune(rowsMax: 1_000, now: Rig.now + Rig.hour) == 0)
    var batches: [Int] = []
    let later = Rig.now + 100 * Rig.day
    while case let removed = try await rig.ledger.prune(rowsMax: 8, now: later), removed > 0 { batches.append(removed) }
    // Thirty answers and thirty-one events, one ended session, one finished reservation, three entries of the audit, three
    // events of the feed.
    #expect(batches.allSatisfy { $0 <= 8 } && batches.reduce(0, +) == 69, "\(batches)")
    #expect(try await rig.isLive("b", at: later))
    #expect(try await rig.found("a", at: later) == .dead)
    #expect(try await rig.ledger.reservation(open.reservation.id)?.status == .held)
    #expect(try await rig.ledger.dailyUsage(of: mia.id, metric: "video_analysis", from: 0, to: .max).map(\.used) == [1])
    #expect(try await rig.ledger.analysis(made.id, of: mia.id)?.id == made.id, "an analysis outlives its reservation")
    #expect(
      try await refusal { _ = try await rig.ledger.report(made.id, .failed(error: "{}"), now: later) } == .invalidTransition)
  }
}
