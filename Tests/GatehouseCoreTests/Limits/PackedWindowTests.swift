import Testing

@testable import GatehouseCore

@Suite("The packed window")
struct PackedWindowTests {
  private static let start: Int64 = 1_795_600_800_000

  private func policy(_ seconds: Int64 = 60, cells: Int64 = 60) -> Policy {
    Policy(name: "p", by: .user, windowSeconds: seconds, cells: cells, limits: PlanLimits(10))
  }

  private func window(_ takes: [(at: Int64, cost: Int64)], _ policy: Policy) -> PackedWindow {
    var window = PackedWindow()
    for take in takes {
      #expect(window.check(take.cost, nowMilliseconds: Self.start + take.at, policy: policy, limit: nil, peek: false) == .passes)
    }
    return window
  }

  @Test("The stored form is a total and pairs of cell and count, little-endian, and reads back")
  func form() {
    let window = window([(0, 3), (999, 1), (1_000, 258)], policy())
    let cell = UInt32(truncatingIfNeeded: Self.start / 1_000)
    let words: [UInt32] = [262, cell, 4, cell &+ 1, 258]
    #expect(window.bytes == words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } })
    #expect(PackedWindow(bytes: window.bytes) == window)
  }

  @Test("Bytes of no whole number of cells are an empty window", arguments: [0, 1, 4, 8, 11, 13, 16, 19] as [Int])
  func halves(_ count: Int) {
    #expect(PackedWindow(bytes: [UInt8](repeating: 1, count: count)) == PackedWindow())
  }

  @Test("Bytes that no window wrote never trap, and their units end with the last cell")
  func damaged() {
    for bytes in [
      [UInt8](repeating: 0xff, count: 28), [UInt8](repeating: 0, count: 20), [1, 0, 0, 0] + [UInt8](repeating: 0xff, count: 16),
      [0xff, 0xff, 0xff, 0xff] + [UInt8](repeating: 0, count: 16),
    ] {
      for at in [0, 1, 60_000, 4_000_000_000_000] as [Int64] {
        var window = PackedWindow(bytes: bytes)
        _ = window.standing(nowMilliseconds: at, policy: policy(), limit: 10, exceeded: false)
        _ = window.retryAfterSeconds(1, nowMilliseconds: at, policy: policy(), limit: 10)
        _ = window.check(1, nowMilliseconds: at, policy: policy(), limit: 10, peek: false)
      }
      #expect(PackedWindow(bytes: bytes).admits(10, nowMilliseconds: Self.start, policy: policy(), limit: 10))
    }
  }

  @Test("A refused call and a peek leave the window as it was")
  func untouched() {
    var window = window([(0, 8)], policy())
    let before = window
    #expect(window.check(3, nowMilliseconds: Self.start + 70_000, policy: policy(), limit: 2, peek: false) == .costExceedsLimit)
    #expect(window.check(3, nowMilliseconds: Self.start, policy: policy(), limit: 10, peek: false) == .full)
    #expect(window.check(2, nowMilliseconds: Self.start, policy: policy(), limit: 10, peek: true) == .passes)
    #expect(window == before)
  }

  @Test("Remaining grows when the oldest cell is over, retry names when this cost fits")
  func waiting() {
    let window = window([(0, 2), (10_000, 3), (20_000, 5)], policy())
    let now = Self.start + 20_500
    let standing = window.standing(nowMilliseconds: now, policy: policy(), limit: 10, exceeded: true)
    #expect(standing.remaining == 0 && standing.resetSeconds == 41)
    let waits = [1, 2, 3, 5, 6, 10, 11].map { window.retryAfterSeconds($0, nowMilliseconds: now, policy: policy(), limit: 10) }
    #expect(waits == [41, 41, 51, 51, 61, 61, nil])
    #expect(window.retryAfterSeconds(1, nowMilliseconds: now, policy: policy(), limit: 11) == 0)
  }

  @Test("After the last unit all is left and there is nothing to wait for")
  func empty() {
    let window = window([(0, 10)], policy())
    let later = window.standing(nowMilliseconds: Self.start + 61_000, policy: policy(), limit: 10, exceeded: false)
    #expect(later.remaining == 10 && later.resetSeconds == 0)
  }

  @Test("Units above a limit that was lowered are not negative, and the reset waits until some are left")
  func lowered() {
    let window = window([(0, 4), (10_000, 4), (20_000, 2)], policy())
    let standing = window.standing(nowMilliseconds: Self.start + 20_000, policy: policy(), limit: 5, exceeded: true)
    #expect(standing.remaining == 0 && standing.resetSeconds == 51)
    let none = window.standing(nowMilliseconds: Self.start + 20_000, policy: policy(), limit: 0, exceeded: true)
    #expect(none.remaining == 0 && none.resetSeconds == 0)
  }

  @Test("Cell numbers begin anew at 2^32 without a unit lost or minted")
  func wrap() {
    let wrap = (Int64(1) << 32) * 1_000
    var window = PackedWindow()
    for offset in [-2_000, -1_000, 0, 1_000] as [Int64] {
      #expect(window.check(2, nowMilliseconds: wrap + offset, policy: policy(), limit: 8, peek: false) == .passes)
    }
    #expect(window.check(1, nowMilliseconds: wrap + 58_999, policy: policy(), limit: 8, peek: false) == .full)
    #expect(window.check(2, nowMilliseconds: wrap + 59_000, policy: policy(), limit: 8, peek: false) == .passes)
  }

  @Test("Without a limit the total ends at its largest value and nothing traps")
  func saturated() {
    let window = window([(0, 4_294_967_290), (500, 4_294_967_290), (1_000, 7), (2_000, Int64.max)], policy())
    #expect(window.total == UInt32.max)
    #expect(PackedWindow(bytes: window.bytes) == window)
    #expect(window.admits(5, nowMilliseconds: Self.start + 63_000, policy: policy(), limit: 5))
  }

  @Test("Another window or other cells are another field, another limit is not")
  func fields() {
    let names = [policy(60), policy(61), policy(60, cells: 250)].map(\.fieldName)
    #expect(names == ["p.60.60", "p.61.60", "p.60.250"])
    #expect(Policy(name: "p", by: .user, windowSeconds: 60, cells: 60, limits: PlanLimits(99)).fieldName == names[0])
  }
}
