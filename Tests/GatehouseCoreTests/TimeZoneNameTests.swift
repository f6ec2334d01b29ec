import Foundation
import GatehouseCore
import Testing

@Suite("Names of time zones")
struct TimeZoneNameTests {
  /// Every zone and link of the installed database: `Z name …` and `L target name` in its one text file.
  private static let all: [(name: String, target: String?)] = {
    let text = try? String(contentsOfFile: "/usr/share/zoneinfo/tzdata.zi", encoding: .utf8)
    return (text ?? "").split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ").map(String.init)
      switch words.first {
      case "Z": return (words[1], nil)
      case "L": return (words[2], words[1])
      default: return nil
      }
    }
  }()

  @Test("Every name and link of the database is taken as a time zone")
  func all() {
    #expect(Self.all.count > 590, "the database was not read")
    let refused = Self.all.map(\.name).filter { !TimeZoneName.isValid($0) }
    #expect(refused.isEmpty)
  }

  @Test(
    "A name that is not in the database is refused",
    arguments: [
      "", "asia/kolkata", "Asia/Nowhere", "Asia", "GMT+3", "GMT-0800", "UTC+1", "+01:00", "../etc/passwd", "posix/Europe/Berlin",
      "Europe/Berlin/", "Europe//Berlin", "Europe/Berlin\u{0}", "tzdata.zi", "posixrules", "localtime", " UTC",
      "Europe/" + String(repeating: "x", count: 100_000),
    ])
  func others(name: String) { #expect(!TimeZoneName.isValid(name)) }

  @Test("The same zone under another name is no change of zone")
  func links() {
    for (name, target) in Self.all {
      guard let target else { continue }
      for now in stride(from: 1_795_608_000_000 as Int64, to: 1_827_144_000_000, by: 2_629_800_000) {
        var user = User(id: .random(), email: "mia@example.com", timeZone: target, plan: "free", createdAtMilliseconds: 0)
        user.move(to: name, atMilliseconds: now)
        #expect(user.timeZone == name)
        #expect(user.zoneFloorMilliseconds == nil && user.zoneMonthFloorMilliseconds == nil, "\(target) to \(name) at \(now)")
      }
    }
  }

  @Test("A zone with another day keeps the open one")
  func change() {
    let now: Int64 = 1_795_608_000_000
    var user = User(id: .random(), email: "mia@example.com", timeZone: "Asia/Kolkata", plan: "free", createdAtMilliseconds: 0)
    let open = user.period(.day, atMilliseconds: now)
    user.move(to: "America/New_York", atMilliseconds: now)
    #expect(user.zoneFloorMilliseconds == open.endMilliseconds)
    user.move(to: "Asia/Calcutta", atMilliseconds: now)
    #expect(user.period(.day, atMilliseconds: now) == open)
  }
}
