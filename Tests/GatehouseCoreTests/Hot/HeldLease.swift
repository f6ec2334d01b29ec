@testable import GatehouseCore

extension Lease {
  /// Holds a term for so long, as if polls went on.
  func hold(for duration: Duration) {
    let node = HotNode(
      slots: HotNode.allSlots, address: "here", configEpoch: 0, term: HotTerm(replicationID: "r", number: 1, lineage: "a"), succeeds: 0,
      counted: 0, countedBy: "", countedNumber: 0, vacantSequence: nil)
    with { state in
      let now = ContinuousClock.now
      _ = state.read(state.reading(from: now), node, sequence: 0, at: now)
      (state.end, state.knownUntil) = (now + duration, now + duration)
    }
  }
}
