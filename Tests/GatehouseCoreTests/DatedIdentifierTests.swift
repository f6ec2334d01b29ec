import Testing

@testable import GatehouseCore

@Suite("Ids that begin with the time")
struct DatedIdentifierTests {
  private static let now: Int64 = 1_795_608_000_000

  @Test("They have the shape of every id")
  func shape() {
    for milliseconds in [0, 1, Self.now, -Self.now, .max, .min] {
      let id = AnalysisID.made(at: milliseconds)
      #expect(AnalysisID(id.text) == id, "\(id) of \(milliseconds)")
    }
  }

  @Test("They lie in the order of their making, to a thirtieth of a second")
  func order() {
    let ids = (0..<1_000).map { ReservationID.made(at: Self.now + $0 * 32).text }
    #expect(ids == ids.sorted())
    #expect(Set(ids.map { $0.prefix(4 + ReservationID.timeLength) }).count == ids.count)
    let day: Int64 = 86_400_000
    #expect(UsageEventID.made(at: Self.now).text < UsageEventID.made(at: Self.now + day).text)
  }

  @Test("Those of one instant begin alike and are never the same; each random character takes every value")
  func random() {
    let ids = (0..<20_000).map { _ in AnalysisID.made(at: Self.now).text }
    let start = 4 + AnalysisID.timeLength
    #expect(Set(ids.map { $0.prefix(start) }).count == 1)
    #expect(Set(ids).count == ids.count)
    let letters = ids.map { Array($0.utf8) }
    for place in start..<18 { #expect(Set(letters.map { $0[place] }).count == 32, "the character at \(place)") }
  }
}
