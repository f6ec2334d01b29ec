import Synchronization

/// Rate windows as this process knows them: what Redis told last of each subject, and what was granted here while Redis was away. They
/// decide while it is, and are counted with its answers afterwards. A bounded number of subjects: when full, those that count nothing
/// any more go, then the ones that were looked at longest ago.
public final class LocalWindow: Sendable {
  /// One check's outcome.
  public struct Result: Sendable {
    /// Whether the costs fit under this policy; nothing was taken unless every policy of the call says so.
    public let allowed: Bool
    /// Whether the cost is greater than the limit, so that no wait helps.
    public let costExceedsLimit: Bool
    /// The subject's standing after the call.
    public let standing: PolicyStanding
    /// Whole seconds, rounded up, after which the cost can fit; nil if it fits now, and if it never does.
    public let retryAfterSeconds: Int?
  }

  /// One policy of a call, and what the call costs.
  struct Charge {
    let policy: Policy
    let limit: Int64
    let cost: Int64
  }

  private struct Window {
    /// As it was last counted: for its window and cells.
    var policy: Policy
    var mixed: MixedWindow

    mutating func hear(_ window: PackedWindow, at redis: Int64, now: Int64, policy: Policy) {
      self.policy = policy
      mixed.hear(window, at: redis, now: now, policy: policy)
    }
  }

  private struct Entry {
    /// One for each field, in no order: they are few.
    var windows: [Window] = []
    var usedAt: UInt64 = 0
    /// The latest instant at which anything that was granted here to the subject may count.
    var ownUntil = Int64.min

    func place(of policy: Policy) -> Int? {
      windows.firstIndex { $0.policy === policy || $0.policy.fieldName == policy.fieldName }
    }

    mutating func put(_ window: Window) {
      if let place = place(of: window.policy) { windows[place] = window } else { windows.append(window) }
    }

    mutating func hear(_ told: [Told], tick: UInt64, redisMilliseconds redis: Int64, nowMilliseconds now: Int64) {
      usedAt = tick
      for answer in told {
        let policy = answer.charge.policy
        let place = place(of: policy) ?? windows.endIndex
        if place == windows.endIndex { windows.append(Window(policy: policy, mixed: MixedWindow())) }
        windows[place].hear(answer.window, at: redis, now: now, policy: policy)
      }
    }
  }

  private struct Table {
    var entries: [String: Entry] = [:]
    var tick: UInt64 = 0
    /// The latest of all subjects': while nobody was granted anything here none is looked up.
    var ownUntil = Int64.min
  }

  /// The bound on subjects that one window remembers unless another is given.
  public static let subjectsMax = 100_000
  /// When the table is full this share of it, the least recently counted, is dropped at once: no scan per call.
  private static let dropShare = 8

  private let processes: Int64
  private let subjectsMax: Int
  private let table = Mutex(Table())

  /// - Parameter processes: how many processes share the limits; each grants at most `max(1, limit / processes)` by itself.
  public init(processes: Int, subjectsMax: Int = LocalWindow.subjectsMax) {
    self.processes = Int64(max(1, processes))
    self.subjectsMax = subjectsMax
  }

  /// An empty one of the same bounds.
  func another() -> LocalWindow { LocalWindow(processes: Int(processes), subjectsMax: subjectsMax) }

  /// Checks all policies of a call without Redis and, unless `peek` or one refuses, takes all their costs: nobody comes between the two.
  func checkAll(subject: String, _ charges: [Charge], nowMilliseconds now: Int64, peek: Bool) -> [Result] {
    table.withLock { table in
      var entry = table.entries[subject] ?? Entry()
      let verdicts = charges.map { charge in
        Self.window(charge.policy, entry).decide(
          charge.cost, now: now, policy: charge.policy, limit: charge.policy.shadow ? nil : charge.limit, share: share(charge.limit))
      }
      if !peek, verdicts.allSatisfy({ $0 == .passes }) {
        for charge in charges {
          var window = Self.window(charge.policy, entry)
          window.take(charge.cost, now: now, policy: charge.policy)
          entry.put(Window(policy: charge.policy, mixed: window))
          entry.ownUntil = max(entry.ownUntil, now + 2 * charge.policy.windowMilliseconds + MixedWindow.replyMilliseconds)
        }
        table.ownUntil = max(table.ownUntil, entry.ownUntil)
        put(entry, subject, now: now, &table)
      }
      return zip(charges, verdicts).map { charge, verdict in
        result(charge, verdict, Self.window(charge.policy, entry), now: now, isTaken: !peek && verdicts.allSatisfy { $0 == .passes })
      }
    }
  }

  /// Gives back what `checkAll` has taken for one call at `then`; units that have returned meanwhile change nothing.
  func giveBack(subject: String, _ charges: [Charge], takenAtMilliseconds then: Int64) {
    table.withLock { table in
      for charge in charges {
        guard let place = table.entries[subject]?.place(of: charge.policy) else { continue }
        table.entries[subject]?.windows[place].mixed.giveBack(charge.cost, takenAt: then, policy: charge.policy)
      }
    }
  }

  private func result(_ charge: Charge, _ verdict: PackedWindow.Verdict, _ window: MixedWindow, now: Int64, isTaken: Bool) -> Result {
    let (policy, limit, share) = (charge.policy, charge.limit, share(charge.limit))
    let isOver =
      policy.shadow && window.decide(isTaken ? 0 : charge.cost, now: now, policy: policy, limit: limit, share: share) != .passes
    return Result(
      allowed: verdict == .passes, costExceedsLimit: verdict == .costExceedsLimit,
      standing: window.standing(
        now: now, policy: policy, limit: limit, share: share, exceeded: policy.shadow ? isOver : verdict != .passes),
      retryAfterSeconds: verdict == .full
        ? window.retryAfterSeconds(charge.cost, now: now, policy: policy, limit: limit, share: share) : nil)
  }

  /// Units of each policy that this process has granted to a subject by itself since `now` less one window: Redis does not know them.
  func owed(subject: String, _ policies: [Policy], nowMilliseconds now: Int64) -> [Int64] {
    table.withLock { table in
      guard let entry = Self.granted(subject, table, now: now) else { return policies.map { _ in 0 } }
      return policies.map { Self.window($0, entry).ownUnits(since: now, policy: $0) }
    }
  }

  /// Whether anything that this process has granted to the subject by itself may count at `now`, whatever it has granted to others. False
  /// for nearly all: their policies are not looked at.
  func mayOwe(subject: String, nowMilliseconds now: Int64) -> Bool {
    table.withLock { Self.granted(subject, $0, now: now) != nil }
  }

  /// The entry of a subject to whom something was granted here that may still count; nil for any other.
  private static func granted(_ subject: String, _ table: Table, now: Int64) -> Entry? {
    guard now < table.ownUntil, let entry = table.entries[subject], now < entry.ownUntil else { return nil }
    return entry
  }

  /// Redis's word on one policy.
  struct Told {
    let charge: Charge
    /// After the call.
    let window: PackedWindow
  }

  /// Takes in Redis's answer to a question, and counts with it what this process has granted by itself meanwhile.
  /// - Parameters:
  ///   - redis: Redis's clock in the answer.
  ///   - asked: this process's clock when it counted for the question.
  /// - Returns: the outcome of each policy if anything was granted here, nil if Redis's word is the whole truth.
  func hear(
    subject: String, _ told: [Told], isTaken: Bool, redisMilliseconds redis: Int64, askedMilliseconds asked: Int64,
    nowMilliseconds now: Int64
  ) -> [Result]? {
    guard !told.isEmpty else { return nil }
    return table.withLock { table in
      table.tick += 1
      let tick = table.tick
      // In place: no copy of what is known of a subject is made for each answer.
      if table.entries[subject]?.hear(told, tick: tick, redisMilliseconds: redis, nowMilliseconds: now) == nil {
        var entry = Entry()
        entry.hear(told, tick: tick, redisMilliseconds: redis, nowMilliseconds: now)
        put(entry, subject, now: now, &table)
      }
      guard let entry = Self.granted(subject, table, now: asked) else { return nil }
      var isMixed = false
      let results = told.map { answer in
        let (charge, policy) = (answer.charge, answer.charge.policy)
        let own = Self.window(policy, entry).ownUnits(since: asked, policy: policy)
        if own > 0 { isMixed = true }
        let units = answer.window.returns(nowMilliseconds: redis, policy: policy).reduce(own) { $0 + $1.units }
        let verdict: PackedWindow.Verdict =
          policy.shadow || units + (isTaken ? 0 : charge.cost) <= charge.limit
          ? .passes : charge.cost > charge.limit ? .costExceedsLimit : .full
        // In Redis everybody's units are counted: no share of this process.
        let window = Self.window(policy, entry)
        let wide = charge.limit
        return Result(
          allowed: verdict == .passes, costExceedsLimit: verdict == .costExceedsLimit,
          standing: window.standing(
            now: now, policy: policy, limit: wide, share: wide, exceeded: policy.shadow ? units > wide : verdict != .passes),
          retryAfterSeconds: verdict == .full
            ? window.retryAfterSeconds(charge.cost, now: now, policy: policy, limit: wide, share: wide) : nil)
      }
      return isMixed ? results : nil
    }
  }

  /// How many subjects are kept.
  public var count: Int { table.withLock { $0.entries.count } }

  private func share(_ limit: Int64) -> Int64 { max(1, limit / processes) }

  private static func window(_ policy: Policy, _ entry: Entry) -> MixedWindow {
    entry.place(of: policy).map { entry.windows[$0].mixed } ?? MixedWindow()
  }

  private func put(_ entry: Entry, _ subject: String, now: Int64, _ table: inout Table) {
    if table.entries[subject] == nil, table.entries.count >= subjectsMax { makeRoom(&table, now: now) }
    table.tick += 1
    var entry = entry
    entry.usedAt = table.tick
    table.entries[subject] = entry
  }

  private func makeRoom(_ table: inout Table, now: Int64) {
    let room = max(1, subjectsMax / Self.dropShare)
    table.entries = table.entries.filter { entry in
      !entry.value.windows.allSatisfy { $0.mixed.isEmpty(now: now, policy: $0.policy) }
    }
    let excess = table.entries.count - (subjectsMax - room)
    guard excess > 0 else { return }
    for (name, _) in table.entries.sorted(by: { $0.value.usedAt < $1.value.usedAt }).prefix(excess) { table.entries[name] = nil }
  }
}
