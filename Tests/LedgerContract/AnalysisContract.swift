@testable import GatehouseCore
import TestSupport
import Testing

/// Analyses in the ledger.
package enum AnalysisContract {
  package static let claims: [Claim] = [
    Claim("A result commits the unit once; the same report again is the same answer, another is refused", .asvs("2.3.1"), completed),
    Claim("A failure returns the unit", failed),
    Claim("After its lease was reaped a result needs a unit of its own", rereserve),
    Claim("A unit that is taken again is not granted twice, whatever becomes of a forgotten lease", rereserveReaps),
    Claim("Units that were committed or released by themselves are never counted twice", reservationEndsFirst),
    Claim("Cancelling returns the unit, deleting a finished one keeps it used; another user's is not found", cancel),
    Claim("An analysis can be made on a reservation that is held, once, with a lease of its own", attach),
  ]

  private static func started(_ rig: Rig, _ user: User, at now: Int64 = Rig.now) async throws -> (
    id: AnalysisID, reservation: ReservationID
  ) {
    let reserved = try await rig.granted(user, analysis: .video(), at: now)
    return (try #require(reserved.analysis).id, reserved.reservation.id)
  }

  private static let done = AnalysisReport.completed(result: "{\"score\":7}", rereserve: false)

  static func completed(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let (id, _) = try await started(rig, mia)
    let running = try await rig.ledger.report(id, .running(leaseMilliseconds: 2 * Rig.lease), now: Rig.now)
    #expect(running.value.analysis?.status == .running && !running.pending.isEmpty)
    #expect(running.value.analysis?.leaseExpiresAtMilliseconds == Rig.now + 2 * Rig.lease)
    let first = try await rig.ledger.report(id, Self.done, now: Rig.now + 1)
    #expect(first.value.analysis?.result == "{\"score\":7}" && first.value.allowance.used == 1 && first.pending.isEmpty)
    let again = try await rig.ledger.report(id, Self.done, now: Rig.now + 2)
    #expect(again.value.analysis == first.value.analysis && again.value.allowance.used == 1)
    for other in [.failed(error: "{}"), .completed(result: "{}", rereserve: true), .running(leaseMilliseconds: 1)] as [AnalysisReport] {
      #expect(try await refusal { _ = try await rig.ledger.report(id, other, now: Rig.now + 3) } == .invalidTransition)
    }
  }

  static func failed(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let (id, _) = try await started(rig, mia)
    let change = try await rig.ledger.report(id, .failed(error: "{\"code\":\"blurry\"}"), now: Rig.now)
    #expect(change.value.analysis?.error == "{\"code\":\"blurry\"}" && change.value.allowance.remaining == 1 && !change.pending.isEmpty)
    _ = try await started(rig, mia)
  }

  static func rereserve(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let (id, _) = try await started(rig, mia)
    let late = Rig.now + Rig.lease
    _ = try await rig.ledger.expireOverdue(rowsMax: 10, now: late)
    #expect(try await refusal { _ = try await rig.ledger.report(id, Self.done, now: late) } == .reservationExpired)
    let again = AnalysisReport.completed(result: "{\"score\":7}", rereserve: true)
    let other = try await rig.granted(mia, at: late)
    #expect(try await refusal { _ = try await rig.ledger.report(id, again, now: late) } == .reservationExpired, "no unit is left")
    _ = try await rig.ledger.release(other.reservation.id, now: late)
    let change = try await rig.ledger.report(id, again, now: late)
    #expect(change.value.analysis?.status == .completed && change.value.allowance.used == 1 && !change.pending.isEmpty)
  }

  static func rereserveReaps(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let (id, _) = try await started(rig, mia)
    let second = Rig.now + Rig.lease
    let forgotten = try await rig.granted(mia, at: second)
    let third = second + Rig.lease
    _ = try await rig.ledger.report(id, .completed(result: "{}", rereserve: true), now: third)
    #expect(
      try await refusal { _ = try await rig.ledger.commit(forgotten.reservation.id, amount: nil, now: third) } == .reservationExpired)
    #expect(try await rig.standing(mia, at: third).used == 1)
  }

  static func reservationEndsFirst(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let (committed, reservation) = try await started(rig, mia)
    _ = try await rig.ledger.commit(reservation, amount: nil, now: Rig.now)
    let report = try await rig.ledger.report(committed, Self.done, now: Rig.now)
    #expect(report.value.allowance.used == 1 && report.value.analysis?.status == .completed)

    let ben = try await rig.signUp("ben")
    let (released, other) = try await started(rig, ben)
    _ = try await rig.ledger.release(other, now: Rig.now)
    #expect(try await rig.ledger.analysis(released, of: ben.id)?.status == .cancelled)
    #expect(try await refusal { _ = try await rig.ledger.report(released, Self.done, now: Rig.now) } == .invalidTransition)
    #expect(try await rig.standing(ben).used == 0)
  }

  static func cancel(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let ben = try await rig.signUp("ben")
    let (open, _) = try await started(rig, mia)
    #expect(try await refusal { _ = try await rig.ledger.cancelAnalysis(open, of: ben.id, now: Rig.now) } == .notFound)
    #expect(try await rig.ledger.analysis(open, of: ben.id) == nil)
    let cancelled = try await rig.ledger.cancelAnalysis(open, of: mia.id, now: Rig.now)
    #expect(cancelled.value?.analysis?.status == .cancelled && cancelled.value?.allowance.remaining == 1 && !cancelled.pending.isEmpty)
    let (done, _) = try await started(rig, mia)
    _ = try await rig.ledger.report(done, Self.done, now: Rig.now)
    #expect(try await rig.ledger.cancelAnalysis(done, of: mia.id, now: Rig.now).value == nil)
    #expect(try await rig.ledger.analysis(done, of: mia.id) == nil)
    #expect(try await rig.standing(mia).used == 1)
  }

  static func attach(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let ben = try await rig.signUp("ben")
    let held = try await rig.granted(mia)
    func attach(_ user: User, lease: Int64? = nil) async throws -> Once<Reserved> {
      try await rig.ledger.attachAnalysis(
        .video(), to: held.reservation.id, of: user.id, leaseMilliseconds: lease, call: nil, now: Rig.now, encode: Rig.answer)
    }
    #expect(try await refusal { _ = try await attach(ben) } == .notFound)
    guard case .first(let made) = try await attach(mia, lease: 3 * Rig.lease) else { throw Unexpected("a replay") }
    #expect(made.analysis?.leaseExpiresAtMilliseconds == Rig.now + 3 * Rig.lease)
    #expect(try await rig.ledger.reservation(held.reservation.id)?.leaseExpiresAtMilliseconds == Rig.now + 3 * Rig.lease)
    #expect(try await refusal { _ = try await attach(mia) } == .invalidTransition)
  }
}
