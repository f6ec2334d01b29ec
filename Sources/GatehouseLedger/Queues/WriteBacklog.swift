/// The writes that wait for the writer, and what follows from them: who is refused, what is taken next, when to look again. It knows no
/// thread, lock or clock; every instant is given.
struct WriteBacklog<Item> {
  /// An operation, and when its caller came.
  struct Entry {
    let item: Item
    let since: ContinuousClock.Instant
  }

  /// Those that have waited too long.
  struct Late {
    let items: [Item]
    /// The answer that they get.
    let failure: LedgerFailure
    /// Whether the writer was not known to be stuck before.
    let isFirst: Bool
    /// When to look again; nil when nobody waits.
    let lookAgain: Duration?
  }

  let depthMax: Int
  let batchMax: Int
  /// A caller who has waited this long for the writer is refused; nothing happened then.
  let waitMax: Duration

  private var waiting: [Entry] = []
  /// Since when the writer has let callers wait too long: until it goes on, nobody else need wait.
  private var stuckSince: ContinuousClock.Instant?
  /// Whether the last try found the file held by another program.
  private var isBusy = false
  private var isWatched = false
  /// Whether the writer is at work, or called to it.
  private(set) var isDraining = false
  /// Whether the writer was let in and has not come round since: its callers may wait for their answers, and behind them it still holds the
  /// lock for a moment.
  private var isInside = false
  /// Whether the writer goes round once more even if nobody waits, and whether it will be called to.
  private var isWanted = false
  private var isCalled = false
  private(set) var isClosed = false

  init(depthMax: Int, batchMax: Int, waitMax: Duration) {
    self.depthMax = depthMax
    self.batchMax = batchMax
    self.waitMax = waitMax
  }

  var depth: Int { waiting.count }

  /// Whether no more is taken, all that was is answered, and the writer has come out.
  var isOver: Bool { isClosed && waiting.isEmpty && !isInside }

  /// Takes an operation. Throws `closed`, `overloaded` or `busy`. Gives whether the writer must be begun, and in how long to look for
  /// those that have waited too long, if nobody looks yet.
  mutating func add(_ item: Item, at now: ContinuousClock.Instant) throws(LedgerFailure) -> (begins: Bool, look: Duration?) {
    guard !isClosed else { throw LedgerFailure(.closed) }
    guard stuckSince == nil else { throw waitedTooLong }
    guard waiting.count < depthMax else { throw LedgerFailure(.overloaded) }
    waiting.append(Entry(item: item, since: now))
    defer { isDraining = true }
    return (!isDraining, nextLook(at: now))
  }

  /// Refuses those that have waited too long. Another process that holds the writer's lock and does nothing, being stopped or stuck at
  /// its disk, must not hang the calls of this one.
  mutating func refuseLate(at now: ContinuousClock.Instant) -> Late {
    let late = waiting.prefix { $0.since.duration(to: now) >= waitMax }
    waiting.removeFirst(late.count)
    let isFirst = !late.isEmpty && stuckSince == nil
    if isFirst { stuckSince = late.first?.since }
    isWatched = false
    return Late(items: late.map(\.item), failure: waitedTooLong, isFirst: isFirst, lookAgain: nextLook(at: now))
  }

  /// In how long to look for those that have waited too long; nil if nobody waits, or somebody looks already.
  mutating func nextLook(at now: ContinuousClock.Instant) -> Duration? {
    guard !isWatched, let first = waiting.first else { return nil }
    isWatched = true
    return max(waitMax - first.since.duration(to: now), .zero)
  }

  /// The next batch, which the writer now has.
  mutating func take() -> [Entry] {
    let batch = Array(waiting.prefix(batchMax))
    waiting.removeFirst(batch.count)
    isInside = true
    return batch
  }

  /// The writer has written; `left` wait on, before all others. Gives since when it had been stuck, if it was.
  mutating func wrote(_ left: ArraySlice<Entry>) -> ContinuousClock.Instant? {
    putBack(left)
    isBusy = false
    defer { stuckSince = nil }
    return stuckSince
  }

  /// Another program holds the file: `batch` waits on, and the writer tries until it lets go.
  mutating func isHeld(_ batch: [Entry]) {
    putBack(batch[...])
    isBusy = true
    isWanted = true
  }

  /// Whether the writer has something to do; if not it is at rest.
  mutating func goesOn() -> Bool {
    isInside = false
    let isWanted = isWanted && !isClosed
    self.isWanted = false
    guard waiting.isEmpty, !isWanted else { return true }
    isDraining = false
    return false
  }

  /// Whether the writer is to be called for an empty batch later: nobody has seen to that yet.
  mutating func callsLater() -> Bool {
    defer { isCalled = true }
    return !isCalled
  }

  /// It is later. Whether the writer must be begun.
  mutating func isCalledNow() -> Bool {
    isCalled = false
    guard !isClosed else { return false }
    isWanted = true
    defer { isDraining = true }
    return !isDraining
  }

  /// Takes nothing from now on.
  mutating func close() { isClosed = true }

  /// Takes nothing from now on, and gives up all that waits: nothing may be committed after a commit whose outcome is unknown.
  mutating func stop() -> [Item] {
    isClosed = true
    isDraining = false
    isInside = false
    defer { waiting = [] }
    return waiting.map(\.item)
  }

  private var waitedTooLong: LedgerFailure { LedgerFailure(isBusy ? .busy : .overloaded) }

  private mutating func putBack(_ entries: ArraySlice<Entry>) {
    waiting.insert(contentsOf: entries, at: 0)
  }
}

extension WriteBacklog: Sendable where Item: Sendable {}
extension WriteBacklog.Entry: Sendable where Item: Sendable {}
