import Synchronization

/// Rate windows in this process, for the time that Redis is away. A bounded number of subjects: when full, the one that was
/// counted longest ago goes.
public final class LocalWindow: Sendable {
  /// One check's outcome.
  public struct Result: Sendable {
    public let allowed: Bool
    public let costExceedsLimit: Bool
    public let standing: PolicyStanding
    public let retryAfterSeconds: Int?
  }

  private struct Entry {
    var window: PackedWindow
    var usedAt: UInt64
  }

  private struct Table {
    var entries: [String: Entry] = [:]
    var tick: UInt64 = 0
  }

  public static let subjectsMax = 100_000
  /// When the table is full this share of it, the least recently counted, is dropped at once: no scan per call.
  private static let dropShare = 8

  private let processes: Int64
  private let subjectsMax: Int
  private let table = Mutex(Table())

  /// - Parameter processes: how many processes share the limits; each allows `max(1, limit / processes)`.
  public init(processes: Int, subjectsMax: Int = LocalWindow.subjectsMax) {
    self.processes = Int64(max(1, processes))
    self.subjectsMax = subjectsMax
  }

  /// One policy of a call, and what the call costs.
  struct Charge {
    let policy: Policy
    let limit: Int64
    let cost: Int64
  }

  /// Checks `cost` units of a policy for a subject and, unless `peek` or refused, takes them.
  public func check(subject: String, policy: Policy, limit: Int64, cost: Int64, nowMilliseconds now: Int64, peek: Bool) -> Result {
    table.withLock { take(Charge(policy: policy, limit: limit, cost: cost), of: subject, now: now, peek: peek, &$0) }
  }

  /// Checks all policies of a call and, unless `peek` or one refuses, takes all their costs: nobody comes between the two.
  func checkAll(subject: String, _ charges: [Charge], nowMilliseconds now: Int64, peek: Bool) -> [Result] {
    table.withLock { table in
      let seen = charges.map { take($0, of: subject, now: now, peek: true, &table) }
      guard !peek, seen.allSatisfy(\.allowed) else { return seen }
      return charges.map { take($0, of: subject, now: now, peek: false, &table) }
    }
  }

  private func take(_ charge: Charge, of subject: String, now: Int64, peek: Bool, _ table: inout Table) -> Result {
    let policy = charge.policy
    let share = max(1, charge.limit / processes)
    let name = "\(policy.fieldName) \(subject)"
    table.tick += 1
    var window = table.entries[name]?.window ?? PackedWindow()
    let admits = window.admits(charge.cost, nowMilliseconds: now, policy: policy, limit: share)
    let verdict = window.check(charge.cost, nowMilliseconds: now, policy: policy, limit: policy.shadow ? nil : share, peek: peek)
    if verdict == .passes, !peek {
      if table.entries[name] == nil, table.entries.count >= subjectsMax { Self.makeRoom(&table, subjectsMax) }
      table.entries[name] = Entry(window: window, usedAt: table.tick)
    }
    // More than this process's share, but not more than the limit: it passes once Redis is back.
    let waits = verdict == .costExceedsLimit && charge.cost <= charge.limit
    return Result(
      allowed: verdict == .passes, costExceedsLimit: verdict == .costExceedsLimit && !waits,
      standing: window.standing(nowMilliseconds: now, policy: policy, limit: share, exceeded: !admits),
      retryAfterSeconds: waits
        ? Int(policy.windowSeconds)
        : verdict == .full ? window.retryAfterSeconds(charge.cost, nowMilliseconds: now, policy: policy, limit: share) : nil)
  }

  /// How many windows are kept.
  public var count: Int { table.withLock { $0.entries.count } }

  private static func makeRoom(_ table: inout Table, _ subjectsMax: Int) {
    let oldest = table.entries.sorted { $0.value.usedAt < $1.value.usedAt }.prefix(max(1, subjectsMax / dropShare))
    for (name, _) in oldest { table.entries[name] = nil }
  }
}
