import GatehouseCore
import Testing

/// A judge that can be asked within an expectation.
@dynamicMemberLookup private final class Judge {
  private var judge: ClockJudge
  init(_ judge: ClockJudge) { self.judge = judge }
  subscript<T>(dynamicMember path: KeyPath<ClockJudge, T>) -> T { judge[keyPath: path] }
  func heard(_ redis: Int64, at boot: Int64) -> Bool { judge.heard(redisMilliseconds: redis, at: boot) }
  func saw(_ host: Int64, at boot: Int64) { judge.saw(hostMilliseconds: host, at: boot) }
  func atLeast(_ stamp: Int64, at boot: Int64) { judge.atLeast(ledgerMilliseconds: stamp, at: boot) }
  func resume(_ line: ClockJudge.Line, quietUntil: Int64, at boot: Int64) {
    judge.resume(line, quietUntilMilliseconds: quietUntil, at: boot)
  }
  func now(at boot: Int64) -> Int64 { judge.now(at: boot) }
  func isQuiet(at boot: Int64) -> Bool { judge.isQuiet(at: boot) }
  func agreedLine(at boot: Int64) -> ClockJudge.Line? { judge.agreedLine(at: boot) }
}

/// Readings of clocks that lie, at times that the test makes.
@Suite("The judge of clocks")
struct ClockJudgeTests {
  private static let start: Int64 = 1_795_608_000_000
  private static let boot: Int64 = 50_000
  private static let hour: Int64 = 3_600_000
  private static let day = 24 * hour
  /// How far clocks are moved.
  static let jumps = [-3 * day, -2 * day, -day, -hour, hour, day, 3 * day, 10 * day]

  private func judge(wall: Int64, boot: Int64) -> Judge { Judge(ClockJudge(wallMilliseconds: wall, boot: boot)) }

  /// A judge that has believed Redis at `start`.
  private func agreed() -> Judge {
    let judge = self.judge(wall: Self.start, boot: Self.boot)
    #expect(judge.heard(Self.start, at: Self.boot))
    return judge
  }

  @Test("Redis's time is the time, carried on by the boot-time clock")
  func carriedOn() {
    let judge = agreed()
    #expect(judge.now(at: Self.boot + 700) == Self.start + 700)
    #expect(judge.heard(Self.start + 1_020, at: Self.boot + 1_000), "jitter is no jump")
    #expect(judge.now(at: Self.boot + 2_000) == Self.start + 2_020)
    #expect(!judge.isAlarmed && !judge.isQuiet(at: Self.boot + 2_000))
  }

  @Test("A jump is an alarm: time goes on without it, nothing is removed, and Redis is believed when it agrees again", arguments: jumps)
  func jump(by offset: Int64) {
    let judge = agreed()
    for second in 1...60 as ClosedRange<Int64> {
      let boot = Self.boot + second * 1_000
      #expect(!judge.heard(Self.start + second * 1_000 + offset, at: boot))
      #expect(judge.isAlarmed && judge.isQuiet(at: boot) && judge.now(at: boot) == Self.start + second * 1_000)
      #expect(judge.redisOffsetMilliseconds == offset && judge.agreedLine(at: boot) == nil)
    }
    let back = Self.boot + 61_000
    #expect(!judge.heard(Self.start + 61_000, at: back), "one good reading is not enough")
    #expect(judge.heard(Self.start + 63_000, at: back + 2_000))
    #expect(!judge.isAlarmed && judge.isQuiet(at: back + 2_000) && !judge.isQuiet(at: back + 2_000 + 600_000))
  }

  @Test("Of two connections that differ, the one that jumped keeps the alarm up")
  func connections() {
    let judge = agreed()
    for second in 1...30 as ClosedRange<Int64> {
      let (now, boot) = (Self.start + second * 1_000, Self.boot + second * 1_000)
      #expect(judge.heard(now, at: boot) == (second == 1))
      #expect(!judge.heard(now - Self.day, at: boot))
      #expect(judge.isAlarmed && judge.now(at: boot) == now)
    }
  }

  @Test("Many steps that each are small add up to an alarm")
  func creep() {
    let judge = agreed()
    var refused = false
    for step in 1...60 as ClosedRange<Int64> {
      refused = refused || !judge.heard(Self.start + step * 9_000, at: Self.boot + step * 100)
    }
    #expect(refused && judge.now(at: Self.boot + 6_000) < Self.start + 30_000)
  }

  @Test("Clocks that drift as clocks do are believed for a month")
  func drift() {
    let judge = agreed()
    for minute in 1...43_200 as ClosedRange<Int64> {
      let passed = minute * 60_000
      // 500 ppm is the most that ntpd turns a clock by.
      let isBelieved = judge.heard(Self.start + passed + passed / 2_000, at: Self.boot + passed)
      guard isBelieved else {
        Issue.record("not believed after \(minute) minutes")
        return
      }
    }
  }

  @Test("The host's clock moves nothing once time goes on, and is told", arguments: jumps)
  func host(by offset: Int64) {
    let judge = agreed()
    judge.saw(Self.start + 1_000 + offset, at: Self.boot + 1_000)
    #expect(judge.isHostWrong && !judge.isAlarmed && judge.now(at: Self.boot + 1_000) == Self.start + 1_000)
    #expect(judge.heard(Self.start + 1_100, at: Self.boot + 1_100))
  }

  @Test("Before Redis is heard the host's clock counts once: later steps of it move nothing", arguments: jumps)
  func hostAlone(by offset: Int64) {
    let judge = self.judge(wall: Self.start, boot: Self.boot)
    judge.atLeast(Self.start - 60_000, at: Self.boot)
    judge.saw(Self.start + 1_000 + offset, at: Self.boot + 1_000)
    #expect(judge.now(at: Self.boot + 1_000) == Self.start + 1_000)
  }

  @Test(
    "A host that starts with a wrong clock goes on from the ledger's newest stamp, and from its clock once that is right", arguments: jumps)
  func wrongHostAtStart(by offset: Int64) {
    let judge = self.judge(wall: Self.start + offset, boot: Self.boot)
    let stamp = Self.start - 60_000
    judge.atLeast(stamp, at: Self.boot)
    // An hour ahead could be an hour without the service.
    guard abs(offset + 60_000) > Self.hour + 60_000 else { return }
    #expect(judge.now(at: Self.boot + 500) == stamp + 500)
    judge.saw(Self.start + 1_000, at: Self.boot + 1_000)
    #expect(judge.now(at: Self.boot + 1_000) == Self.start + 1_000)
  }

  @Test("At a start Redis is believed unless it is behind the ledger or ahead of the host", arguments: jumps)
  func redisAtStart(by offset: Int64) {
    let judge = self.judge(wall: Self.start, boot: Self.boot)
    judge.atLeast(Self.start - 60_000, at: Self.boot)
    #expect(!judge.heard(Self.start + offset, at: Self.boot))
    #expect(judge.isAlarmed && judge.now(at: Self.boot) == Self.start)
    #expect(judge.heard(Self.start + 100, at: Self.boot + 100), "the first that agrees is the line")

    let other = self.judge(wall: Self.start + offset, boot: Self.boot)
    other.atLeast(Self.start - 60_000, at: Self.boot)
    #expect(other.heard(Self.start, at: Self.boot), "a host alone that is wrong is no reason")
    #expect(other.now(at: Self.boot) == Self.start)
  }

  @Test("Both clocks behind the ledger are not believed; both far ahead are, and nothing is removed for a day")
  func bothAtStart() {
    let behind = judge(wall: Self.start - Self.day, boot: Self.boot)
    behind.atLeast(Self.start, at: Self.boot)
    #expect(!behind.heard(Self.start - Self.day, at: Self.boot))
    #expect(behind.now(at: Self.boot + 5) == Self.start + 5)

    let ahead = judge(wall: Self.start + 10 * Self.day, boot: Self.boot)
    ahead.atLeast(Self.start, at: Self.boot)
    #expect(ahead.heard(Self.start + 10 * Self.day, at: Self.boot))
    #expect(ahead.isQuiet(at: Self.boot + Self.day - 1) && !ahead.isQuiet(at: Self.boot + Self.day))
  }

  @Test("A process of the same boot goes on with the line of the one before, whatever clocks say", arguments: jumps)
  func resumed(by offset: Int64) throws {
    let line = try #require(agreed().agreedLine(at: Self.boot))
    let judge = self.judge(wall: Self.start + offset, boot: Self.boot + 60_000)
    judge.atLeast(Self.start, at: Self.boot + 60_000)
    judge.resume(line, quietUntil: Self.start + 90_000, at: Self.boot + 60_000)
    #expect(judge.now(at: Self.boot + 60_000) == Self.start + 60_000)
    #expect(judge.isQuiet(at: Self.boot + 89_999) && !judge.isQuiet(at: Self.boot + 90_000))
    #expect(!judge.heard(Self.start + 60_000 + offset, at: Self.boot + 60_000))
  }

  @Test("Readings that are no times are refused and overflow nothing", arguments: [Int64.min, -1, 0, Int64.max])
  func absurd(reading: Int64) {
    let judge = agreed()
    judge.saw(reading, at: Self.boot)
    judge.atLeast(reading, at: Self.boot)
    #expect(!judge.heard(reading, at: Self.boot) && judge.now(at: Self.boot) == Self.start)
    let first = self.judge(wall: reading, boot: Self.boot)
    #expect(!first.heard(reading == .max ? 0 : reading, at: Self.boot))
  }

  @Test("The log hears of each change once")
  func watch() {
    var watch = ClockWatch()
    let clock = ServiceClock(wallMilliseconds: Self.start)
    clock.heard(redisMilliseconds: Self.start)
    #expect(watch.see(clock.status).isEmpty)
    clock.heard(redisMilliseconds: Self.start + Self.day)
    guard case .alarmed(let offset)? = watch.see(clock.status).first else {
      Issue.record("no alarm")
      return
    }
    #expect(abs(offset - Self.day) < 60_000 && watch.see(clock.status).isEmpty)
  }
}
