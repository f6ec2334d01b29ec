import Dispatch
import Foundation
import Synchronization
import Threads

/// Why a pool did not do a piece of work.
public enum HashPoolError: Error, Sendable, Equatable {
  /// As much work waits as may wait.
  case full
  /// The deadline passed before a thread was free, and was said then; the work was not begun.
  case expired
  /// The calling task was cancelled before a thread was free; the work was not begun.
  case cancelled
  /// The pool is closed.
  case closed
}

/// Threads of its own for password hashing, which would hold up every request on an event loop or on Swift's own threads.
///
/// They run at a lower priority than the rest, and a bounded number of pieces of work waits for them, first come, first served.
public final class HashPool: Sendable {
  /// One core is left to the event loops.
  public static var threadsDefault: Int { max(1, ProcessInfo.processInfo.activeProcessorCount - 1) }
  /// Pieces of work that wait in a pool for which nothing else is said.
  public static let waitingMaxDefault = 25

  /// Pieces of work that are worked on or wait, at most.
  public let capacity: Int
  /// Pieces of work that are worked on at once; at least 1.
  public let threads: Int
  private let queue: HashQueue

  /// A pool with `threads` threads (at least one), where at most `waitingMax` pieces of work wait beside those that are worked on.
  public init(threads: Int = HashPool.threadsDefault, waitingMax: Int = HashPool.waitingMaxDefault) {
    let (threads, waitingMax) = (max(1, threads), max(0, waitingMax))
    self.threads = threads
    capacity = threads + waitingMax
    queue = HashQueue(capacity: capacity, threads: threads)
    for number in 1...threads {
      Thread.detachNewThread { [queue] in
        CurrentThread.setName("hash-\(number)")
        queue.serve()
      }
    }
  }

  deinit { queue.close(whenDrained: nil) }

  /// A place in the queue for one piece of work that will come; given back when it is let go of unused.
  public final class Place: Sendable {
    private let queue: HashQueue
    private let isSpent = Atomic(false)

    fileprivate init(in queue: HashQueue) { self.queue = queue }
    deinit { if spend() { queue.giveBack() } }

    /// Whether it was still there to be spent.
    fileprivate func spend() -> Bool { !isSpent.exchange(true, ordering: .relaxed) }
  }

  /// Keeps a place, so that what is done before the work is not done in vain; nil if the work would be refused.
  public func reserve() -> Place? { queue.reserve() ? Place(in: queue) : nil }

  /// Gives what `work` does, once a thread was free for it. Work that has begun is always brought to its end.
  /// - Parameters:
  ///   - place: spent by this; without one the work is refused if the queue is full.
  ///   - beyondCapacity: is taken even when the queue is full; the caller bounds how much of it there is.
  public func run<T: Sendable>(
    deadline: ContinuousClock.Instant, in place: Place? = nil, beyondCapacity: Bool = false, _ work: @escaping @Sendable () -> T
  ) async throws(HashPoolError) -> T {
    let number = queue.nextNumber()
    let isReserved = place?.spend() ?? false
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Result<T, HashPoolError>, Never>) in
        let item = HashQueue.Item(number: number, deadline: deadline) { refusal in
          continuation.resume(returning: refusal.map(Result.failure) ?? .success(work()))
        }
        if let refusal = queue.add(item, isReserved: isReserved, beyondCapacity: beyondCapacity) {
          return continuation.resume(returning: .failure(refusal))
        }
        // The handler found nothing to withdraw if the task was cancelled before the work was in the queue.
        if Task.isCancelled { queue.withdraw(number) }
      }
    } onCancel: {
      queue.withdraw(number)
    }
    return try result.get()
  }

  /// Pieces of work that wait for a thread; places that are kept are not among them.
  public var depth: Int { queue.depth }

  /// Whether a piece of work would be refused now.
  public var isFull: Bool { queue.isFull }

  /// Takes no more work, does what waits, and returns when the threads are done. May be called more than once.
  public func close() async { await withCheckedContinuation { continuation in queue.close { continuation.resume() } } }
}

/// The work that waits, and the loop that each thread runs.
private final class HashQueue: Sendable {
  struct Item: Sendable {
    let number: UInt64
    let deadline: ContinuousClock.Instant
    /// Called exactly once: with a refusal, or with nil to do the work on the calling thread.
    let finish: @Sendable (HashPoolError?) -> Void
  }

  private struct State {
    var waiting: [Item] = []
    /// Places that are kept for work to come.
    var reserved = 0
    /// Pieces of work that threads have taken.
    var working = 0
    var threads: Int
    var isClosed = false
    /// The first deadline at which somebody comes and looks for work that has waited too long.
    var watched: ContinuousClock.Instant?
    var whenDrained: [@Sendable () -> Void] = []
  }

  /// The threads' nice value: the others of the process, at 0 as a rule, go first.
  private static let niceness: Int32 = 15
  /// So that whoever wakes takes the core at once, in place of waiting for it at each of a request's steps.
  private static let sliceNanoseconds: UInt64 = 20_000_000

  private let capacity: Int
  private let state: Mutex<State>
  private let numbers = Atomic<UInt64>(0)
  /// Raised for each item and for each thread at the end; a thread that finds nothing to do waits again.
  private let signals = DispatchSemaphore(value: 0)

  init(capacity: Int, threads: Int) {
    self.capacity = capacity
    state = Mutex(State(threads: threads))
  }

  var depth: Int { state.withLock { $0.waiting.count } }

  var isFull: Bool { state.withLock { isFull($0) } }

  /// Work that no thread has taken yet, though one is free, takes a thread's place, not one of those that wait.
  private func isFull(_ state: State) -> Bool {
    state.isClosed || state.waiting.count + state.reserved + state.working >= capacity
  }

  /// Whether a place was left.
  func reserve() -> Bool {
    state.withLock { state in
      guard !isFull(state) else { return false }
      state.reserved += 1
      return true
    }
  }

  func giveBack() { state.withLock { $0.reserved -= 1 } }

  func nextNumber() -> UInt64 { numbers.wrappingAdd(1, ordering: .relaxed).newValue }

  /// nil if the item was taken; else why not, and its `finish` is not called.
  func add(_ item: Item, isReserved: Bool, beyondCapacity: Bool) -> HashPoolError? {
    let (refusal, mustWatch): (HashPoolError?, Bool) = state.withLock { state in
      if isReserved { state.reserved -= 1 }
      if state.isClosed { return (.closed, false) }
      if !beyondCapacity, isFull(state) { return (.full, false) }
      state.waiting.append(item)
      if let watched = state.watched, watched <= item.deadline { return (nil, false) }
      state.watched = item.deadline
      return (nil, true)
    }
    if refusal == nil { signals.signal() }
    if mustWatch { watch(until: item.deadline) }
    return refusal
  }

  /// Comes back at a deadline, whatever the threads do: they may have no core to run on, and nobody waits longer than they said.
  private func watch(until deadline: ContinuousClock.Instant) {
    let wait = max(.zero, ContinuousClock.now.duration(to: deadline)) / .seconds(1)
    DispatchQueue.global().asyncAfter(deadline: .now() + wait) { [weak self] in self?.expire() }
  }

  private func expire() {
    let now = ContinuousClock.now
    let (late, next) = state.withLock { state in
      let late = state.waiting.filter { $0.deadline <= now }
      state.waiting.removeAll { $0.deadline <= now }
      state.watched = state.waiting.map(\.deadline).min()
      return (late, state.watched)
    }
    if let next { watch(until: next) }
    for item in late { item.finish(.expired) }
  }

  /// Frees the place of an item whose caller has gone; nothing happens once a thread has it.
  func withdraw(_ number: UInt64) {
    let item = state.withLock { state in
      state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0) }
    }
    item?.finish(.cancelled)
  }

  func close(whenDrained: (@Sendable () -> Void)?) {
    let (threads, isDrained) = state.withLock { state in
      state.isClosed = true
      if state.threads > 0, let whenDrained { state.whenDrained.append(whenDrained) }
      return (state.threads, state.threads == 0)
    }
    for _ in 0..<threads { signals.signal() }
    if isDrained { whenDrained?() }
  }

  func serve() {
    CurrentThread.standBack(niceness: Self.niceness, sliceNanoseconds: Self.sliceNanoseconds)
    while let item = next() {
      item.finish(item.deadline <= ContinuousClock.now ? .expired : nil)
      state.withLock { $0.working -= 1 }
    }
    let whenDrained = state.withLock { state in
      state.threads -= 1
      return state.threads == 0 ? state.whenDrained : []
    }
    for call in whenDrained { call() }
  }

  /// The next item, nil when the queue is closed and empty.
  private func next() -> Item? {
    while true {
      signals.wait()
      let (item, isOver) = state.withLock { state in
        let item = state.waiting.isEmpty ? nil : state.waiting.removeFirst()
        if item != nil { state.working += 1 }
        return (item, item == nil && state.isClosed)
      }
      if item != nil || isOver { return item }
    }
  }
}
