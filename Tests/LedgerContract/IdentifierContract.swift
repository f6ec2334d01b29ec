@testable import GatehouseCore
import Testing

/// Ids that were made for rows, and that chance has made before.
package enum IdentifierContract {
  package static let claims: [Claim] = [
    Claim("A reservation and a job whose ids are taken are made under others, and so is their answer", reservation),
    Claim("A job on held units whose id is taken is made under another", attached),
    Claim("Events whose ids are taken, or the same, are recorded under others, each once", events),
  ]

  static func reservation(rig: Rig) async throws {
    let mia = try await rig.signUp(plan: "pro")
    let request = ReservationRequest(
      id: .random(), userID: mia.id, metric: "video_analysis", amount: 1, leaseMilliseconds: Rig.lease, commit: false, period: nil,
      isHeld: true, analysis: .video())
    var made: [Reserved] = []
    for key in ["a", "b"] {
      let call = IdempotentCall(scope: "key_1", key: key, fingerprint: .token("same"))
      let once = try await rig.ledger.reserve(request, call: call, now: Rig.now, encode: Rig.answer).value
      guard case .first(let reserved) = once else { throw Unexpected("a replay") }
      made.append(reserved)
    }
    #expect(made[0].reservation.id == request.id && made[0].analysis?.id == request.analysis?.id)
    #expect(Set(made.map(\.reservation.id)).count == 2 && Set(made.compactMap(\.analysis?.id)).count == 2)
    for reserved in made {
      let id = reserved.reservation.id
      #expect(try await rig.ledger.reservation(id)?.status == .held)
      let analysis = try #require(reserved.analysis)
      #expect(try await rig.ledger.analysis(analysis.id, of: mia.id)?.reservationID == id)
      #expect(reserved.answer?.body.starts(with: Array(id.text.utf8)) == true)
    }
    #expect(try await rig.standing(mia).held == 2)
  }

  static func attached(rig: Rig) async throws {
    let mia = try await rig.signUp(plan: "pro")
    let video = NewAnalysis.video()
    var ids: Set<AnalysisID> = []
    for _ in 0..<2 {
      let held = try await rig.granted(mia).reservation.id
      let once = try await rig.ledger.attachAnalysis(
        video, to: held, of: mia.id, leaseMilliseconds: nil, call: nil, now: Rig.now, encode: Rig.answer)
      guard case .first(let reserved) = once, let analysis = reserved.analysis else { throw Unexpected("a replay") }
      #expect(analysis.reservationID == held)
      ids.insert(analysis.id)
    }
    #expect(ids.count == 2 && ids.contains(video.id))
  }

  static func events(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let event = UsageEvent(id: .random(), userID: mia.id, action: "login", occurredAtMilliseconds: Rig.now, metadata: "{}")
    let answer = StoredAnswer(status: 201, body: [])
    for (key, events) in [("a", [event]), ("b", [event, event])] {
      let call = IdempotentCall(scope: "key_1", key: key, fingerprint: .token(key))
      for _ in 0..<2 { _ = try await rig.ledger.record(events, call: call, now: Rig.now, answer: answer) }
    }
    // Page by page, as a cursor goes: by instant and id.
    var found: [UsageEventID] = []
    var next: PageRequest? = PageRequest(limit: 1)
    while let page = next {
      let answered = try await rig.ledger.events(of: mia.id, from: nil, to: nil, page: page)
      found += answered.items.map(\.id)
      next = answered.next.map { PageRequest(limit: 1, after: $0) }
    }
    #expect(found.count == 3 && Set(found).count == 3 && found.contains(event.id))
  }
}
