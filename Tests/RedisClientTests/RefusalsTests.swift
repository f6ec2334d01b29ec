import Testing

@testable import RedisClient

@Suite("Refusals of Redis over time")
struct RefusalsTests {
  private static let script = RedisRefusal(command: "gate", kind: .noPermission)
  private static let command = RedisRefusal(command: "hmget", kind: .noPermission)
  private let start = ContinuousClock.now
  private let refusals = RedisRefusals()

  private func tried(_ trial: [RedisRefusal]?, at seconds: Int) -> RedisRefusals.Change? {
    refusals.tried(trial, from: start + .seconds(seconds), to: start + .seconds(seconds))
  }

  @Test("A trial names the commands; each is told once until the first trial that meets nothing, which tells how long it was")
  func trial() {
    refusals.met(Self.script, at: start)
    #expect(refusals.isRefused(at: start))
    #expect(tried([Self.command], at: 1) == .refused([Self.command]))
    refusals.met(Self.script, at: start + .seconds(1))
    #expect(tried([Self.command], at: 2) == nil)
    let second = RedisRefusal(command: "time", kind: .noPermission)
    #expect(tried([Self.command, second], at: 3) == .refused([second]))
    #expect(tried(nil, at: 4) == nil && refusals.isRefused(at: start + .seconds(4)))
    #expect(tried([], at: 5) == .over(after: .seconds(5)))
    #expect(!refusals.isRefused(at: start + .seconds(5)) && tried([], at: 6) == nil)
    #expect(tried([Self.command], at: 7) == .refused([Self.command]))
  }

  @Test("A refusal that no trial meets is told by its script, and is over when nobody has met it for some seconds")
  func untried() {
    refusals.met(Self.script, at: start)
    // Sent before it was met, a trial says nothing of it.
    #expect(tried([], at: 0) == nil)
    #expect(tried([], at: 1) == .refused([Self.script]))
    refusals.met(Self.script, at: start + .seconds(2))
    #expect(tried([], at: 4) == nil && refusals.isRefused(at: start + .seconds(4)))
    #expect(tried([], at: 5) == .over(after: .seconds(5)))
  }

  @Test("A refusal of a connection is no second line, and is over with the first trial over a new one; without any it fades")
  func connection() {
    refusals.metByConnection(at: start)
    #expect(tried(nil, at: 1) == nil && refusals.isRefused(at: start + .seconds(1)))
    #expect(!refusals.isRefused(at: start + RedisRefusals.calm))
    #expect(tried([], at: 2) == nil && !refusals.isRefused(at: start + .seconds(2)))
  }
}
