import Testing

@testable import GatehouseCore

@Suite("Which Redis is registered")
struct SuccessionTests {
  private static let start = ContinuousClock.now
  private static func at(_ milliseconds: Int64) -> ContinuousClock.Instant { start + .milliseconds(milliseconds) }
  private static func node(_ replicationID: String, vacant: Int64? = nil) -> HotNode {
    HotNode(
      slots: HotNode.allSlots, address: "s", configEpoch: 0, term: HotTerm(replicationID: replicationID, number: 1, lineage: "a"),
      succeeds: 0, counted: 0, countedBy: "", countedNumber: 0, vacantSequence: vacant)
  }

  @Test("A Redis that answers is registered at once where none is registered, or nobody uses the one that is")
  func atOnce() {
    var succession = Succession()
    #expect(succession.next(nil, found: [], at: Self.at(0)) == .missed(isNew: false))
    #expect(succession.next(nil, found: ["b"], at: Self.at(1)) == .register(replicationID: "b"))
    #expect(succession.next(Self.node("a", vacant: 3), found: ["b"], at: Self.at(2)) == .register(replicationID: "b"))
    #expect(succession.next(Self.node("a", vacant: 3), found: ["a"], at: Self.at(3)) == .look(strays: false))
  }

  @Test("A Redis that may be in use is replaced only after a second without it, and never while one connection finds it")
  func patience() {
    var succession = Succession()
    let node = Self.node("a")
    #expect(succession.next(node, found: ["b", "a"], at: Self.at(0)) == .look(strays: true))
    #expect(succession.next(node, found: ["b", "b"], at: Self.at(100)) == .missed(isNew: true))
    #expect(succession.next(node, found: ["b", "b"], at: Self.at(1_000)) == .missed(isNew: false))
    #expect(succession.next(node, found: ["b", "a"], at: Self.at(1_050)) == .look(strays: true))
    #expect(succession.next(node, found: [], at: Self.at(1_100)) == .missed(isNew: true))
    #expect(succession.next(node, found: [], at: Self.at(9_000)) == .missed(isNew: false))
    #expect(succession.next(node, found: ["a"], at: Self.at(9_100)) == .look(strays: false), "it was away, and no other came")
    #expect(succession.next(node, found: ["b"], at: Self.at(9_200)) == .missed(isNew: true))
    #expect(succession.next(node, found: ["b"], at: Self.at(10_200)) == .register(replicationID: "b"))
  }
}
