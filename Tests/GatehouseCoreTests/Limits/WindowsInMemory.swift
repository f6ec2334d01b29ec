import Synchronization

@testable import GatehouseCore

/// A hot state that only counts subjects, by the rules of the product and a clock that a test moves.
final class WindowsInMemory: HotStore {
  private struct State {
    var now: Int64 = 1_795_608_000_000
    var windows: [Subject: [String: PackedWindow]] = [:]
    var commands = 0
  }

  private let state = Mutex(State())

  var isUsable: Bool { true }
  var commands: Int { state.withLock { $0.commands } }
  var nowMilliseconds: Int64 { state.withLock { $0.now } }

  func advance(milliseconds: Int64) { state.withLock { $0.now += milliseconds } }

  /// Units that a subject has taken within the policy's window.
  func taken(_ subject: Subject, _ policy: Policy) -> Int64 {
    state.withLock { state in
      (state.windows[subject]?[policy.fieldName] ?? PackedWindow()).returns(nowMilliseconds: state.now, policy: policy)
        .reduce(0) { $0 + $1.units }
    }
  }

  func check(_ subject: Subject, _ charges: [PolicyCharge], peek: Bool, under term: HotTerm) async -> Result<HotCheck, HotFailure> {
    state.withLock { state in
      state.commands += 1
      let now = state.now
      func verdicts(peek: Bool) -> [PackedWindow.Verdict] {
        charges.map { charge in
          let limit = charge.policy.shadow ? nil : charge.policy.limits.limit(plan: nil)
          return state.windows[subject, default: [:]][charge.policy.fieldName, default: PackedWindow()]
            .check(charge.cost, nowMilliseconds: now, policy: charge.policy, limit: limit.map { $0 - charge.besides }, peek: peek)
        }
      }
      var found = verdicts(peek: true)
      if !peek, found.allSatisfy({ $0 == .passes }) { found = verdicts(peek: false) }
      let windows = charges.map { state.windows[subject]?[$0.policy.fieldName] ?? PackedWindow() }
      return .success(
        HotCheck(
          verdicts: zip(charges, found).map { charge, verdict in
            let window = state.windows[subject]?[charge.policy.fieldName] ?? PackedWindow()
            let limit = charge.policy.limits.limit(plan: nil)
            return SubjectVerdict(
              standing: window.standing(nowMilliseconds: now, policy: charge.policy, limit: limit, exceeded: verdict != .passes),
              allowed: verdict == .passes,
              retryAfterSeconds: verdict == .full
                ? window.retryAfterSeconds(charge.cost, nowMilliseconds: now, policy: charge.policy, limit: limit) : nil)
          }, windows: windows, nowMilliseconds: now))
    }
  }

  var refuses: Bool { false }

  func giveBack(_ subject: Subject, _ taken: [TakenCell], under term: HotTerm) async -> Result<HotWindows, HotFailure> {
    state.withLock { state in
      state.commands += 1
      for units in taken {
        guard let stored = state.windows[subject]?[units.policy.fieldName] else { continue }
        state.windows[subject]?[units.policy.fieldName] = stored.without(units)
      }
      let windows = taken.map { state.windows[subject]?[$0.policy.fieldName] ?? PackedWindow() }
      return .success(HotWindows(windows: windows, nowMilliseconds: state.now))
    }
  }

  var address: String { "here" }
  func timelines() async -> [String] { [] }
  func leaveStrays(of term: HotTerm) {}
  func gate(_ query: HotQuery, under term: HotTerm, reply: @escaping @Sendable (Result<HotReply, HotFailure>) -> Void) {
    reply(.failure(HotFailure(reason: "not_here")))
  }
  func together(_ ask: @escaping @Sendable (_ room: Int) -> Void) { ask(.max) }
  func install(
    _ snapshot: HotSnapshot, ticket: String, under term: HotTerm, then query: HotQuery
  ) async -> Result<HotReply, HotFailure> {
    .failure(HotFailure(reason: "not_here"))
  }
  func giveBack(_ userID: UserID, holdID: String, thenDrop: Bool) {}
  func keep(_ userID: UserID, holdID: String) {}
  func drop(_ routingIDs: [String], _ mark: HotMark) async -> HotDrop { .noAnswer }
  func forget(routingID: String) {}
  func time() async -> Int64? { nowMilliseconds }
  func mayForget() async -> Bool? { false }
  func setEra(_ era: Int64) {}
}

extension PackedWindow {
  /// The window with some units less in one cell, as `limit_give_back.lua` leaves it; itself if the cell does not hold them.
  func without(_ taken: TakenCell) -> PackedWindow {
    guard let place = units.firstIndex(where: { $0.number == taken.cell && $0.count >= taken.units }) else { return self }
    let less = UInt32(clamping: taken.units)
    var cells = units
    cells[place].count -= less
    cells.removeAll { $0.count == 0 }
    let words = [total - less] + cells.flatMap { [$0.number, $0.count] }
    return PackedWindow(bytes: words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) } })
  }
}
