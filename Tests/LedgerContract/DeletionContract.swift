@testable import GatehouseCore
import GatehouseCrypto
import Testing

/// The remains of a user, or of an analysis, that was deleted.
package enum DeletionContract {
  package static let claims: [Claim] = [
    Claim("Of a deleted user nothing is left but the word of the deletion, whoever's keys the calls were made with", user),
    Claim("An answer is repeated byte for byte, though what it says of a job is stored once; without the job it says less", repeated),
    Claim("Of a deleted analysis a repeat of its beginning tells nothing but that there was one", analysis),
  ]

  private static let canary = "canary-7f3a"

  private static func call(_ scope: String, _ key: String) -> IdempotentCall {
    IdempotentCall(scope: scope, key: key, fingerprint: .token("\(scope) \(key)"))
  }

  private static let named = ReservedAnswer { reservation, analysis in
    let text = analysis.map {
      let filename = ($0.filename ?? "").replacing("\"", with: "\\\"")
      return #"{"id":"\#($0.id)","user_id":"\#($0.userID)","filename":"\#(filename)","metadata":\#($0.metadata)}"#
    }
    let body = text.map { #"{"analysis":\#($0)}"# } ?? #"{"id":"\#(reservation.id)"}"#
    let answer = StoredAnswer(status: 201, body: Array(body.utf8), location: analysis.map { "/v1/analyses/\($0.id)" })
    return { _ in answer }
  }

  private static func video() -> NewAnalysis {
    NewAnalysis(id: .random(), filename: "\(Self.canary).mp4", metadata: #"{"athlete":"\#(Self.canary)","n":1.50}"#)
  }

  static func user(rig: Rig) async throws {
    let ledger = rig.ledger
    let mia = try await rig.signUp(Self.canary, plan: "pro")
    let ben = try await rig.signUp("ben", plan: "pro")
    var changes = UserChanges()
    changes.pendingEmail = .set(EmailAddress("\(Self.canary)@example.org"))
    changes.externalID = .set("external")
    _ = try await ledger.changeUser(mia.id, changes, by: .user(mia.id), now: Rig.now)
    try await rig.keep(.passwordReset, mia, token: "reset")
    try await rig.open(mia, token: "a")
    for (number, scope) in [mia.id.text, "key_00000000000001", "key_00000000000002"].enumerated() {
      _ = try await rig.ledger.reserve(
        ReservationRequest(
          id: .random(), userID: mia.id, metric: "video_analysis", amount: 1, leaseMilliseconds: 1_000, commit: false, period: nil,
          isHeld: true, analysis: number == 2 ? nil : video()), call: call(scope, "start"), now: Rig.now, encode: named)
      let held = try await rig.granted(mia)
      _ = try await ledger.attachAnalysis(
        video(), to: held.reservation.id, of: mia.id, leaseMilliseconds: nil, call: call(scope, "attach"), now: Rig.now, encode: named)
    }
    let kept = try await rig.granted(ben, analysis: video())
    let event = UsageEvent(
      id: .random(), userID: mia.id, action: "login", occurredAtMilliseconds: Rig.now, metadata: #"{"from":"\#(Self.canary)"}"#)
    _ = try await ledger.record(
      [event], call: call("key_00000000000001", "events"), now: Rig.now, answer: StoredAnswer(status: 201, body: Array("{}".utf8)))
    changes = UserChanges()
    changes.status = .suspended
    changes.reason = Self.canary
    _ = try await ledger.changeUser(mia.id, changes, by: .operations, now: Rig.now)
    #expect(try await rig.rows(with: [Self.canary]).count > 8)

    _ = try await ledger.deleteUser(mia.id, by: .operations, reason: nil, now: Rig.now)
    let users = try await rig.rows(with: [Self.canary]).filter { $0.hasPrefix("users:") }
    #expect(users.isEmpty, "every row that names the person goes at once: \(users)")
    while try await ledger.purgeDeleted(rowsMax: 3) > 0 {}
    try await rig.settle()
    let left = try await rig.rows(with: [Self.canary, mia.id.text, mia.id.routingID]).filter { !$0.contains(ben.id.text) }
    let tables = left.map { $0.prefix { $0 != ":" } }
    #expect(tables == ["audit", "events"] && left.allSatisfy { !$0.contains(Self.canary) }, "\(left)")
    #expect(
      try await ledger.analysis(#require(kept.analysis).id, of: ben.id)?.filename == "\(Self.canary).mp4", "nothing of anybody else")
  }

  static func repeated(rig: Rig) async throws {
    let ledger = rig.ledger
    let mia = try await rig.signUp(plan: "pro")
    let note = String(repeating: "e\u{301} \\\" ", count: 300)
    for (number, metadata) in [#"{"n": 1.50, "note": "\#(note)"}"#, "{}", #"{"short":true}"#].enumerated() {
      let video = NewAnalysis(id: .random(), filename: #"{"n": 1.50}.mp4"#, metadata: metadata)
      let request = ReservationRequest(
        id: .random(), userID: mia.id, metric: "video_analysis", amount: 1, leaseMilliseconds: 1_000, commit: false, period: nil,
        isHeld: true, analysis: video)
      let start = call("key_00000000000001", "start \(number)")
      let first = try await ledger.reserve(request, call: start, now: Rig.now, encode: named)
      guard case .first(let reserved) = first.value else { throw Unexpected("a replay") }
      let kept = try #require(reserved.answer)
      #expect(try await ledger.answer(to: start, now: Rig.now) == kept, "\(metadata.prefix(20))")
      _ = try await ledger.report(video.id, .completed(result: "[]", rereserve: false), now: Rig.now)
      guard case .replay(let again) = try await ledger.reserve(request, call: start, now: Rig.now, encode: named).value else {
        throw Unexpected("a second job")
      }
      #expect(again == kept, "\(metadata.prefix(20))")
      if number == 0 { #expect(try await rig.rows(with: [note]).count == 1, "a large one is stored twice") }
      _ = try await ledger.cancelAnalysis(video.id, of: mia.id, now: Rig.now)
      let rest = try #require(try await ledger.answer(to: start, now: Rig.now))
      #expect(
        String(decoding: rest.body, as: UTF8.self)
          == #"{"analysis":{"id":"\#(video.id)","user_id":"\#(mia.id)","filename":null,"metadata":{}}}"#)
    }
  }

  static func analysis(rig: Rig) async throws {
    let ledger = rig.ledger
    let mia = try await rig.signUp(plan: "pro")
    for scope in [mia.id.text, "key_00000000000001"] {
      let request = ReservationRequest(
        id: .random(), userID: mia.id, metric: "video_analysis", amount: 1, leaseMilliseconds: 1_000, commit: false, period: nil,
        isHeld: true, analysis: video())
      let start = call(scope, "start")
      _ = try await ledger.reserve(request, call: start, now: Rig.now, encode: named)
      let id = try #require(request.analysis).id
      _ = try await ledger.cancelAnalysis(id, of: mia.id, now: Rig.now)
      _ = try await ledger.cancelAnalysis(id, of: mia.id, now: Rig.now)
      #expect(try await rig.rows(with: [Self.canary]).isEmpty, "\(scope)")
      let replay = try #require(try await ledger.answer(to: start, now: Rig.now))
      #expect(
        String(decoding: replay.body, as: UTF8.self)
          == #"{"analysis":{"id":"\#(id)","user_id":"\#(mia.id)","filename":null,"metadata":{}}}"#)
    }
  }
}
