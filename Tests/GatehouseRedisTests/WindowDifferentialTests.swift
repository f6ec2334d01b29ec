import GatehouseCore
import RedisClient
import TestSupport
import Testing

@testable import GatehouseRedis

/// Random calls on rate windows: one history through the model in Swift, through the product's script on a real Redis, and through
/// a list of grants that knows nothing of packed cells but the rule.
@Suite("The packed window, in Swift and in Redis", .redis)
struct WindowDifferentialTests {
  private static let stepsMax = 200_000
  private static let batch = 1_000

  /// Many calls of limit_check a round trip: its own text as a function, with its clock in a variable.
  ///
  /// ARGV: five words a step: now ms, then `peek field W B limit cost` of limit_check in one, separated by blanks; `flush` deletes.
  /// Gives one text: per step one byte for allowed, one for the verdict, four for the length of the stored window, the window.
  private static let script = RedisScript(
    name: "differential",
    source: """
      local TIME
      local function limit_check(KEYS, ARGV)
      \(Scripts.limitCheck.source.replacingText(Frozen.clockRead, "TIME"))
      end
      local out = {}
      for i = 1, #ARGV do
        local words = {}
        for word in string.gmatch(ARGV[i], '[^ ]+') do words[#words + 1] = word ~= '-' and word or '' end
        if words[1] == 'flush' then
          redis.call('DEL', KEYS[1])
          out[i] = ''
        else
          TIME = {math.floor(words[1] / 1000), words[1] % 1000 * 1000}
          local given = {unpack(words, 2)}
          for _, bound in ipairs({0, 1e15}) do given[#given + 1] = bound end
          local answer = limit_check(KEYS, given)
          local stored = redis.call('HGET', KEYS[1], words[3]) or ''
          if answer[3] ~= stored then return redis.error_reply('ERR the window given is not the one stored') end
          out[i] = struct.pack('<BBI4', answer[2] == 1 and 1 or 0, answer[2], #stored) .. stored
        end
      end
      return table.concat(out)
      """)

  @Test("200,000 steps agree in decision, stored bytes, remaining, reset and retry; no interval of a window holds more than its limit")
  func differential() async throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var history = WindowHistory(seed: seed)
    try await withRedis(RedisServer.required()) { client in
      let connection = client.any()
      var done = 0
      while done < Self.stepsMax {
        let steps = (0..<Self.batch).map { _ in history.next() }
        let reply = try await connection.evaluate(Self.script, keys: ["gh:{sub:differential}:rl"], arguments: steps.map(\.words))
        var rest = try #require(reply.byteValues)[...]
        for step in steps {
          guard let call = step.call else { continue }
          guard let outcome = Outcome(&rest) else { return #expect(Bool(false), "a short reply, seed \(seed)") }
          guard outcome == call.outcome else {
            return #expect(outcome == call.outcome, "step \(step.words), \(done) done, seed \(seed)")
          }
          if let standing = call.standing {
            let window = PackedWindow(bytes: outcome.stored)
            let now = call.now
            let seen = Standing(
              window.standing(nowMilliseconds: now, policy: call.policy, limit: call.limit, exceeded: false),
              window.retryAfterSeconds(call.cost, nowMilliseconds: now, policy: call.policy, limit: call.limit))
            guard seen == standing else { return #expect(seen == standing, "step \(step.words), seed \(seed)") }
          }
        }
        done += steps.count
      }
      #expect(history.grants > Self.stepsMax / 10 && history.denials > Self.stepsMax / 10, "seed \(seed)")
      #expect(history.excess == nil, "seed \(seed)")
      #expect(history.oracleLooks > 1_000 && history.timelines > 100, "seed \(seed)")
    }
  }
}

/// The result of one call, as both sides tell it.
struct Outcome: Equatable {
  let allowed: UInt8
  let verdict: UInt8
  let stored: [UInt8]

  init(_ verdict: PackedWindow.Verdict, _ stored: [UInt8]) {
    self.allowed = verdict == .passes ? 1 : 0
    self.verdict = UInt8(verdict.rawValue)
    self.stored = stored
  }

  /// Takes one outcome off a reply.
  init?(_ rest: inout ArraySlice<UInt8>) {
    let head = Array(rest.prefix(6))
    guard head.count == 6 else { return nil }
    allowed = head[0]
    verdict = head[1]
    let count = (0..<4).reduce(0) { $0 | Int(head[2 + $1]) << (8 * $1) }
    stored = Array(rest.dropFirst(6).prefix(count))
    rest = rest.dropFirst(6 + count)
  }
}

/// The standing of a window that a caller is told.
struct Standing: Equatable {
  let remaining: Int64
  let reset: Int
  let retry: Int?

  init(remaining: Int64, reset: Int, retry: Int?) {
    self.remaining = remaining
    self.reset = reset
    self.retry = retry
  }

  init(_ standing: PolicyStanding, _ retry: Int?) {
    self.init(remaining: standing.remaining, reset: standing.resetSeconds, retry: retry)
  }
}
