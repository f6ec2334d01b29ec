import NIOCore
import NIOPosix
import RedisClient
import Synchronization
import TestSupport
import Testing

/// Answers that are kept back until a test lets them go, which must not be while commands still arrive: those would overtake.
private final class Held: Sendable {
  private let state = Mutex<(holds: Bool, kept: [@Sendable () -> Void])>((true, []))
  var count: Int { state.withLock(\.kept.count) }

  func answer(_ send: @escaping @Sendable () -> Void) {
    let goes = state.withLock { state in
      if state.holds { state.kept.append(send) }
      return !state.holds
    }
    if goes { send() }
  }

  func release() {
    let kept = state.withLock { state in
      defer { state = (false, []) }
      return state.kept
    }
    for send in kept { send() }
  }
}

/// The connections that answer nothing: all up to this number.
private final class Silent: Sendable {
  let last = Atomic<Int>(0)
}

private final class Tally: Sendable {
  let own = Atomic<Int>(0)
  let failed = Atomic<Int>(0)
}

@Suite("A Redis that misbehaves")
struct FaultTests {
  @Test("A late reply never reaches another caller, and nothing is sent before it has come")
  func late() async throws {
    let held = Held()
    try await FakeRedis.with { peer, words in
      held.answer { peer.send(FakeRedis.bulk(words[1])) }
    } _: { fake in
      try await withClient(fake.address) {
        $0.commandDeadline = .milliseconds(500)
      } _: { client in
        let connection = client.any()
        await withTaskGroup { tasks in
          for name in ["a", "b", "c"] { tasks.addTask { #expect(await connection.outcome(["ECHO", name]) == .failure(.timeout)) } }
        }
        #expect(await connection.outcome(["ECHO", "d"]) == .failure(.overdue))
        #expect(!client.isUp)
        #expect(held.count == 3)
        held.release()
        try await eventually("the late replies have drained") { client.isUp }
        for name in ["e", "f"] { #expect(await connection.outcome(["ECHO", name]) == .success(.bytes(Array(name.utf8)))) }
        #expect(fake.connectionCount == 1)
        #expect(client.statistics.timeouts.load(ordering: .relaxed) == 3)
      }
    }
  }

  @Test("A connection that waits for a late answer turns none of the others off")
  func oneIsLate() async throws {
    let held = Held()
    try await FakeRedis.with { peer, words in
      if words[1] == "slow" { held.answer { peer.send(FakeRedis.bulk("slow")) } } else { peer.send(FakeRedis.bulk(words[1])) }
    } _: { fake in
      try await withClient(fake.address, loops: 2) {
        $0.commandDeadline = .seconds(1)
      } _: { client in
        let late = client.any()
        #expect(await late.outcome(["ECHO", "slow"]) == .failure(.timeout))
        #expect(client.isUsable && !client.isUp)
        let other = client.usableConnection(near: late.eventLoop)
        #expect(other !== late)
        #expect(await other.outcome(["ECHO", "a"]) == .success(.bytes(Array("a".utf8))))
        held.release()
        try await eventually("the late answer has come") { client.isUp }
        #expect(client.usableConnection(near: late.eventLoop) === late)
      }
    }
  }

  @Test("A caller gets its own reply or none, whatever is delayed, split, or cut in the middle")
  func noMixUp() async throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    let random = Mutex(SeededGenerator(seed: seed))
    try await FakeRedis.with { peer, words in
      let reply = FakeRedis.bulk(words[1])
      switch random.withLock({ Int.random(in: 0..<300, using: &$0) }) {
      case 0:
        peer.send(String(reply.prefix(4)))
        peer.close()
      case 1: peer.close()
      case 2:
        // Longer than the deadline; the server has a thread of its own, so all that follow are late too.
        usleep(30_000)
        peer.send(reply)
      case 3..<30:
        peer.send(String(reply.prefix(3)))
        peer.send(String(reply.dropFirst(3)))
      default: peer.send(reply)
      }
    } _: { fake in
      try await withClient(fake.address) {
        $0.commandDeadline = .milliseconds(20)
        $0.backoffMin = .milliseconds(1)
        $0.backoffMax = .milliseconds(5)
      } _: { client in
        let tally = Tally()
        try await withThrowingTaskGroup { tasks in
          for worker in 0..<16 {
            tasks.addTask {
              for index in 0..<200 {
                let name = "\(worker)-\(index)"
                switch await client.any().outcome(["ECHO", name]) {
                case .success(let reply):
                  #expect(reply == .bytes(Array(name.utf8)), "seed \(seed)")
                  tally.own.add(1, ordering: .relaxed)
                case .failure(let error):
                  #expect([.timeout, .connectionLost, .notConnected, .overdue].contains(error), "seed \(seed)")
                  tally.failed.add(1, ordering: .relaxed)
                  try await eventually("usable again, seed \(seed)") { client.isUp }
                }
              }
            }
          }
          try await tasks.waitForAll()
        }
        #expect(tally.own.load(ordering: .relaxed) > 0 && tally.failed.load(ordering: .relaxed) > 0, "seed \(seed)")
        #expect(tally.own.load(ordering: .relaxed) + tally.failed.load(ordering: .relaxed) == 3_200, "seed \(seed)")
      }
    }
  }

  @Test("A connection that stays silent is closed and made anew")
  func stalled() async throws {
    let silent = Silent()
    try await FakeRedis.with { peer, words in
      if peer.number > silent.last.load(ordering: .relaxed) { peer.send(FakeRedis.bulk(words[1])) }
    } _: { fake in
      try await withClient(fake.address) {
        $0.commandDeadline = .milliseconds(300)
        $0.stallLimit = .milliseconds(600)
      } _: { client in
        // On a loaded machine handshakes stall too, so no connection has a number of its own.
        let first = fake.connectionCount
        silent.last.store(first, ordering: .relaxed)
        let outcome = await client.any().outcome(["ECHO", "a"])
        if case .success = outcome { #expect(fake.connectionCount > first) }
        try await eventually("a new connection") { client.isUp && fake.connectionCount > first }
        try await eventually("an answer") { await client.any().outcome(["ECHO", "b"]) == .success(.bytes(Array("b".utf8))) }
      }
    }
  }

  @Test("A connection that ends tells its callers that the outcome is unknown", arguments: ["", "$5\r\nab", "*2\r\n:1\r\n"])
  func cut(_ part: String) async throws {
    try await FakeRedis.with { peer, words in
      guard peer.number == 1 else { return peer.send(FakeRedis.bulk(words[1])) }
      peer.send(part)
      peer.close()
    } _: { fake in
      try await withClient(fake.address) { client in
        #expect(await client.any().outcome(["ECHO", "a"]) == .failure(.connectionLost))
        try await eventually("a second connection") { client.isUp && fake.connectionCount == 2 }
        #expect(await client.any().outcome(["ECHO", "b"]) == .success(.bytes(Array("b".utf8))))
      }
    }
  }

  @Test(
    "A reply that is none, is too long, or was asked for by nobody closes the connection",
    arguments: ["HTTP/1.1 200 OK\r\n", "*1048576\r\n", "$99999\r\n"])
  func hostile(_ bytes: String) async throws {
    try await FakeRedis.with { peer, words in
      guard peer.number == 1 else { return peer.send(FakeRedis.bulk(words[1])) }
      peer.send(bytes + String(repeating: "x", count: 2_000))
    } _: { fake in
      try await withClient(fake.address) {
        $0.replyBytesMax = 1_000
      } _: { client in
        let outcome = await client.any().outcome(["ECHO", "a"])
        guard case .failure(.protocolViolation) = outcome else { return #expect(Bool(false), "\(outcome)") }
        try await eventually("a second connection") { client.isUp && fake.connectionCount == 2 }
      }
    }
    try await FakeRedis.with { peer, words in
      peer.send(FakeRedis.bulk(words[1]) + "+OK\r\n")
    } _: { fake in
      try await withClient(fake.address) { client in
        #expect(await client.any().outcome(["ECHO", "a"]) == .success(.bytes(Array("a".utf8))))
        try await eventually("a second connection") { client.isUp && fake.connectionCount == 2 }
      }
    }
  }

  @Test(
    "A refusal in the handshake is tried again until Redis is ready",
    arguments: ["-LOADING Redis is loading", "-NOAUTH Authentication required.", "-ERR max number of clients reached", "+", "$-1"])
  func refused(_ refusal: String) async throws {
    try await FakeRedis.serve { peer, words in
      if words[0] == "INFO", peer.number <= 3 { peer.send(refusal + "\r\n") } else { peer.send(FakeRedis.greeting(words) ?? "+OK\r\n") }
    } _: { fake in
      try await withClient(fake.address, scripts: [RedisScript(name: "one", source: "return 1")]) { client in
        #expect(fake.connectionCount == 4)
        #expect(await client.any().outcome(["PING"]) == .success(.status(Array("OK".utf8))))
      }
    }
  }

  @Test("A script that Redis has forgotten is sent once by its source, within the deadline of its caller")
  func forgotten() async throws {
    let script = RedisScript(name: "one", source: "return 1")
    let seen = Mutex<[String]>([])
    let isSlow = Atomic<Bool>(false)
    try await FakeRedis.with { peer, words in
      seen.withLock { $0.append(words[0]) }
      // Each answer alone is in time, both together are not.
      if isSlow.load(ordering: .relaxed) { usleep(300_000) }
      if words[0] == "EVALSHA" {
        peer.send("-NOSCRIPT No matching script.\r\n")
      } else {
        peer.send(words == ["EVAL", "return 1", "1", "k", "v"] ? ":1\r\n" : "-ERR wrong words\r\n")
      }
    } _: { fake in
      try await withClient(fake.address, scripts: [script]) {
        $0.commandDeadline = .milliseconds(500)
      } _: { client in
        let reply = try await client.any().evaluate(script, keys: ["k"], arguments: ["v"])
        #expect(reply == .integer(1))
        #expect(seen.withLock { $0 } == ["EVALSHA", "EVAL"])
        isSlow.store(true, ordering: .relaxed)
        await #expect(throws: RedisError.timeout) { try await client.any().evaluate(script, keys: ["k"], arguments: ["v"]) }
        try await eventually("the source was sent all the same") { seen.withLock { $0 } == ["EVALSHA", "EVAL", "EVALSHA", "EVAL"] }
      }
    }
  }

  @Test("A script that the client was not built with, or whose source differs, goes by its source")
  func strangers() async throws {
    let script = RedisScript(name: "one", source: "return 1")
    try await FakeRedis.with { peer, words in
      peer.send(FakeRedis.bulk(words[0]))
    } _: { fake in
      try await withClient(fake.address, scripts: [script]) { client in
        let connection = client.any()
        let other = RedisScript(name: "one", source: "return 2")
        let unknown = RedisScript(name: "two", source: "return 1")
        for (asked, word) in [(script, "EVALSHA"), (other, "EVAL"), (unknown, "EVAL")] {
          let reply = try await connection.evaluate(asked, keys: [], arguments: [])
          #expect(reply.text == word)
        }
      }
    }
  }

  @Test("Stopping lets what was sent be answered, takes nothing more, and waits no longer than the deadline")
  func stopping() async throws {
    let held = Held()
    try await FakeRedis.with { peer, words in
      held.answer { peer.send(FakeRedis.bulk(words[1])) }
    } _: { fake in
      let (first, refused) = try await withClient(fake.address) { client in
        let connection = client.any()
        let first = Task { await connection.outcome(["ECHO", "a"]) }
        try await eventually("it was sent") { held.count == 1 }
        let refused = Task {
          try await eventually("no more is taken") { try await connection.eventLoop.submit { !connection.isUsable }.get() }
          #expect(await connection.outcome(["ECHO", "b"]) == .failure(.notConnected))
          held.release()
        }
        return (first, refused)
      }
      #expect(await first.value == .success(.bytes(Array("a".utf8))))
      try await refused.value
    }
    try await FakeRedis.with { _, _ in
    } _: { fake in
      let never = try await withClient(fake.address) {
        $0.commandDeadline = .milliseconds(300)
      } _: { client in
        let connection = client.any()
        let sent = client.statistics.commands.load(ordering: .relaxed)
        let never = Task { await connection.outcome(["ECHO", "a"]) }
        try await eventually("it was sent") { client.statistics.commands.load(ordering: .relaxed) > sent }
        return never
      }
      #expect(await never.value == .failure(.timeout))
    }
  }

  @Test("Commands of one turn of the loop share a flush; beyond the bound they are refused")
  func pipelined() async throws {
    let held = Held()
    try await FakeRedis.with { peer, words in
      held.answer { peer.send(FakeRedis.bulk(words[1])) }
    } _: { fake in
      try await withClient(fake.address) {
        $0.pendingCommandsMax = 100
      } _: { client in
        let connection = client.any()
        let before = client.statistics.flushes.load(ordering: .relaxed)
        let replies = Mutex<[Result<String?, RedisError>]>([])
        try await connection.eventLoop.submit {
          for index in 0..<101 {
            connection.send(["ECHO", String(index)]) { reply in replies.withLock { $0.append(reply.map(\.text)) } }
          }
        }.get()
        #expect(replies.withLock { $0 } == [.failure(.queueFull)])
        try await eventually("all that fit were sent") { held.count == 100 }
        held.release()
        try await eventually("all are answered") { replies.withLock(\.count) == 101 }
        let texts = replies.withLock { $0.dropFirst().map { try? $0.get() } }
        #expect(texts == (0..<100).map(String.init))
        #expect(client.statistics.flushes.load(ordering: .relaxed) == before + 1)
      }
    }
  }

  @Test("TCP works like a Unix socket")
  func tcp() async throws {
    try await FakeRedis.with(tcp: true) { peer, words in
      peer.send(FakeRedis.bulk(words[1]))
    } _: { fake in
      try await withClient(fake.address) { client in
        #expect(await client.any().outcome(["ECHO", "a"]) == .success(.bytes(Array("a".utf8))))
      }
    }
  }

  @Test("Without Redis commands fail at once, and attempts to connect go on")
  func away() async throws {
    try await withClient(.unix(path: "/tmp/gh-there-is-no-such-socket"), waits: false) { client in
      try await eventually("several attempts") { client.statistics.reconnects.load(ordering: .relaxed) > 3 }
      #expect(!client.isUp)
      #expect(await client.any().outcome(["PING"]) == .failure(.notConnected))
    }
  }
}
