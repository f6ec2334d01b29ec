import Dispatch
import Foundation
import GatehouseCrypto
import Synchronization
import TestSupport
import Testing

@Suite("The hash pool", .timeLimit(.minutes(1)))
struct HashPoolTests {
  private static var later: ContinuousClock.Instant { .now + .seconds(60) }

  /// Work that stands until it is let go, and tells when it has begun.
  private final class Latch: Sendable {
    private let release = DispatchSemaphore(value: 0)
    private let begun = Atomic<Int>(0)

    func stand() {
      begun.wrappingAdd(1, ordering: .sequentiallyConsistent)
      release.wait()
    }
    func open(_ count: Int = 1) { for _ in 0..<count { release.signal() } }
    func waitUntilBegun(_ count: Int = 1) async {
      while begun.load(ordering: .sequentiallyConsistent) < count, !Task.isCancelled { await Task.yield() }
    }
  }

  private final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    var value: Int { count.load(ordering: .sequentiallyConsistent) }
    func increase() { count.wrappingAdd(1, ordering: .sequentiallyConsistent) }
  }

  private func waitUntil(depth: Int, of pool: HashPool) async { while pool.depth != depth, !Task.isCancelled { await Task.yield() } }

  @Test("Work runs on a named thread of lower priority, and its answer comes back")
  func runs() async throws {
    let pool = HashPool(threads: 2)
    let (sum, name, niceness, scheduling) = try await pool.run(deadline: Self.later) {
      (
        6 * 7, try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8),
        getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0), try? String(contentsOfFile: "/proc/thread-self/sched", encoding: .utf8)
      )
    }
    #expect(sum == 42)
    #expect(name?.hasPrefix("hash-") == true)
    #expect(niceness >= 10)
    // From Linux 6.12 on.
    if let line = scheduling?.split(separator: "\n").first(where: { $0.hasPrefix("se.slice") }) {
      #expect(line.hasSuffix(" 20000000"), "\(line)")
    }
    #expect(getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0) < 10, "only the pool's own threads stand back")
    await pool.close()
  }

  @Test("A place is kept for one piece of work: it is nobody else's, it is enough, and it is given back when it is let go of")
  func places() async throws {
    let pool = HashPool(threads: 1, waitingMax: 2)
    let latch = Latch()
    async let first: Void = pool.run(deadline: Self.later) { latch.stand() }
    await latch.waitUntilBegun()
    var unused = pool.reserve()
    let place = try #require(pool.reserve())
    #expect(unused != nil && pool.isFull && pool.depth == 0)
    #expect(pool.reserve() == nil)
    await #expect(throws: HashPoolError.full) { try await pool.run(deadline: Self.later) { 0 } }
    async let second = pool.run(deadline: Self.later, in: place) { 2 }
    await waitUntil(depth: 1, of: pool)
    #expect(pool.isFull)
    unused = nil
    #expect(!pool.isFull)
    // It was spent, and is a place no more: this one takes the last.
    async let third = pool.run(deadline: Self.later, in: place) { 3 }
    await waitUntil(depth: 2, of: pool)
    await #expect(throws: HashPoolError.full) { try await pool.run(deadline: Self.later, in: place) { 4 } }
    latch.open()
    #expect(try await (second, third) == (2, 3))
    try await first
    #expect(!pool.isFull)
    await pool.close()
    #expect(pool.reserve() == nil)
  }

  @Test("Work for a thread that is free has room, however soon more of it comes")
  func capacity() async throws {
    let pool = HashPool(threads: 2, waitingMax: 1)
    #expect(pool.capacity == 3)
    var places = (0..<3).map { _ in pool.reserve() }
    #expect(places.allSatisfy { $0 != nil } && pool.reserve() == nil && pool.isFull)
    let latches = [Latch(), Latch()]
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (latch, place) in zip(latches, places) { group.addTask { try await pool.run(deadline: Self.later, in: place) { latch.stand() } } }
      for latch in latches { await latch.waitUntilBegun() }
      #expect(pool.isFull, "work that has begun takes room as well")
      places.removeAll()
      #expect(!pool.isFull)
      for latch in latches { latch.open() }
      try await group.waitForAll()
    }
    await pool.close()
  }

  @Test("A full queue refuses at once, and takes work again when there is room")
  func full() async throws {
    let pool = HashPool(threads: 1, waitingMax: 2)
    let latch = Latch()
    async let first: Void = pool.run(deadline: Self.later) { latch.stand() }
    await latch.waitUntilBegun()
    async let second = pool.run(deadline: Self.later) { 2 }
    async let third = pool.run(deadline: Self.later) { 3 }
    await waitUntil(depth: 2, of: pool)
    await #expect(throws: HashPoolError.full) { try await pool.run(deadline: Self.later) { _ = Issue.record("refused work was done") } }
    #expect(pool.depth == 2)
    latch.open()
    try await first
    let answers = try await [second, third, pool.run(deadline: Self.later) { 4 }]
    #expect(answers == [2, 3, 4])
    await pool.close()
  }

  @Test("Work is refused at its deadline though no thread comes free, and is not done later")
  func expired() async throws {
    let pool = HashPool(threads: 1)
    let latch = Latch()
    async let first: Void = pool.run(deadline: Self.later) { latch.stand() }
    await latch.waitUntilBegun()
    // The second waits longer than the first, the third less.
    async let patient: Void = pool.run(deadline: Self.later) {}
    await waitUntil(depth: 1, of: pool)
    for milliseconds in [60, 20] {
      let end = ContinuousClock.now + .milliseconds(milliseconds)
      await #expect(throws: HashPoolError.expired) { try await pool.run(deadline: end) { _ = Issue.record("expired work was done") } }
      #expect(ContinuousClock.now >= end)
    }
    #expect(pool.depth == 1)
    latch.open()
    try await first
    try await patient
    await pool.close()
  }

  @Test("A cancelled caller gets its answer at once and its place is free; work that has begun is finished")
  func cancelled() async throws {
    let pool = HashPool(threads: 1, waitingMax: 1)
    let latch = Latch()
    let begun = Task { try await pool.run(deadline: Self.later) { latch.stand() } }
    await latch.waitUntilBegun()
    let waiting = Task { try await pool.run(deadline: Self.later) { _ = Issue.record("cancelled work was done") } }
    await waitUntil(depth: 1, of: pool)
    waiting.cancel()
    await #expect(throws: HashPoolError.cancelled) { try await waiting.value }
    #expect(pool.depth == 0)
    begun.cancel()
    latch.open()
    try await begun.value
    await pool.close()
  }

  @Test("A caller that was cancelled before it came does not wait")
  func cancelledBefore() async throws {
    let pool = HashPool(threads: 1)
    let latch = Latch()
    async let first: Void = pool.run(deadline: Self.later) { latch.stand() }
    await latch.waitUntilBegun()
    let late = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      try await pool.run(deadline: Self.later) { _ = Issue.record("cancelled work was done") }
    }
    await #expect(throws: HashPoolError.cancelled) { try await late.value }
    latch.open()
    try await first
    await pool.close()
  }

  @Test("Closing does what waits, refuses what comes, and returns only then; again it returns at once")
  func close() async throws {
    let pool = HashPool(threads: 2, waitingMax: 4)
    let latch = Latch()
    let done = Counter()
    let call: @Sendable () async throws -> Void = {
      try await pool.run(deadline: Self.later) {
        latch.stand()
        done.increase()
      }
    }
    // The first two must be off the queue before four more fit in.
    var callers = (1...2).map { _ in Task(operation: call) }
    await latch.waitUntilBegun(2)
    callers += (1...4).map { _ in Task(operation: call) }
    await waitUntil(depth: 4, of: pool)
    let closing = Task {
      await pool.close()
      return done.value
    }
    // Until the pool is closed, the queue is full.
    while !Task.isCancelled {
      do throws(HashPoolError) {
        try await pool.run(deadline: Self.later) { _ = Issue.record("work was taken beyond the bound") }
      } catch {
        if error == .closed { break }
        #expect(error == .full)
      }
      await Task.yield()
    }
    latch.open(6)
    #expect(await closing.value == 6)
    for caller in callers { try await caller.value }
    await pool.close()
    await #expect(throws: HashPoolError.closed) { try await pool.run(deadline: Self.later) { 1 } }
  }

  @Test("1,000 callers on a small pool each get their own answer or a refusal, and none is lost", .asvs("15.4.3"))
  func storm() async {
    let pool = HashPool(threads: 2, waitingMax: 25)
    let worked = Counter()
    let (answered, refused) = await withTaskGroup(of: Bool.self) { group in
      for number in 1...1_000 {
        group.addTask {
          do throws(HashPoolError) {
            let answer = try await pool.run(deadline: Self.later) {
              worked.increase()
              return Digest256.sha256([UInt8](repeating: UInt8(number % 256), count: number))
            }
            #expect(answer == Digest256.sha256([UInt8](repeating: UInt8(number % 256), count: number)))
            return true
          } catch {
            #expect(error == .full)
            return false
          }
        }
      }
      return await group.reduce(into: (0, 0)) { counts, answered in if answered { counts.0 += 1 } else { counts.1 += 1 } }
    }
    #expect(answered + refused == 1_000)
    #expect(answered == worked.value)
    #expect(answered >= 1)
    await pool.close()
    #expect(pool.depth == 0)
  }

  @Test("A pool that is let go without closing ends its threads")
  func deinitialised() async throws {
    let before = try threads(named: "hash-lone")
    #expect(before == 0)
    var pool: HashPool? = HashPool(threads: 3)
    try await pool?.run(deadline: Self.later) {
      try? "hash-lone".write(toFile: "/proc/thread-self/comm", atomically: false, encoding: .utf8)
    }
    #expect(try threads(named: "hash-lone") == 1)
    pool = nil
    while try threads(named: "hash-lone") > 0, !Task.isCancelled { await Task.yield() }
  }

  private func threads(named name: String) throws -> Int {
    let tasks = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")
    return tasks.count { (try? String(contentsOfFile: "/proc/self/task/\($0)/comm", encoding: .utf8)) == "\(name)\n" }
  }
}
