import Testing

@testable import GatehouseLedger

/// The writes that wait for the writer, by a clock of the test's own.
@Suite("The backlog of the writer")
struct WriteBacklogTests {
  private let start = ContinuousClock.now
  private let empty = WriteBacklog<Int>(depthMax: 4, batchMax: 2, waitMax: .milliseconds(100))

  private func after(_ milliseconds: Int) -> ContinuousClock.Instant { start + .milliseconds(milliseconds) }

  @Test("The first operation begins the writer and a look, the next ones find both at work; beyond the bound all is refused")
  func bounds() throws {
    var backlog = empty
    let first = try backlog.add(0, at: start)
    #expect(first.begins && first.look == .milliseconds(100))
    for item in 1...3 {
      let next = try backlog.add(item, at: after(item))
      #expect(!next.begins && next.look == nil)
    }
    #expect(throws: LedgerFailure(.overloaded)) { _ = try backlog.add(4, at: after(4)) }
    let batch = backlog.take()
    #expect(batch.map(\.item) == [0, 1])
    #expect(backlog.depth == 2)
  }

  @Test("Operations that have waited too long are refused, the others are looked at when their time comes")
  func late() throws {
    var backlog = empty
    _ = try backlog.add(0, at: start)
    _ = try backlog.add(1, at: after(30))
    let late = backlog.refuseLate(at: after(100))
    #expect(late.items == [0] && late.isFirst && late.failure.kind == .overloaded && late.lookAgain == .milliseconds(30))
    let later = backlog.refuseLate(at: after(130))
    #expect(later.items == [1] && !later.isFirst && later.lookAgain == nil)
  }

  @Test("The end does not wait for a writer that another process keeps out")
  func keptOut() throws {
    var backlog = empty
    _ = try backlog.add(0, at: start)
    backlog.close()
    #expect(!backlog.isOver, "an operation waits")
    _ = backlog.refuseLate(at: after(100))
    #expect(backlog.isOver && backlog.isDraining)
  }

  @Test("While the writer is known to be stuck nobody waits, and once it has written all may again")
  func stuck() throws {
    var backlog = empty
    _ = try backlog.add(0, at: start)
    let taken = backlog.take()
    backlog.isHeld(taken)
    let late = backlog.refuseLate(at: after(100))
    #expect(late.items == [0] && late.failure.kind == .busy)
    #expect(throws: LedgerFailure(.busy)) { _ = try backlog.add(1, at: after(101)) }
    // Nobody waits, but the writer tries on until the file is free.
    let triesOn = backlog.goesOn()
    let batch = backlog.take()
    #expect(triesOn && batch.isEmpty)
    let stuckSince = backlog.wrote([])
    #expect(stuckSince == start)
    _ = try backlog.add(2, at: after(102))
    let again = backlog.wrote([])
    #expect(again == nil)
  }

  @Test("An operation that a batch had no time for stands first, as long waiting as it is")
  func left() throws {
    var backlog = empty
    for item in 0..<3 { _ = try backlog.add(item, at: after(item)) }
    let batch = backlog.take()
    _ = backlog.wrote(batch[1...])
    let next = backlog.take()
    #expect(next.map(\.item) == [1, 2])
    _ = backlog.wrote([])
    let goesOn = backlog.goesOn()
    let later = try backlog.add(3, at: after(9))
    #expect(!goesOn && later.begins)
  }

  @Test("A closed backlog is over when the last batch is answered and the writer has come out")
  func closing() throws {
    var backlog = empty
    _ = try backlog.add(0, at: start)
    backlog.close()
    #expect(throws: LedgerFailure(.closed)) { _ = try backlog.add(1, at: after(1)) }
    #expect(!backlog.isOver)
    _ = backlog.take()
    #expect(!backlog.isOver)
    _ = backlog.wrote([])
    #expect(!backlog.isOver, "the writer holds the lock behind its answers")
    let goesOn = backlog.goesOn()
    #expect(!goesOn && backlog.isOver && !backlog.isDraining)
    let isCalled = backlog.isCalledNow()
    #expect(!isCalled, "it is not called any more")
  }

  @Test("A stop gives up all that waits")
  func stop() throws {
    var backlog = empty
    for item in 0..<3 { _ = try backlog.add(item, at: start) }
    _ = backlog.take()
    let abandoned = backlog.stop()
    #expect(abandoned == [2])
    #expect(backlog.isOver && !backlog.isDraining)
  }

  @Test("The writer is called once for later, whoever asks")
  func called() {
    var backlog = empty
    let asked = [backlog.callsLater(), backlog.callsLater()]
    #expect(asked == [true, false])
    let begins = backlog.isCalledNow()
    let rounds = [backlog.goesOn(), backlog.goesOn()]
    #expect(begins && rounds == [true, false])
    let next = backlog.callsLater()
    #expect(next)
  }
}
