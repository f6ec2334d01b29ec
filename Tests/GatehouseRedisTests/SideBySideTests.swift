import GatehouseCore
import TestSupport
import Testing

@testable import GatehouseRedis

/// A rolling upgrade: processes of the version before and of this one on one Redis. The version before knows its own form of the hash
/// alone, and takes any other for cold; this one reads both.
@Suite("A process of the version before beside one of this", .redis)
struct SideBySideTests {
  private func isAllowed(_ reply: HotReply) -> Bool {
    if case .decided(let decision) = reply { decision.decision == .allow } else { false }
  }

  @Test("A hash of version 1 decides as one of this version does, and is not written anew", arguments: UserStatus.allButDeleted)
  func read(_ status: UserStatus) async throws {
    try await Frozen.with { frozen in
      for external in [nil, "1042", "a|b\n%41 ü"] {
        let users = (0..<2).map { _ in
          Fixture.user {
            $0.externalID = external
            $0.status = status
          }
        }
        var decisions: [HotDecision] = []
        for (user, isOld) in zip(users, [true, false]) {
          let snapshot = Fixture.snapshot(user, [Fixture.session(user.id, "t")])
          if isOld { try await Version1(frozen: frozen).warm(snapshot) } else { try await frozen.warm(snapshot) }
          let before = try await frozen.admin("HGETALL", KeySpace.user(user.id))
          decisions.append(try await frozen.decide(Fixture.query(user.id, charges: [(Fixture.api, 1)])))
          #expect(try await frozen.admin("HGETALL", KeySpace.user(user.id)) == before)
        }
        let (old, new) = (decisions[0], decisions[1])
        #expect(old.caller.externalID == external && new.caller.externalID == external)
        #expect(old.decision == (status == .active ? .allow : .suspended) && old.decision == new.decision)
        #expect(old.caller.plan == new.caller.plan && old.caller.status == new.caller.status)
        #expect(old.caller.emailVerified == new.caller.emailVerified)
        #expect(old.standings == new.standings && old.windows == new.windows && old.touched == new.touched)
        #expect(old.sessionFacts?.expiresAtMilliseconds == new.sessionFacts?.expiresAtMilliseconds)
      }
    }
  }

  @Test("A hash of version 1 of another epoch, of another user, past its end or damaged is cold")
  func cold() async throws {
    try await Frozen.with { frozen in
      let old = Version1(frozen: frozen)
      let cases: [(String, [String])] = [
        ("id", ["", "usr_", "usr_00000000000000", "x"]), ("mail", ["", "2", "yes"]), ("status", ["", "ACTIVE", "gone"]),
        ("epoch", ["", "x"]), ("until", ["", "x", "-1", "1e3", "0x7fffffffffff", "nan", " ", "\(Frozen.start)"]), ("plan", ["%", "a|b"]),
      ]
      for (field, values) in cases {
        for value in values.map(Optional.some) + [nil] {
          let user = Fixture.user()
          let key = KeySpace.user(user.id)
          let snapshot = Fixture.snapshot(user, [Fixture.session(user.id, "t")])
          try await old.warm(snapshot)
          #expect(isAllowed(try await frozen.gate(Fixture.query(user.id))))
          try await frozen.admin(value.map { ["HSET", key, field, $0] } ?? ["HDEL", key, field])
          guard case .cold(let ticket, _) = try await frozen.gate(Fixture.query(user.id)) else {
            Issue.record("\(field) = \(value ?? "nothing")")
            continue
          }
          #expect(try await frozen.install(snapshot, ticket: ticket) == 1)
          #expect(isAllowed(try await frozen.gate(Fixture.query(user.id))))
        }
      }
    }
  }

  @Test("After a change each version reads the user again at most once, whoever is first, and then both know what changed")
  func rebuilds() async throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    try await Frozen.with { frozen in
      let old = Version1(frozen: frozen)
      for _ in 0..<30 {
        let user = Fixture.user()
        var sessions = ["a", "b", "c"].map { Fixture.session(user.id, $0) }
        for _ in 0..<3 {
          var rebuilds = 0
          for _ in 0..<12 {
            let isOld = Bool.random(using: &random)
            let token = ["a", "b", "c"].randomElement(using: &random) ?? "a"
            let query = Fixture.query(user.id, token: token)
            let isLive = sessions.contains { $0.tokenHash == Fixture.hash(token) }
            // A rebuild, and the question once more, as a process does it.
            for isAgain in [false, true] {
              let ticket: String?
              var (absent, allowed) = (false, false)
              if isOld {
                let reply = try await old.gate(query)
                if case .cold(let given) = reply { ticket = given } else { ticket = nil }
                absent = reply == .absent
                if case .decided(.allow, _, _) = reply { allowed = true }
              } else {
                let reply = try await frozen.gate(query)
                if case .cold(let given, _) = reply { ticket = given } else { ticket = nil }
                if case .absent = reply { absent = true }
                allowed = isAllowed(reply)
              }
              guard let ticket else {
                #expect(isLive ? allowed : absent, "seed \(seed)")
                break
              }
              #expect(!isAgain, "cold right after its own rebuild, seed \(seed)")
              rebuilds += 1
              let snapshot = Fixture.snapshot(user, sessions)
              let written = isOld ? try await old.install(snapshot, ticket: ticket) : try await frozen.install(snapshot, ticket: ticket)
              #expect(written == 1)
            }
          }
          #expect(rebuilds <= 2, "seed \(seed)")
          sessions.removeLast()
          // Either version's drop is this.
          try await frozen.admin("DEL", KeySpace.user(user.id))
        }
      }
    }
  }

  @Test("A ticket of one version serves the other once, and not after a drop")
  func tickets() async throws {
    try await Frozen.with { frozen in
      let old = Version1(frozen: frozen)
      let user = Fixture.user()
      let query = Fixture.query(user.id, token: nil)
      let snapshot = Fixture.snapshot(user)
      for isOldFirst in [true, false] {
        try await frozen.admin("DEL", KeySpace.user(user.id))
        let ticket = try await frozen.ticket(query)
        #expect(try await old.gate(query) == .cold(ticket: ticket))
        let first = isOldFirst ? try await old.install(snapshot, ticket: ticket) : try await frozen.install(snapshot, ticket: ticket)
        let second = isOldFirst ? try await frozen.install(snapshot, ticket: ticket) : try await old.install(snapshot, ticket: ticket)
        #expect(first == 1 && second == 0)
        try await frozen.admin("DEL", KeySpace.user(user.id))
        let late = try await old.install(snapshot, ticket: ticket)
        #expect(late == 0)
      }
    }
  }

  @Test("Both count in one window and hold from one allowance: no unit is granted twice, and each gives back what the other held")
  func shared() async throws {
    try await Frozen.with { frozen in
      let old = Version1(frozen: frozen)
      for isOldFirst in [true, false] {
        let user = Fixture.user()
        let snapshot = Fixture.snapshot(user, [Fixture.session(user.id, "t")])
        try await old.warm(snapshot)
        var granted = 0
        for call in 0..<8 {
          let query = Fixture.query(user.id, charges: [(Fixture.api, 1)])
          let now = Frozen.start + Int64(call) * 400
          if (call % 2 == 0) == isOldFirst {
            if case .decided(.allow, _, _) = try await old.gate(query, at: now) { granted += 1 }
          } else if isAllowed(try await frozen.gate(query, at: now)) {
            granted += 1
          }
          // The key outlives every unit in it, whichever version wrote last.
          let left = try await frozen.timeToLive(KeySpace.windows(user.id))
          #expect(left > 61_000 - 10_000)
        }
        #expect(granted == 3)

        func hold(_ id: String) -> HotQuery { Fixture.query(user.id, token: nil, hold: (id: id, amount: 1)) }
        guard case .decided(.allow, "1", _) = try await old.gate(hold("h1")) else { return #expect(Bool(false), "no unit") }
        #expect(try await frozen.decide(hold("h2")).allowance?.held == 2)
        guard case .decided(.allowanceExhausted, "2", _) = try await old.gate(hold("h3")) else {
          return #expect(Bool(false), "a third unit")
        }
        #expect(try await frozen.decide(hold("h3")).decision == .allowanceExhausted)
        #expect(try await frozen.giveBack(user.id, "h1") == 1)
        #expect(try await old.giveBack(user.id, "h2") == 1)
        #expect(try await old.giveBack(user.id, "h1") == 0)
        #expect(try await frozen.decide(hold("h4")).allowance?.held == 1)
      }
    }
  }

  @Test("A unit that one version counted counts for the other as long as it must: the key does not go before", arguments: [true, false])
  func horizon(_ isOldFirst: Bool) async throws {
    try await Frozen.with { frozen in
      let old = Version1(frozen: frozen)
      let user = Fixture.user()
      try await old.warm(Fixture.snapshot(user))
      let key = KeySpace.windows(user.id)
      let policy = Policy(name: "short", by: .user, windowSeconds: 2, cells: 2, limits: PlanLimits(10))
      let query = Fixture.query(user.id, token: nil, charges: [(policy, 1)])
      // Redis's own clock runs: the second unit of the cell comes at the end of it.
      if isOldFirst { _ = try await old.gate(query) } else { _ = try await frozen.gate(query) }
      let first = try await frozen.timeToLive(key)
      let later = Frozen.start + 999
      if isOldFirst { _ = try await frozen.gate(query, at: later) } else { _ = try await old.gate(query, at: later) }
      // It counts until the cell's end and a window more: a second and two from the cell's beginning.
      #expect(first >= 3_000 - 500)
      #expect(try await frozen.timeToLive(key) >= 3_000 - 999)
    }
  }

  @Test("A use that one version noted is noted for the other")
  func touched() async throws {
    try await Frozen.with { frozen in
      let old = Version1(frozen: frozen)
      let user = Fixture.user()
      try await old.warm(Fixture.snapshot(user, [Fixture.session(user.id, "t", kind: .remember)]))
      let tau = Fixture.timeouts(.remember).touchMilliseconds
      #expect(try await frozen.decide(Fixture.query(user.id), at: Frozen.start + tau + 1).touched)
      // Without that use the session would be dead here.
      let later = Fixture.timeouts(.remember).idleEnd(seenAtMilliseconds: Frozen.start) + 1
      guard case .decided(.allow, _, _) = try await old.gate(Fixture.query(user.id), at: later) else { return #expect(Bool(false), "dead") }
      #expect(try await frozen.decide(Fixture.query(user.id), at: later + tau).touched == false)
    }
  }
}

extension UserStatus {
  static let allButDeleted: [UserStatus] = [.active, .suspended]
}
