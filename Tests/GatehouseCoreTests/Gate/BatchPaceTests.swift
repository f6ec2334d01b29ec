import Testing

@testable import GatehouseCore

@Suite("The pace of batches")
struct BatchPaceTests {
  @Test("It stays full while Redis is quick, halves when a piece takes too long, and comes back step by step")
  func pace() {
    var pace = BatchPace()
    #expect(pace.count == BatchPace.countMax)
    pace.answered(pace.count, in: .milliseconds(1))
    #expect(pace.count == BatchPace.countMax)
    pace.answered(pace.count, in: .milliseconds(6))
    #expect(pace.count == BatchPace.countMax / 2)
    for _ in 0..<20 { pace.answered(pace.count, in: .milliseconds(40)) }
    #expect(pace.count == BatchPace.countMin)
    pace.answered(pace.count, in: .milliseconds(4))
    #expect(pace.count == BatchPace.countMin, "within the target and near it: neither way")
    var steps = 0
    while pace.count < BatchPace.countMax {
      pace.answered(pace.count, in: .microseconds(300))
      steps += 1
    }
    #expect((4...16).contains(steps))
  }

  @Test("The end of a batch, which is short, says nothing of longer pieces")
  func short() {
    var pace = BatchPace()
    pace.answered(32, in: .milliseconds(20))
    let count = pace.count
    pace.answered(1, in: .microseconds(100))
    #expect(pace.count == count)
  }

  @Test("All that batches have on their way takes a small part of a command's deadline at the pace that they keep")
  func bound() {
    #expect(BatchPace.target * Gatekeeper.piecesMax * 4 <= .milliseconds(Lease.commandDeadlineMilliseconds))
  }
}
