import GatehouseCrypto
import GatehouseCore
import RedisClient
import TestSupport
import Testing

@testable import GatehouseRedis

/// A value that nobody of ours wrote, or that was damaged, must never make a script fail, and never let a call pass.
@Suite("Foreign and damaged values in Redis", .redis)
struct ForeignValueTests {
  private static let wrongTypes = [["SET", "x"], ["RPUSH", "x"], ["SADD", "x"], ["ZADD", "1", "x"]]
  private static func query(_ user: UserID) -> HotQuery {
    Fixture.query(user, charges: [(Fixture.api, 1)], hold: (id: "h1", amount: 1))
  }

  /// Puts a value of another type, with a time to live.
  private func put(_ words: [String], at key: String, _ frozen: Frozen) async throws {
    try await frozen.admin("DEL", key)
    try await frozen.admin([words[0], key] + words.dropFirst())
    try await frozen.admin("PEXPIRE", key, "60000")
  }

  @Test("A user's key of another type is deleted and cold, and can be installed", arguments: wrongTypes)
  func wrongUser(_ words: [String]) async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      try await put(words, at: KeySpace.user(user.id), frozen)
      #expect(try await frozen.install(Fixture.snapshot(user), ticket: "x") == 0)
      #expect(try await frozen.giveBack(user.id, "h1") == 0)
      let ticket = try await frozen.ticket(Self.query(user.id))
      #expect(try await frozen.install(Fixture.snapshot(user, [Fixture.session(user.id, "t")]), ticket: ticket) == 1)
      #expect(try await frozen.decide(Self.query(user.id)).decision == .allow)
    }
  }

  @Test("A key of rate windows of another type is deleted and counts nothing", arguments: wrongTypes)
  func wrongWindows(_ words: [String]) async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      try await frozen.warm(Fixture.snapshot(user, [Fixture.session(user.id, "t")]))
      try await put(words, at: KeySpace.windows(user.id), frozen)
      #expect(try await frozen.decide(Self.query(user.id)).standings.first?.remaining == 2)
      let left = try await frozen.timeToLive(KeySpace.windows(user.id))
      #expect(left > 0 && left <= 61_000)
      try await put(words, at: KeySpace.windows(user.id), frozen)
      #expect(try await frozen.giveBack(user.id, "h1") == 1)

      let charge = SubjectCharge(subject: .keyed("wrong \(words[0])"), policy: Fixture.api, cost: 1)
      try await put(words, at: KeySpace.windows(charge.subject), frozen)
      #expect(try await frozen.check(charge).standing.remaining == 2)
    }
  }

  @Test("A warm hash with one damaged field is cold, and the rebuild heals it")
  func damaged() async throws {
    let session = "s:" + Fixture.hash("t").hex
    let quota = "q:" + Fixture.metric
    let now = Frozen.start
    let day = now + Fixture.day
    let account = "account"
    let cases: [(String, [String])] = [
      (
        account,
        ["", "x", "|", "||||", "\(day)", "\(day)|free", "\(day)|free|active", "\(day)|free|active|1", "free|\(day)|active|1|"]
          + ["", "x", "-1", "1e3", "0x7fffffffffff", "nan", " ", "\(now)"].map { "\($0)|free|active|1|" }
          + ["", "2", "yes"].map { "\(day)|free|active|\($0)|" } + ["", "ACTIVE", "gone"].map { "\(day)|free|\($0)|1|" }
          + ["%", "(", "fr ee"].map { "\(day)|\($0)|active|1|" }
      ),
      (
        session,
        [
          "", "x", "|", "||||||", "web|ses_1|\(now)|\(now)|\(now)", "web|ses_1|\(now)|\(now)|\(now)|",
          "tv|ses_1|\(now)|\(now)|\(now)|\(day)",
          "web||\(now)|\(now)|\(now)|\(day)", "web|ses_1|\(now)|\(now)|-1|\(day)", "web|ses_1|\(now)|\(now)|\(now)|\(day)|::1|agent",
          "web|ses_1|\(now)|\(now)|\(now)|\(day)|prev|", "web|ses_1|x|\(now)|\(now)|\(day)", "\0\0\0",
        ]
      ),
      (
        quota,
        [
          "", "x", "||||||", "\(now)|\(day)|0|0||", "\(now)|\(day)|0|0|||", "\(now)|\(day)|-1|0|||0", "\(now)|\(day)|0|0||5*|0",
          "\(now)|\(day)|0|0||**|0", "\(now)|\(day)|0|0|x||0", "\(now)|\(day)|0|0|||0|0",
        ]
      ),
    ]
    try await Frozen.with { frozen in
      for (field, values) in cases {
        for value in values.map(Optional.some) + [nil] where value != nil || field != session {
          let user = Fixture.user()
          let key = KeySpace.user(user.id)
          let snapshot = Fixture.snapshot(user, [Fixture.session(user.id, "t")])
          try await frozen.warm(snapshot)
          let field = field == account ? frozen.account(user.id) : field
          try await frozen.admin(value.map { ["HSET", key, field, $0] } ?? ["HDEL", key, field])
          let reply = try await frozen.gate(Self.query(user.id))
          guard case .cold(let ticket, _) = reply else {
            Issue.record("\(field) = \(value ?? "nothing"): \(reply)")
            continue
          }
          #expect(try await frozen.install(snapshot, ticket: ticket) == 1)
          #expect(try await frozen.decide(Self.query(user.id)).decision == .allow)
        }
      }
    }
  }

  @Test("A damaged hold is dropped and gives nothing back", arguments: ["", "x", "video_analysis", "video_analysis|x|1|", "||||"])
  func damagedHold(_ value: String) async throws {
    try await Frozen.with { frozen in
      let user = Fixture.user()
      try await frozen.warm(Fixture.snapshot(user))
      _ = try await frozen.decide(Self.query(user.id).withoutToken)
      let windows = try await frozen.field(KeySpace.windows(user.id), "api.60.60")
      try await frozen.admin(["HSET", KeySpace.user(user.id), "h:h1", value])
      #expect(try await frozen.giveBack(user.id, "h1") == 0)
      #expect(try await frozen.field(KeySpace.user(user.id), "h:h1") == nil)
      #expect(try await frozen.field(KeySpace.windows(user.id), "api.60.60") == windows)
    }
  }

  @Test("Random bytes in place of a window never fail a call, and Swift reads them as Redis does")
  func damagedWindows() async throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    try await Frozen.with { frozen in
      let charge = SubjectCharge(subject: .keyed("damaged"), policy: Fixture.api, cost: 1)
      let key = KeySpace.windows(charge.subject)
      let near = Frozen.start / 1_000 % (1 << 32)
      for _ in 0..<300 {
        // Words around the present cell and around every bound, so that all paths are met; some lengths are none of ours.
        let words = (0..<Int.random(in: 0...9, using: &random)).map { _ -> UInt32 in
          switch Int.random(in: 0..<4, using: &random) {
          case 0: UInt32(truncatingIfNeeded: near + Int64.random(in: -70...70, using: &random))
          case 1: UInt32.random(in: 0...4, using: &random)
          case 2: UInt32.max - UInt32.random(in: 0...2, using: &random)
          default: UInt32.random(in: 0...UInt32.max, using: &random)
          }
        }
        var bytes = words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
        if Int.random(in: 0..<8, using: &random) == 0 { bytes.append(7) }
        // Redis is given the bytes as digits: no command of ours takes bytes that are no text.
        let setter =
          "redis.call('HSET', KEYS[1], ARGV[1], (string.gsub(ARGV[2], '%x%x', function(h) return string.char(tonumber(h, 16)) end)))"
        let hex = bytes.map { String($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        try await frozen.admin(
          ["EVAL", setter + " redis.call('PEXPIRE', KEYS[1], 60000)", "1", key, charge.policy.fieldName, hex])
        var model = PackedWindow(bytes: bytes)
        let verdict = model.check(1, nowMilliseconds: Frozen.start, policy: charge.policy, limit: 3, peek: false)
        let seen = try await frozen.check(charge)
        let standing = model.standing(nowMilliseconds: Frozen.start, policy: charge.policy, limit: 3, exceeded: verdict != .passes)
        #expect(seen.allowed == (verdict == .passes) && seen.standing == standing, "\(bytes), seed \(seed)")
        #expect(seen.allowed || (seen.retryAfterSeconds ?? 0) > 0, "\(bytes), seed \(seed)")
        let stored = try await frozen.connection.send(["HGET", key, charge.policy.fieldName]).byteValues
        #expect(stored == (verdict == .passes ? model.bytes : bytes), "\(bytes), seed \(seed)")
      }
    }
  }
}

extension HotQuery {
  /// The same call by a backend, without a session.
  var withoutToken: HotQuery {
    HotQuery(userID: userID, tokenHash: nil, charges: charges, requirements: requirements, hold: hold, peek: peek)
  }
}
