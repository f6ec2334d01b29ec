import Testing

@testable import GatehouseLedger
@testable import LedgerSQLite

@Suite("The pace of checkpoints")
struct CheckpointPaceTests {
  private let start = ContinuousClock.now
  private func pace() -> CheckpointPace { CheckpointPace(copyBeyondBytes: 100, cutBeyondBytes: 1_000, tellAfter: .seconds(10)) }

  @Test("A log below its bound is left alone, one beyond it is copied, one beyond the next is cut")
  func bounds() {
    var pace = pace()
    #expect(pace.step(logBytes: 100, at: start) == nil)
    #expect(pace.step(logBytes: 101, at: start) == .copy)
    #expect(pace.step(logBytes: 1_001, at: start) == .cut)
    #expect(pace.looksAgain(at: start) == nil)
  }

  @Test("A log that is copied whole is not copied again until it grows, and then at a pace: the next commit could not begin it anew")
  func notBegunAnew() {
    var pace = pace()
    pace.took(.copy, logBytes: 200, isCopied: true, at: start)
    #expect(pace.step(logBytes: 200, at: start) == nil)
    #expect(pace.step(logBytes: 210, at: start) == nil)
    #expect(pace.step(logBytes: 210, at: start + CheckpointPace.pauses.lowerBound) == .copy)
    pace.took(.copy, logBytes: 210, isCopied: true, at: start)
    #expect(pace.step(logBytes: 10, at: start) == nil)
    #expect(pace.step(logBytes: 200, at: start) == .copy)
  }

  @Test("Behind a reader the steps come ever more slowly and never stop; it is told once, and so is its end")
  func behindAReader() {
    var pace = pace()
    var (now, steps, news) = (start, 0, [CheckpointPace.News]())
    while now < start + .seconds(60) {
      if let step = pace.step(logBytes: 5_000, at: now) {
        steps += 1
        pace.took(step, logBytes: 5_000, isCopied: false, at: now)
      }
      if let said = pace.news(at: now) { news.append(said) }
      #expect(pace.looksAgain(at: now).map { $0 <= CheckpointPace.pauses.upperBound } == true)
      now += .milliseconds(1)
    }
    #expect((30...40).contains(steps), "\(steps) steps in a minute")
    #expect(news == [.held(.seconds(10))])
    pace.took(.cut, logBytes: 0, isCopied: true, at: now)
    #expect(pace.news(at: now) == .free(.seconds(60)))
    #expect(pace.news(at: now) == nil)
    #expect(pace.looksAgain(at: now) == nil)
  }

  @Test("A reader that is soon gone is not worth a word")
  func soonGone() {
    var pace = pace()
    pace.took(.copy, logBytes: 200, isCopied: false, at: start)
    pace.took(.copy, logBytes: 200, isCopied: true, at: start + .seconds(1))
    #expect(pace.news(at: start + .seconds(20)) == nil)
  }
}
