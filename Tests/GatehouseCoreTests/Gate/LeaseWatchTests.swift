import GatehouseCore
import Testing

@Suite("Watching the lease")
struct LeaseWatchTests {
  @Test("Each loss and each return of the lease is told once, with its length; a start, an outage of Redis and a single miss are neither")
  func transitions() {
    let start = ContinuousClock.now
    var watch = LeaseWatch()
    // Seconds since the start, whether the lease is held, what is told.
    let looks: [(Int, Bool?, LeaseChange?)] = [
      (0, false, nil), (1, true, nil), (2, true, nil), (3, false, nil), (4, false, .lost), (5, false, nil), (6, nil, nil),
      (7, true, .back(after: .seconds(4))), (8, true, nil), (9, nil, nil), (10, false, nil), (11, true, nil), (12, false, nil),
      (13, nil, nil), (14, false, nil), (15, false, .lost), (16, true, .back(after: .seconds(2))),
    ]
    for (second, isHeld, change) in looks {
      #expect(watch.see(isHeld: isHeld, at: start + .seconds(second)) == change, "\(second)")
    }
  }
}
