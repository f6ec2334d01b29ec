import Synchronization
import TestSupport
import Testing

@testable import GatehouseCore

@Suite("Turns")
struct TurnsTests {
  private final class Count: Sendable {
    let running = Atomic<Int>(0)
    let most = Atomic<Int>(0)
  }

  @Test("So many work at once and no more, and everybody comes to their turn")
  func bounded() async {
    let turns = Turns(atOnce: 3)
    let count = Count()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<200 {
        group.addTask {
          await turns.enter()
          count.most.max(count.running.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
          await Task.yield()
          count.running.subtract(1, ordering: .relaxed)
          turns.leave()
        }
      }
    }
    #expect(count.running.load(ordering: .relaxed) == 0)
    #expect((1...3).contains(count.most.load(ordering: .relaxed)))
  }

  @Test("A queue that never runs dry keeps nothing of those who have gone on")
  func forgets() {
    final class Load: Sendable {}
    let turns = Turns(atOnce: 1)
    turns.enter {}
    // Always two wait; each goes on from the `leave` of the one before.
    var waiting: [() -> Bool] = []
    func enter() {
      let load = Load()
      waiting.append { [weak load] in load != nil }
      turns.enter { withExtendedLifetime(load) {} }
    }
    enter()
    for _ in 0..<1_000 {
      enter()
      turns.leave()
    }
    #expect(waiting.count { $0() } == 1, "the one that waits still")
  }
}
