import NIOCore
import TestSupport
import Testing

@testable import RedisClient

extension PendingReplies.Answer: Equatable where Caller: Equatable {
  public static func == (one: Self, other: Self) -> Bool {
    switch (one, other) {
    case (.caller(let a), .caller(let b)), (.late(let a), .late(let b)): a == b
    case (.dropped, .dropped), (.nobody, .nobody): true
    default: false
    }
  }
}

private func at(_ milliseconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .milliseconds(milliseconds) }

@Suite("Pending replies")
struct PendingRepliesTests {
  private var pending = PendingReplies<Int>(countMax: 3, stallLimit: .milliseconds(1_000), deadline: .milliseconds(50))

  @Test("Replies go to callers in their order; one too many is nobody's")
  mutating func order() {
    for caller in 1...3 { pending.append(caller, now: at(0), deadline: at(50)) }
    #expect(pending.isFull)
    for caller in 1...3 { #expect(pending.answered(now: at(1)) == .caller(caller)) }
    #expect(pending.isEmpty)
    #expect(pending.answered(now: at(1)) == .nobody)
  }

  @Test("A caller that has given up keeps its place, and its reply is dropped")
  mutating func dropped() {
    pending.append(1, now: at(0), deadline: at(50))
    pending.append(2, now: at(20), deadline: at(70))
    #expect(pending.nextLook == at(50))
    #expect(pending.expire(now: at(49)) == [])
    #expect(pending.expire(now: at(50)) == [1])
    #expect(pending.isOverdue)
    #expect(pending.nextLook == at(70))
    #expect(pending.answered(now: at(60)) == .dropped)
    #expect(!pending.isOverdue)
    #expect(pending.answered(now: at(61)) == .caller(2))
  }

  @Test("A reply after the deadline is never used, even if no timer has rung")
  mutating func late() {
    pending.append(1, now: at(0), deadline: at(50))
    #expect(pending.answered(now: at(50)) == .late(1))
    #expect(!pending.isOverdue)
  }

  @Test("A burst that is answered in one read says how long each answer took, and not how long the way was")
  func burst() {
    var pending = PendingReplies<Int>(countMax: 8_192, stallLimit: .seconds(1), deadline: .milliseconds(50))
    var now = NIODeadline.uptimeNanoseconds(0)
    for _ in 0..<20 {
      for caller in 0..<Pace.busyCount { pending.append(caller, now: now, deadline: now + .seconds(1)) }
      now = now + .milliseconds(3)
      for _ in 0..<Pace.busyCount { _ = pending.answered(now: now) }
      now = now + .milliseconds(1)
    }
    // Some 94 microseconds each.
    #expect((250...280).contains(pending.room), "\(pending.room)")
  }

  @Test(
    "No more is taken than can be answered within half a deadline, by how fast the last answers were", arguments: [20, 100, 1_000, 5_000])
  func pace(microsecondsEach: Int64) {
    var pending = PendingReplies<Int>(countMax: 8_192, stallLimit: .seconds(1), deadline: .milliseconds(50))
    var now = NIODeadline.uptimeNanoseconds(0)
    // Answers that come one by one say nothing: the way takes most of their time.
    for caller in 0..<100 {
      pending.append(caller, now: now, deadline: now + .seconds(1))
      now = now + .milliseconds(5)
      _ = pending.answered(now: now)
    }
    #expect(!pending.isFull)
    for caller in 0..<500 { pending.append(caller, now: now, deadline: now + .seconds(10)) }
    // Ten answers a read.
    for _ in 0..<40 {
      now = now + .microseconds(10 * microsecondsEach)
      for _ in 0..<10 { _ = pending.answered(now: now) }
    }
    var count = 100
    while !pending.isFull, count < 8_192 {
      pending.append(0, now: now, deadline: now + .seconds(10))
      count += 1
    }
    let fits = Int(25_000 / microsecondsEach)
    if fits < 100 {
      #expect(pending.isFull && count == 100)
    } else {
      #expect((fits * 9 / 10...fits * 11 / 10 + 1).contains(count), "\(count)")
    }
  }

  @Test("A repeated command keeps its earlier deadline behind later ones")
  mutating func repeated() {
    pending.append(1, now: at(10), deadline: at(60))
    pending.append(2, now: at(40), deadline: at(50))
    #expect(pending.expire(now: at(55)) == [])
    #expect(pending.expire(now: at(60)) == [1, 2])
  }

  @Test("The oldest command decides when the connection has stalled")
  mutating func stalled() {
    #expect(!pending.isStalled(now: at(9_999)))
    pending.append(1, now: at(0), deadline: at(50))
    #expect(pending.expire(now: at(50)) == [1])
    #expect(pending.nextLook == at(1_000))
    #expect(!pending.isStalled(now: at(999)))
    #expect(pending.isStalled(now: at(1_000)))
  }

  @Test("The end of the connection reaches exactly those who still wait")
  mutating func ended() {
    for caller in 1...3 { pending.append(caller, now: at(0), deadline: at(50 * Int64(caller))) }
    #expect(pending.expire(now: at(50)) == [1])
    #expect(pending.removeAll() == [2, 3])
    #expect(pending.isEmpty && !pending.isOverdue && pending.nextLook == nil)
  }

  @Test("Any history of sends, replies and time answers every caller exactly once, in order")
  func histories() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    for _ in 0..<500 {
      var pending = PendingReplies<Int>(countMax: 1_000, stallLimit: .milliseconds(1_000), deadline: .seconds(10))
      var now: Int64 = 0
      var sent = 0
      var replied = 0
      var told: [Int] = []
      for _ in 0..<100 {
        switch Int.random(in: 0..<4, using: &random) {
        case 0, 1:
          pending.append(sent, now: at(now), deadline: at(now + 50))
          sent += 1
        case 2 where replied < sent:
          switch pending.answered(now: at(now)) {
          case .caller(let caller), .late(let caller):
            #expect(caller == replied, "seed \(seed)")
            told.append(caller)
          case .dropped: #expect(told.contains(replied), "seed \(seed)")
          case .nobody: Issue.record("a place is lost, seed \(seed)")
          }
          replied += 1
        default:
          now += Int64.random(in: 0...40, using: &random)
          told += pending.expire(now: at(now))
        }
      }
      told += pending.removeAll()
      #expect(told == Array(0..<sent), "seed \(seed)")
    }
  }
}
