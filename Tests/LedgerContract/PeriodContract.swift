import Foundation
@testable import GatehouseCore
import Testing

/// Days and months in the ledger.
package enum PeriodContract {
  package static let claims: [Claim] =
    [
      Claim("A day has 23 or 25 hours where the clock changes, and the next begins where it ends", daylight),
      Claim("No period older than the user's newest is taken units from, whatever the clock says", newest),
      Claim(
        "An accepted time is kept, moves open leases, makes all hot state cold, and is not taken back by one that has not heard of it",
        acceptedClock),
      Claim("A change of zone keeps the open day and month with what is used in them", keepsOpen),
      Claim("A hop over the date line at the end of a month opens no month of one day", dateLine),
    ]
    + ([3, 11, 2_026] as [UInt64]).map { seed in
      Claim("A user who hops through zones gets at most one unit a day and one more (seed \(seed))") { rig in
        try await greedy(rig: rig, seed: seed)
      }
    }

  /// Zones around the clock, with the odd offsets and daylight rules.
  private static let zones = [
    "Pacific/Kiritimati", "Pacific/Auckland", "Australia/Lord_Howe", "Asia/Tokyo", "Asia/Kathmandu", "Asia/Beirut", "Africa/Cairo",
    "Europe/Berlin", "UTC", "Atlantic/Azores", "America/St_Johns", "America/New_York", "America/Los_Angeles", "Pacific/Pago_Pago",
  ]

  private static func move(_ rig: Rig, _ user: UserID, to zone: String, at now: Int64) async throws {
    var changes = UserChanges()
    changes.timeZone = zone
    _ = try await rig.ledger.changeUser(user, changes, by: .operations, now: now)
  }

  static func daylight(rig: Rig) async throws {
    let mia = try await rig.signUp(zone: "Europe/Berlin")
    for (noon, hours) in [("2026-03-29T12:00:00Z", 23), ("2026-10-25T12:00:00Z", 25), ("2026-11-25T12:00:00Z", 24)] {
      let now = try #require(Instants.parse(noon))
      let day = try await rig.standing(mia, at: now)
      #expect(day.resetsAtMilliseconds - day.periodStartsAtMilliseconds == Int64(hours) * Rig.hour, "\(noon)")
      #expect(try await rig.standing(mia, at: day.resetsAtMilliseconds).periodStartsAtMilliseconds == day.resetsAtMilliseconds)
    }
  }

  static func newest(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let spent = try await rig.granted(mia, commit: true)
    let held = try await rig.granted(mia, 5, metric: "report")
    for back in [Rig.day, 2 * Rig.day, 3 * Rig.day, 40 * Rig.day] {
      let now = Rig.now - back
      let old = Period(kind: .day, startMilliseconds: now - Rig.day / 2, endMilliseconds: now + Rig.day / 2)
      for period in [nil, old] {
        let error = await #expect(throws: ServiceError.self) { try await rig.reserve(mia, period: period, at: now) }
        #expect(error?.code == .allowanceExhausted)
        #expect(error?.allowance?.periodStartsAtMilliseconds == spent.allowance.periodStartsAtMilliseconds)
      }
      await #expect(throws: ServiceError.self) { try await rig.reserve(mia, metric: "report", at: now) }
      #expect(try await rig.standing(mia, "report", at: now).periodStartsAtMilliseconds == held.allowance.periodStartsAtMilliseconds)
      let snapshot = try #require(try await rig.ledger.snapshot(of: mia.id, now: now))
      #expect(snapshot.quotas.first?.period.startMilliseconds == spent.allowance.periodStartsAtMilliseconds)
    }
    // An account that is made again goes on in the period that its address had used, though that lies ahead.
    _ = try await rig.ledger.deleteUser(mia.id, by: .operations, reason: nil, now: Rig.now)
    let again = try await rig.signUp(at: Rig.now - Rig.day)
    await #expect(throws: ServiceError.self) { try await rig.reserve(again, at: Rig.now - Rig.day) }
    _ = try await rig.granted(again, at: Rig.now + Rig.day)
  }

  static func acceptedClock(rig: Rig) async throws {
    let mia = try await rig.signUp()
    let held = try await rig.granted(mia)
    let line = ClockJudge.Line(milliseconds: Rig.now, boot: 7)
    let first = ClockRecord(boot: "here", line: line, quietUntilMilliseconds: 0, accepts: 0, newestStampAtAccept: 0)
    #expect(try await rig.ledger.leasePoll().clock == nil)
    rig.ledger.keepClock(first)
    _ = try await rig.signUp("fence")
    let before = try await rig.ledger.leasePoll()
    #expect(before.clock == first)
    let later = Rig.now + 10 * Rig.day
    let wanted = ClockRecord(
      boot: "here", line: .init(milliseconds: later, boot: 8), quietUntilMilliseconds: later + Rig.day, accepts: 0, newestStampAtAccept: 0
    )
    let change = try await rig.ledger.acceptClock(
      wanted, shiftMilliseconds: 10 * Rig.day, by: .operations, reason: "test", now: later)
    let accepted = change.value
    #expect(accepted.accepts == 1 && accepted.line == wanted.line && accepted.newestStampAtAccept == Rig.now)
    rig.ledger.keepClock(first)
    _ = try await rig.signUp("second-fence")
    let after = try await rig.ledger.leasePoll()
    #expect(after.clock == accepted && after.era == before.era + 1)
    #expect(
      try await rig.ledger.reservation(held.reservation.id)?.leaseExpiresAtMilliseconds == Rig.now + Rig.lease + 10 * Rig.day)
  }

  static func keepsOpen(rig: Rig) async throws {
    let mia = try await rig.signUp(zone: "Pacific/Kiritimati")
    _ = try await rig.granted(mia, commit: true)
    _ = try await rig.granted(mia, 5, metric: "report", commit: true)
    let before = try await rig.standing(mia)
    for zone in Self.zones.reversed() {
      try await move(rig, mia.id, to: zone, at: Rig.now)
      for metric in ["video_analysis", "report"] {
        #expect(try await refusal { _ = try await rig.granted(mia, metric: metric) } == .allowanceExhausted, "\(metric) in \(zone)")
      }
    }
    let after = try await rig.standing(mia)
    #expect(after.periodStartsAtMilliseconds == before.periodStartsAtMilliseconds)
    #expect(after.resetsAtMilliseconds >= before.resetsAtMilliseconds)
    #expect(after.resetsAtMilliseconds - before.resetsAtMilliseconds <= 25 * Rig.hour, "going to and fro costs at most one day")
  }

  static func dateLine(rig: Rig) async throws {
    let mia = try await rig.signUp(zone: "Pacific/Kiritimati")
    let lastHour = try #require(Instants.parse("2026-11-30T09:30:00Z"))
    _ = try await rig.granted(mia, 5, metric: "report", commit: true, at: lastHour)
    try await move(rig, mia.id, to: "Pacific/Pago_Pago", at: lastHour)
    // There it is the 30th of November once more, from 11:00 UTC on.
    let again = lastHour + 2 * Rig.hour
    #expect(try await refusal { _ = try await rig.granted(mia, metric: "report", at: again) } == .allowanceExhausted)
    _ = try await rig.granted(mia, 5, metric: "report", at: again + Rig.day)
  }

  private static func greedy(rig: Rig, seed: UInt64) async throws {
    var random = SplitMix(seed: seed)
    let days: Int64 = 40
    // The spring and autumn changes of both hemispheres are within.
    let begin = try #require(Instants.parse(Bool.random(using: &random) ? "2026-03-01T00:00:00Z" : "2026-09-20T00:00:00Z"))
    let mia = try await rig.signUp(zone: Self.zones.randomElement(using: &random) ?? "UTC", at: begin)
    var now = begin
    var granted: Int64 = 0
    var periods: [Int64: Int64] = [:]
    while now < begin + days * Rig.day {
      // The greedy move: of a few zones, the one whose midnight comes first.
      if Int.random(in: 0..<3, using: &random) == 0 {
        let zone = Self.zones.shuffled(using: &random).prefix(4).min {
          let (one, other) = (
            Period.open(kind: .day, nowMilliseconds: now, zone: $0), Period.open(kind: .day, nowMilliseconds: now, zone: $1)
          )
          return one.endMilliseconds < other.endMilliseconds
        }
        try await move(rig, mia.id, to: zone ?? "UTC", at: now)
      }
      let standing = try await rig.standing(mia, at: now)
      #expect(standing.periodStartsAtMilliseconds <= now && now < standing.resetsAtMilliseconds, "seed \(seed) at \(Instants.text(now))")
      periods[standing.periodStartsAtMilliseconds] = standing.resetsAtMilliseconds
      if try await refusal({ _ = try await rig.granted(mia, commit: true, at: now) }) == nil { granted += 1 }
      now = min(now + Int64.random(in: 1...(3 * Rig.hour), using: &random), standing.resetsAtMilliseconds)
    }
    #expect(granted <= days + 1, "seed \(seed): \(granted) units in \(days) days")
    #expect(granted >= days / 2, "seed \(seed): \(granted) units in \(days) days are too few")
    for (start, end) in periods {
      #expect(end - start >= 23 * Rig.hour, "seed \(seed): the period from \(Instants.text(start)) is short")
    }
    let order = periods.sorted { $0.key < $1.key }
    for (one, next) in zip(order, order.dropFirst()) {
      #expect(next.key >= one.value, "seed \(seed): the periods from \(Instants.text(one.key)) overlap")
    }
  }
}
