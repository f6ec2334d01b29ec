import Testing

@testable import GatehouseCore

@Suite struct InstantsTests {
  @Test(
    "An instant is written with three decimals and read back to the millisecond",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (1_795_442_571_106, "2026-11-23T14:02:51.106Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
      (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ] as [(Int64, String)])
  func roundTrip(milliseconds: Int64, text: String) {
    #expect(Instants.text(milliseconds) == text)
    #expect(Instants.parse(text) == milliseconds)
  }

  @Test("Offsets and other fractions are understood")
  func offsets() {
    #expect(Instants.parse("2026-11-23T15:02:51.1+01:00") == 1_795_442_571_100)
    #expect(Instants.parse("2026-11-23T14:02:51Z") == 1_795_442_571_000)
  }

  @Test(
    "A text that names no instant is refused",
    arguments: [
      "", "2026-11-23", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T14:02:51",
      "2026-11-23T14:02:51.Z",
      "1969-12-31T23:59:59Z", "2026-11-23T14:02:51+24:00", "2026-11-23 14:02:51Z", "99999-11-23T14:02:51Z",
    ])
  func refused(text: String) { #expect(Instants.parse(text) == nil) }
}
