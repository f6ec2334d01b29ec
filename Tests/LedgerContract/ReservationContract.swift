@testable import GatehouseCore
import TestSupport
import Testing

/// Reservations in the ledger.
package enum ReservationContract {
  package static let claims: [Claim] = [
    Claim("256 callers on the last unit: one is granted, the rest are refused with the standing", .asvs("2.3.4", "15.4.2"), lastUnit),
    Claim("A commit counts once, tells Redis nothing, and stays the answer", commit),
    Claim("Units that somebody wrote by hand, of any size or below nothing, are counted as far as they can be", byHand),
    Claim("A part is committed and the rest returns; more than is held is refused", partial),
    Claim("A release returns the units and tells Redis; twice is once", release),
    Claim("A lease that ran out returns its units at the next touch; its commit comes too late then", expiresOnTouch),
    Claim("A late commit of units that nobody took is kept, and told, since hot state may have let them go", lateCommit),
    Claim("The sweeper reaps what nobody asks about, in batches, and tells each user's hot state", sweep),
    Claim("A heartbeat keeps a lease, and tells Redis", extend),
    Claim("The unit counts in the period that the gate named, also when the ledger comes after its end", namedPeriod),
    Claim("An override replaces the plan's limit and a bonus adds to it, each for its span", exceptions),
    Claim("An unlimited plan is counted, and a plan that ends falls back to the default one", plans),
    Claim("Units that the gate holds are told to nobody, units that it does not hold are", untold),
  ]

  static func lastUnit(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let refusals = await withTaskGroup(of: ServiceError?.self) { group in
      for _ in 0..<256 {
        group.addTask {
          do { _ = try await rig.granted(mia) } catch { return error as? ServiceError }
          return nil
        }
      }
      var refusals: [ServiceError] = []
      for await error in group { if let error { refusals.append(error) } }
      return refusals
    }
    #expect(refusals.count == 255 && refusals.allSatisfy { $0.code == .allowanceExhausted && $0.allowance?.held == 1 })
    #expect(refusals.first?.retryAfterSeconds == 12 * 3_600 && refusals.first?.violated == ["video_analysis"])
    let standing = try await rig.standing(mia)
    #expect(standing.used == 0 && standing.held == 1 && standing.remaining == 0)
  }

  static func byHand(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let most: Int64 = 1_000_000_000_000_000
    for _ in 0..<2 { try await rig.except(mia.id, "video_analysis", .bonus, .max, Rig.now, Rig.now + 1_000) }
    let standing = try await rig.standing(mia)
    #expect(standing.bonus == most && standing.remaining == (standing.limit ?? 0) + most)
    _ = try await rig.granted(mia, 50)
    try await rig.except(mia.id, "video_analysis", .limit, -5, Rig.now, Rig.now + 1_000)
    #expect(try await rig.standing(mia).limit == 0)
    try await rig.except(mia.id, "video_analysis", .limit, .max, Rig.now, Rig.now + 1_000)
    #expect(try await rig.standing(mia).limit == most)
  }

  static func commit(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let change = try await rig.reserve(mia)
    #expect(change.pending.isEmpty, "the gate holds it already")
    guard case .first(let held) = change.value else { throw Unexpected("a replay") }
    let id = held.reservation.id
    let first = try await rig.ledger.commit(id, amount: nil, now: Rig.now + 5)
    #expect(first.pending.isEmpty && first.value.reservation.status == .committed)
    #expect(first.value.allowance.used == 1 && first.value.allowance.held == 0)
    let again = try await rig.ledger.commit(id, amount: nil, now: Rig.now + 6)
    #expect(again.value.reservation == first.value.reservation && again.value.allowance.used == 1)
    #expect(try await refusal { _ = try await rig.ledger.release(id, now: Rig.now) } == .invalidTransition)
    #expect(try await refusal { _ = try await rig.ledger.extend(id, leaseMilliseconds: 1, now: Rig.now) } == .invalidTransition)
    #expect(try await rig.ledger.events(of: mia.id, from: nil, to: nil, page: PageRequest()).items.map(\.amount) == [1])
    #expect(try await rig.ledger.dailyUsage(of: mia.id, metric: "video_analysis", from: 0, to: .max).map(\.used) == [1])
  }

  static func partial(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let held = try await rig.granted(mia, 5, metric: "report")
    #expect(try await refusal { _ = try await rig.ledger.commit(held.reservation.id, amount: 6, now: Rig.now) } == .invalidFields)
    let change = try await rig.ledger.commit(held.reservation.id, amount: 2, now: Rig.now)
    #expect(change.pending.map(\.routingID) == [mia.id.routingID], "Redis holds five")
    #expect(change.value.reservation.committed == 2 && change.value.allowance.remaining == 3)
    #expect(
      try await refusal { _ = try await rig.ledger.commit(held.reservation.id, amount: 3, now: Rig.now) } == .invalidTransition)
    _ = try await rig.granted(mia, 3, metric: "report")
  }

  static func release(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let held = try await rig.granted(mia)
    let change = try await rig.ledger.release(held.reservation.id, now: Rig.now)
    #expect(change.pending.map(\.routingID) == [mia.id.routingID] && change.value.allowance.remaining == 1)
    #expect(try await rig.ledger.release(held.reservation.id, now: Rig.now).pending.isEmpty)
    #expect(try await refusal { _ = try await rig.ledger.commit(held.reservation.id, amount: nil, now: Rig.now) } == .invalidTransition)
    _ = try await rig.granted(mia)
  }

  static func expiresOnTouch(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let first = try await rig.granted(mia, analysis: .video())
    #expect(try await refusal { _ = try await rig.granted(mia, at: Rig.now + Rig.lease - 1) } == .allowanceExhausted)
    let change = try await rig.reserve(mia, at: Rig.now + Rig.lease)
    #expect(change.pending.map(\.routingID) == [mia.id.routingID], "a reaped reservation must be told")
    #expect(try await rig.ledger.reservation(first.reservation.id)?.status == .expired)
    #expect(try await rig.ledger.analysis(try #require(first.analysis).id, of: mia.id)?.status == .expired)
    #expect(
      try await refusal { _ = try await rig.ledger.commit(first.reservation.id, amount: nil, now: Rig.now + Rig.lease) }
        == .reservationExpired)
    #expect(try await rig.standing(mia, at: Rig.now + Rig.lease).held == 1)
  }

  static func lateCommit(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let held = try await rig.granted(mia)
    let late = Rig.now + Rig.lease + 1
    #expect(try await rig.ledger.snapshot(of: mia.id, now: late)?.quotas.first?.held == 0)
    let change = try await rig.ledger.commit(held.reservation.id, amount: nil, now: late)
    #expect(change.value.allowance.used == 1)
    #expect(change.pending.map(\.routingID) == [mia.id.routingID], "a warm hash would show less than the ledger")
  }

  static func sweep(rig: Rig) async throws {
    var users: [User] = []
    for index in 0..<5 {
      let user = try await rig.signUp("user\(index)")
      _ = try await rig.granted(user, lease: 1_000 + Int64(index))
      users.append(user)
    }
    let first = try await rig.ledger.expireOverdue(rowsMax: 3, now: Rig.now + 1_003)
    #expect(first.value == 3 && Set(first.pending.map(\.routingID)) == Set(users[..<3].map(\.id.routingID)))
    #expect(try await rig.ledger.expireOverdue(rowsMax: 3, now: Rig.now + 1_003).value == 1)
    #expect(try await rig.ledger.expireOverdue(rowsMax: 3, now: Rig.now + 1_003).value == 0)
    #expect(try await rig.standing(users[0]).remaining == 1)
    #expect(try await rig.standing(users[4]).remaining == 0)
  }

  static func extend(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let held = try await rig.granted(mia)
    let change = try await rig.ledger.extend(held.reservation.id, leaseMilliseconds: 2 * Rig.lease, now: Rig.now)
    #expect(change.value.reservation.leaseExpiresAtMilliseconds == Rig.now + 2 * Rig.lease && !change.pending.isEmpty)
    #expect(try await refusal { _ = try await rig.granted(mia, at: Rig.now + Rig.lease) } == .allowanceExhausted)
  }

  static func namedPeriod(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let today = mia.period(.day, atMilliseconds: Rig.now)
    let tomorrow = today.endMilliseconds + 5
    let held = try await rig.granted(mia, period: today, at: tomorrow)
    #expect(held.reservation.periodStartsAtMilliseconds == today.startMilliseconds)
    #expect(try await refusal { _ = try await rig.granted(mia, period: today, at: tomorrow) } == .allowanceExhausted)
    let committed = try await rig.ledger.commit(held.reservation.id, amount: nil, now: tomorrow + 10)
    #expect(committed.value.allowance.periodStartsAtMilliseconds == today.startMilliseconds)
    #expect(try await rig.standing(mia, at: tomorrow).used == 0)
    _ = try await rig.granted(mia, at: tomorrow)
  }

  static func exceptions(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let (start, end) = (Rig.now + 1_000, Rig.now + 2_000)
    try await rig.except(mia.id, "video_analysis", .bonus, 2, start, end)
    #expect(try await rig.standing(mia).remaining == 1)
    #expect(try await rig.ledger.snapshot(of: mia.id, now: Rig.now)?.validUntilMilliseconds == start)
    let within = try #require(try await rig.ledger.snapshot(of: mia.id, now: start))
    #expect(within.quotas[0].bonus == 2 && within.validUntilMilliseconds == end)
    #expect(try await rig.standing(mia, at: start).remaining == 3)
    #expect(try await rig.standing(mia, at: end).remaining == 1)

    try await rig.except(mia.id, "video_analysis", .limit, 0, end, end + 1_000)
    #expect(try await refusal { _ = try await rig.granted(mia, at: end) } == .allowanceExhausted)
    try await rig.except(mia.id, "video_analysis", .limit, nil, end + 500, end + 1_000)
    #expect(try await rig.standing(mia, at: end + 600).limit == nil, "the newest override counts")
    _ = try await rig.granted(mia, 50, at: end + 600)
  }

  static func plans(rig: Rig) async throws {
    let mia = try await rig.signUp(plan: "pro")
    for _ in 0..<3 { _ = try await rig.granted(mia, commit: true) }
    #expect(try await rig.standing(mia).used == 3)
    var changes = UserChanges()
    changes.plan = "pro"
    changes.planEndsAtMilliseconds = .set(Rig.now + 100)
    _ = try await rig.ledger.changeUser(mia.id, changes, by: .operations, now: Rig.now)
    #expect(try await rig.ledger.snapshot(of: mia.id, now: Rig.now)?.validUntilMilliseconds == Rig.now + 100)
    _ = try await rig.granted(mia, at: Rig.now + 99)
    #expect(try await refusal { _ = try await rig.granted(mia, at: Rig.now + 100) } == .allowanceExhausted)
  }

  static func untold(rig: Rig) async throws {
    for isHeld in [true, false] {
      let mia = try await rig.signUp(isHeld ? "held" : "unheld")
      let change = try await rig.reserve(mia, commit: true, isHeld: isHeld)
      guard case .first(let reserved) = change.value else { throw Unexpected("a replay") }
      #expect(reserved.reservation.status == .committed && reserved.allowance.used == 1)
      #expect(change.pending.map(\.routingID) == (isHeld ? [] : [mia.id.routingID]))
    }
  }
}
