import GatehouseCore
import GatehouseRedis
import Synchronization

/// The hot state, with a test's hands in it: what happens between two steps of the protocol, and what does not come.
final class HookedHot: HotStore {
  /// The calls that have an answer.
  enum Call: Sendable, CaseIterable { case gate, install, drop, check, time }

  struct Hooks: Sendable {
    /// After Redis has decided, before the caller hears of it.
    var afterGate: (@Sendable (Result<HotReply, HotFailure>) async -> Void)?
    /// Between the snapshot and the install.
    var beforeInstall: (@Sendable () async -> Void)?
    /// Whether a gate's answer is lost on its way.
    var losesAnswer: (@Sendable () -> Bool)?
    /// The failure of a call that never reaches Redis; nil lets it through.
    var failure: (@Sendable (Call) -> HotFailure?)?
  }

  private let inner: HotState
  private let hooks = Mutex(Hooks())
  let installs = Atomic<Int>(0)

  init(_ inner: HotState) { self.inner = inner }

  func set(_ change: (inout Hooks) -> Void) { hooks.withLock { change(&$0) } }
  private var current: Hooks { hooks.withLock { $0 } }
  private func failure(_ call: Call) -> HotFailure? { current.failure?(call) }

  var isUsable: Bool { inner.isUsable }
  var refuses: Bool { inner.refuses }
  var address: String { inner.address }
  func timelines() async -> [String] { await inner.timelines() }
  func leaveStrays(of term: HotTerm) { inner.leaveStrays(of: term) }

  func gate(_ query: HotQuery, under term: HotTerm, reply: @escaping @Sendable (Result<HotReply, HotFailure>) -> Void) {
    if let failure = failure(.gate) { return reply(.failure(failure)) }
    let hooks = current
    let reply: @Sendable (Result<HotReply, HotFailure>) -> Void = { result in
      reply(hooks.losesAnswer?() == true ? .failure(HotFailure(reason: "timeout")) : result)
    }
    guard let hook = hooks.afterGate else { return inner.gate(query, under: term, reply: reply) }
    inner.gate(query, under: term) { result in
      Task {
        await hook(result)
        reply(result)
      }
    }
  }

  func together(_ ask: @escaping @Sendable (_ room: Int) -> Void) { inner.together(ask) }

  func install(
    _ snapshot: HotSnapshot, ticket: String, under term: HotTerm, then query: HotQuery
  ) async -> Result<HotReply, HotFailure> {
    installs.add(1, ordering: .relaxed)
    if let failure = failure(.install) { return .failure(failure) }
    await current.beforeInstall?()
    return await inner.install(snapshot, ticket: ticket, under: term, then: query)
  }

  func giveBack(_ userID: UserID, holdID: String, thenDrop: Bool) { inner.giveBack(userID, holdID: holdID, thenDrop: thenDrop) }
  func keep(_ userID: UserID, holdID: String) { inner.keep(userID, holdID: holdID) }

  func forget(routingID: String) { inner.forget(routingID: routingID) }

  func drop(_ routingIDs: [String], _ mark: HotMark) async -> HotDrop {
    guard failure(.drop) == nil else { return .noAnswer }
    return await inner.drop(routingIDs, mark)
  }

  func check(_ subject: Subject, _ charges: [PolicyCharge], peek: Bool, under term: HotTerm) async -> Result<HotCheck, HotFailure> {
    if let failure = failure(.check) { return .failure(failure) }
    return await inner.check(subject, charges, peek: peek, under: term)
  }

  func giveBack(_ subject: Subject, _ taken: [TakenCell], under term: HotTerm) async -> Result<HotWindows, HotFailure> {
    if let failure = failure(.check) { return .failure(failure) }
    return await inner.giveBack(subject, taken, under: term)
  }

  func time() async -> Int64? { failure(.time) == nil ? await inner.time() : nil }
  func mayForget() async -> Bool? { await inner.mayForget() }
  func setEra(_ era: Int64) { inner.setEra(era) }
}
