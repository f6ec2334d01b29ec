@testable import GatehouseCore
import Synchronization
import Testing

/// The promises of an engine about its commits; see `LedgerEngine`. That closures are repeatable is shown by `RepeatingEngine`, that
/// commits are durable by the engine's own tests, which can stop it.
package enum OrderContract {
  package static let claims: [Claim] = [
    Claim("Of two processes that take the last unit one gets it", lastUnit),
    Claim("Changes of two processes have numbers of their own, in the order in which they were answered", numbers),
    Claim("A read that begins after an answer sees it, in any process", seen),
    Claim("A reader that goes on from its last number misses nothing of the feed, however many write", feed),
    Claim("An operation that is refused leaves nothing, whatever shares its commit", refused),
  ]

  static func lastUnit(rig: Rig) async throws {
    for round in 0..<8 {
      let mia = try await rig.signUp("mia\(round)")
      let granted = await withTaskGroup(of: Bool.self) { group in
        for caller in 0..<32 {
          let ledger = caller % 2 == 0 ? rig.ledger : rig.other
          group.addTask {
            let request = ReservationRequest(
              id: .random(), userID: mia.id, metric: "video_analysis", amount: 1, leaseMilliseconds: Rig.lease, commit: false, period: nil,
              isHeld: true, analysis: nil)
            return (try? await ledger.reserve(request, call: nil, now: Rig.now, encode: Rig.answer)) != nil
          }
        }
        return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
      }
      #expect(granted == 1)
      #expect(try await rig.standing(mia).held == 1)
    }
  }

  static func numbers(rig: Rig) async throws {
    let all = try await withThrowingTaskGroup(of: [Int64].self) { group in
      for writer in 0..<8 {
        let ledger = writer % 2 == 0 ? rig.ledger : rig.other
        let user = try await rig.signUp("user\(writer)")
        group.addTask {
          var mine: [Int64] = []
          for round in 0..<25 {
            var changes = UserChanges()
            changes.plan = round % 2 == 0 ? "pro" : "free"
            mine += try await ledger.changeUser(user.id, changes, by: .operations, now: Rig.now).pending.map(\.sequence)
          }
          return mine
        }
      }
      return try await group.reduce(into: [[Int64]]()) { $0.append($1) }
    }
    for mine in all { #expect(mine == mine.sorted()) }
    #expect(Set(all.joined()).count == 8 * 25)
    // The next change of either process comes after all of them.
    let last = try await rig.other.leasePoll().changeSequence
    #expect(all.joined().max() == last)
  }

  static func seen(rig: Rig) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<8 {
        group.addTask {
          let (here, there) = writer % 2 == 0 ? (rig.ledger, rig.other) : (rig.other, rig.ledger)
          for round in 0..<20 {
            let email = "user\(writer)-\(round)@example.com"
            let user = User(id: .random(), email: email, timeZone: "UTC", plan: "free", createdAtMilliseconds: Rig.now)
            _ = try await here.createUser(user, canonicalEmail: email, passwordHash: "hash")
            for ledger in [there, here] { #expect(try await ledger.user(user.id) != nil, "\(email) was answered and is not there") }
          }
        }
      }
      try await group.waitForAll()
    }
  }

  private final class Done: Sendable {
    let count = Atomic<Int>(0)
  }

  static func feed(rig: Rig) async throws {
    let writersMax = 6
    let done = Done()
    let read = try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<writersMax {
        let user = try await rig.signUp("user\(writer)")
        let ledger = writer % 2 == 0 ? rig.ledger : rig.other
        group.addTask {
          for round in 0..<30 {
            var changes = UserChanges()
            changes.plan = round % 2 == 0 ? "pro" : "free"
            _ = try await ledger.changeUser(user.id, changes, by: .operations, now: Rig.now)
          }
          done.count.add(1, ordering: .releasing)
        }
      }
      var read: [FeedEvent] = []
      while true {
        let isLast = done.count.load(ordering: .acquiring) == writersMax
        let next = try await rig.other.feed(of: nil, after: read.last?.number ?? 0, limit: 7)
        read += next
        if isLast, next.isEmpty { break }
      }
      try await group.waitForAll()
      return read
    }
    let all = try await rig.ledger.feed(of: nil, after: 0, limit: 10_000)
    #expect(read == all && all.count == writersMax * 31)
    #expect(all.map(\.number) == all.map(\.number).sorted())
  }

  static func refused(rig: Rig) async throws {
    let mia = try await rig.signUp()
    _ = try await rig.granted(mia)
    let call = IdempotentCall(scope: mia.id.text, key: "k", fingerprint: .token("k"))
    let missing = UserID.random()
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<20 {
        group.addTask {
          let user = number % 2 == 0 ? mia.id : missing
          let events = [mia.id, user].map {
            UsageEvent(id: .random(), userID: $0, action: "e\(number)", occurredAtMilliseconds: Rig.now, metadata: "{}")
          }
          let call = IdempotentCall(scope: call.scope, key: "\(number)", fingerprint: call.fingerprint)
          _ = try? await rig.ledger.record(events, call: call, now: Rig.now, answer: StoredAnswer(status: 200, body: []))
        }
      }
    }
    let kept = try await rig.other.events(of: mia.id, from: nil, to: nil, page: PageRequest(limit: 100)).items.map(\.action)
    #expect(kept.sorted() == (0..<10).flatMap { ["e\($0 * 2)", "e\($0 * 2)"] }.sorted())
  }
}
