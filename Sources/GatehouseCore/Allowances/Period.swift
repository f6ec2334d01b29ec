import Foundation
import Synchronization

/// The span in which an allowance counts: [local midnight, next local midnight) of a user's zone, or a month of such days, as UTC
/// instants in milliseconds. Midnight is the first instant of a date, by the calendar rules of the zone.
public struct Period: Sendable, Equatable {
  /// The calendar span of a period.
  public enum Kind: String, Sendable, CaseIterable { case day, month }

  /// Whether it counts by days or by months; after a change of zone a day may be longer than 24 hours.
  public let kind: Kind
  /// The first instant, inclusive, in milliseconds since 1970 UTC.
  public let startMilliseconds: Int64
  /// Exclusive.
  public let endMilliseconds: Int64

  /// The span `[start, end)`; `endMilliseconds` must be greater than `startMilliseconds`.
  public init(kind: Kind, startMilliseconds: Int64, endMilliseconds: Int64) {
    self.kind = kind
    self.startMilliseconds = startMilliseconds
    self.endMilliseconds = endMilliseconds
  }

  /// The period that is open at `now` for a user.
  ///
  /// After a change of zone the period that was open keeps its start and ends at the first midnight of the new zone that is not
  /// before the end it had in the zone it began in: no period is shorter than that, so hopping through zones gives no unit.
  /// - Parameters:
  ///   - openStartMilliseconds: where the period that was open at the change began.
  ///   - floorMilliseconds: the end that it had.
  public static func open(
    kind: Kind, nowMilliseconds now: Int64, zone: String, openStartMilliseconds: Int64? = nil, floorMilliseconds: Int64? = nil
  ) -> Period {
    if let start = openStartMilliseconds, let floor = floorMilliseconds, start <= now {
      let end = end(kind, notBefore: floor, zone: zone)
      if now < end { return Period(kind: kind, startMilliseconds: start, endMilliseconds: end) }
    }
    return ZoneCalendar.period(kind, containing: now, zone: zone)
  }

  private static func end(_ kind: Kind, notBefore floor: Int64, zone: String) -> Int64 {
    let day = ZoneCalendar.period(.day, containing: floor, zone: zone)
    let midnight = day.startMilliseconds == floor ? floor : day.endMilliseconds
    guard kind == .month else { return midnight }
    // On the far side of the date line it may still be the last day of the old month: that day opens no month of its own.
    let month = ZoneCalendar.period(.month, containing: midnight, zone: zone)
    let isNew = midnight - month.startMilliseconds < month.endMilliseconds - midnight
    return isNew ? midnight : month.endMilliseconds
  }
}

/// Days and months of a zone, with the last one of each zone remembered: almost every call asks for the present day.
enum ZoneCalendar {
  /// How many (zone, kind) pairs are remembered; then all are forgotten.
  private static let rememberedMax = 1_000
  private static let remembered: Mutex<[String: Period]> = Mutex([:])

  static func period(_ kind: Period.Kind, containing milliseconds: Int64, zone: String) -> Period {
    let name = "\(kind.rawValue) \(zone)"
    let known = remembered.withLock { $0[name] }
    if let known, known.startMilliseconds <= milliseconds, milliseconds < known.endMilliseconds { return known }
    let period = compute(kind, milliseconds, zone)
    remembered.withLock { table in
      if table.count >= rememberedMax { table.removeAll(keepingCapacity: true) }
      table[name] = period
    }
    return period
  }

  private static func compute(_ kind: Period.Kind, _ milliseconds: Int64, _ zone: String) -> Period {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = TimeZone(identifier: zone) ?? .gmt
    let moment = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
    let unit: Calendar.Component = kind == .day ? .day : .month
    guard let interval = calendar.dateInterval(of: unit, for: moment) else {
      let day = Day.milliseconds
      let start = milliseconds - milliseconds % day
      return Period(kind: kind, startMilliseconds: start, endMilliseconds: start + day)
    }
    return Period(
      kind: kind, startMilliseconds: Int64(interval.start.timeIntervalSince1970 * 1000),
      endMilliseconds: Int64(interval.end.timeIntervalSince1970 * 1000))
  }
}

/// IANA names of time zones.
public enum TimeZoneName {
  /// The remedy for a text that names no zone.
  public static let advice = "Use an IANA name such as Europe/Berlin."
  /// No name of the database is longer, by far.
  private static let bytesMax = 64
  /// Names of the database that Foundation gives back in a form of its own.
  private static let renamed: Set = ["UTC", "GMT+0", "GMT-0"]

  /// Whether `name` is a name or a link of the database, letter case included. Foundation's known identifiers lack the links,
  /// which browsers send.
  public static func isValid(_ name: String) -> Bool {
    guard name.utf8.count <= bytesMax, name.utf8.allSatisfy(isPlain), !isOffset(name), let zone = TimeZone(identifier: name) else {
      return false
    }
    return zone.identifier == name || renamed.contains(name)
  }

  /// Foundation reads a name as far as its first NUL.
  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2b, 0x2d, 0x2f, 0x5f: true
    default: false
    }
  }

  /// Foundation takes `GMT-0800` for a zone, which the database doesn't have.
  private static func isOffset(_ name: String) -> Bool {
    guard name.hasPrefix("GMT"), let sign = name.dropFirst(3).first else { return false }
    return (sign == "+" || sign == "-") && !renamed.contains(name)
  }
}

/// Dates of a zone.
public enum LocalDates {
  /// The date, as `yyyy-MM-dd`, that an instant falls on in a zone.
  public static func date(_ milliseconds: Int64, zone: String) -> String { Instants.date(local(milliseconds, zone)) }

  /// The wall clock's time of a zone, as `00:00`, or with the date before it.
  static func text(_ milliseconds: Int64, zone: String, withDate: Bool) -> String {
    let parts = Instants.text(local(milliseconds, zone)).split(separator: "T")
    let time = String(parts.last?.prefix(5) ?? "")
    return withDate ? "\(parts.first ?? "") \(time)" : time
  }

  /// The instant at which a clock of UTC shows what a clock of `zone` shows at `milliseconds`.
  private static func local(_ milliseconds: Int64, _ zone: String) -> Int64 {
    let moment = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
    return milliseconds + Int64((TimeZone(identifier: zone) ?? .gmt).secondsFromGMT(for: moment)) * 1000
  }
}
