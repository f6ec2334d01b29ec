import Testing

@testable import GatehouseCore

@Suite("The lease and its term")
struct LeaseStateTests {
  private static let start = ContinuousClock.now
  private static func at(_ milliseconds: Int64) -> ContinuousClock.Instant { start + .milliseconds(milliseconds) }

  private static func node(
    _ number: Int64, succeeds: Int64 = 0, counted: Int64 = 0, vacant: Int64? = nil, lineage: String = "a"
  ) -> HotNode {
    HotNode(
      slots: HotNode.allSlots, address: "s", configEpoch: 0, term: HotTerm(replicationID: "r", number: number, lineage: lineage),
      succeeds: succeeds, counted: counted, countedBy: "q", countedNumber: counted / 2, vacantSequence: vacant)
  }

  private static func counted(_ number: Int64, sequence: Int64 = 0) -> HotDrop {
    .counted(HotCount(term: 1, process: "p", number: number, count: number, sequence: sequence))
  }

  /// A poll whose read begins at `now`, ends 1 ms later, and whose drop is answered another millisecond later.
  @discardableResult
  private func poll(
    _ state: inout LeaseState, _ node: HotNode?, at now: Int64, sequence: Int64 = 0, isWhole: Bool = true, _ drop: HotDrop
  ) -> (counts: Bool, outcome: LeaseState.AfterDrop)? {
    let read = state.reading(from: Self.at(now))
    #expect(state.read(read, node, sequence: sequence, at: Self.at(now + 1)) == true)
    guard let mark = state.nextMark() else { return nil }
    state.heard(drop, to: mark)
    return state.polled(drop, to: mark, read: read, isWhole: isWhole, at: Self.at(now + 2))
  }

  @Test("A first term serves at once, for 500 ms from the start of the read; without an answer of Redis not at all")
  func first() {
    var state = LeaseState(process: "p")
    #expect(poll(&state, nil, at: 0, .noAnswer) == nil)
    #expect(poll(&state, Self.node(1), at: 0, .noAnswer)?.outcome == .nothing)
    #expect(state.held(at: Self.at(2)) == nil)
    let polled = poll(&state, Self.node(1), at: 10, Self.counted(1))
    #expect(polled?.counts == true && polled?.outcome == .renewed)
    #expect(state.held(at: Self.at(12)) == Self.node(1).term && state.held(at: Self.at(509)) != nil)
    #expect(state.held(at: Self.at(510)) == nil)
  }

  @Test("A term that follows one in use is in quarantine for 550 ms from the end of the read: nothing is served and nothing counts")
  func quarantine() {
    var state = LeaseState(process: "p")
    poll(&state, Self.node(1), at: 0, Self.counted(1))
    let old = state.nextMark()
    let polled = poll(&state, Self.node(2, succeeds: 1), at: 100, Self.counted(1))
    #expect(polled?.counts == false && polled?.outcome == .renewed)
    #expect(state.held(at: Self.at(102)) == nil && !state.isInForce(at: Self.at(102)))
    if let old { #expect(!state.counts(old, at: Self.at(103)), "an answer to a drop of the term before") }
    poll(&state, Self.node(2, succeeds: 1), at: 640, Self.counted(2))
    #expect(state.held(at: Self.at(650)) == nil)
    #expect(state.held(at: Self.at(651)) == Self.node(2).term && state.isInForce(at: Self.at(651)))
  }

  @Test("The answer to a drop counts only while the term was read less than 500 ms ago")
  func counting() throws {
    var state = LeaseState(process: "p")
    poll(&state, Self.node(1), at: 0, Self.counted(1))
    let next = state.nextMark(sequence: 3)
    let mark = try #require(next)
    #expect(mark == HotMark(term: Self.node(1).term, process: "p", number: 2, own: 1, settled: 0, settledBy: "", sequence: 3))
    state.heard(Self.counted(2), to: mark)
    #expect(state.counts(mark, at: Self.at(499)) && !state.counts(mark, at: Self.at(500)))
    let later = state.nextMark()
    #expect(later?.own == 2, "a drop is known whether or not it counts")
    // More rows than one poll reads: those that are gone count, but nothing may be served.
    let partial = poll(&state, Self.node(1), at: 1_000, isWhole: false, Self.counted(4))
    #expect(partial?.counts == true && partial?.outcome == .nothing && state.held(at: Self.at(1_003)) == nil)
  }

  @Test("Data that went back ends the use of Redis at once, and is registered anew", arguments: [HotDrop.broken, .behind(term: 4)])
  func broken(_ drop: HotDrop) throws {
    var state = LeaseState(process: "p")
    poll(&state, Self.node(1), at: 0, Self.counted(1))
    let next = state.nextMark()
    let mark = try #require(next)
    state.heard(drop, to: mark)
    #expect(!state.counts(mark, at: Self.at(10)))
    #expect(state.held(at: Self.at(10)) == nil && !state.isInForce(at: Self.at(10)))
    let above: Int64 = if case .behind(let term) = drop { term } else { 0 }
    #expect(poll(&state, Self.node(1), at: 100, drop)?.outcome == .register(above: above))
    #expect(state.held(at: Self.at(103)) == nil)
  }

  @Test("The counter that the ledger knows must be reached, from the first look on")
  func floor() {
    var state = LeaseState(process: "p")
    poll(&state, Self.node(1, counted: 40), at: 0, .noAnswer)
    let mark = state.nextMark()
    #expect(mark?.settled == 20 && mark?.settledBy == "q" && mark?.own == 0)
  }

  @Test("A ledger that knows less than it did is an older one: nothing is believed until it is registered anew")
  func olderWhileRunning() {
    var state = LeaseState(process: "p")
    poll(&state, Self.node(1), at: 0, sequence: 100, Self.counted(1, sequence: 100))
    let back = poll(&state, Self.node(1), at: 100, sequence: 60, Self.counted(2, sequence: 100))
    #expect(back?.counts == false && state.ledgerWentBack && state.held(at: Self.at(102)) == nil)
    poll(&state, Self.node(1), at: 200, sequence: 120, Self.counted(3, sequence: 100))
    #expect(state.ledgerWentBack && state.held(at: Self.at(202)) == nil, "it may have caught up by number")
    #expect(poll(&state, Self.node(2), at: 300, sequence: 121, Self.counted(1))?.outcome == .renewed)
  }

  @Test("A first look at a Redis that knows more than the ledger is doubted; the next read decides")
  func olderAtStart() {
    var fresh = LeaseState(process: "p")
    #expect(poll(&fresh, Self.node(1), at: 0, sequence: 60, Self.counted(9, sequence: 61))?.outcome == .doubted)
    #expect(fresh.held(at: Self.at(3)) == nil)
    var older = fresh
    #expect(poll(&fresh, Self.node(1), at: 10, sequence: 61, Self.counted(10, sequence: 61))?.outcome == .renewed)
    poll(&older, Self.node(1), at: 10, sequence: 60, Self.counted(10, sequence: 61))
    #expect(older.ledgerWentBack && older.held(at: Self.at(13)) == nil)
  }

  @Test("A change of another process between read and drop is no doubt later on; a read that was overtaken says nothing")
  func concurrent() {
    var state = LeaseState(process: "p")
    poll(&state, Self.node(1), at: 0, sequence: 10, Self.counted(1, sequence: 10))
    let early = state.reading(from: Self.at(90))
    #expect(poll(&state, Self.node(1), at: 100, sequence: 10, Self.counted(2, sequence: 12))?.outcome == .renewed)
    #expect(state.read(early, Self.node(1), sequence: 9, at: Self.at(110)) == false)
    #expect(poll(&state, Self.node(1), at: 200, sequence: 12, Self.counted(3, sequence: 12))?.outcome == .renewed)
    // A read that began before Redis told of the change may lack it.
    let slow = state.reading(from: Self.at(300))
    if let mark = state.nextMark() { state.heard(Self.counted(4, sequence: 15), to: mark) }
    #expect(state.read(slow, Self.node(1), sequence: 12, at: Self.at(302)) == true)
    #expect(!state.ledgerWentBack)
  }

  @Test("A registration that a process found alone is confirmed only by a Redis that knows no more than the ledger did")
  func vacant() {
    var state = LeaseState(process: "p")
    let confirmed = poll(&state, Self.node(1, vacant: 50), at: 0, sequence: 55, Self.counted(9, sequence: 50))
    #expect(confirmed?.counts == false && confirmed?.outcome == .confirm && state.held(at: Self.at(3)) == nil)
    let look = state.nextMark()
    #expect(look?.sequence == 0, "the counter in Redis is not overwritten before it was looked at")
    let older = poll(&state, Self.node(1, vacant: 50), at: 10, sequence: 55, Self.counted(10, sequence: 51))
    #expect(older?.outcome == .register(above: 0))
    #expect(poll(&state, Self.node(1), at: 20, sequence: 55, Self.counted(11, sequence: 51))?.outcome == .renewed)
    #expect(state.held(at: Self.at(23)) != nil)
  }
}
