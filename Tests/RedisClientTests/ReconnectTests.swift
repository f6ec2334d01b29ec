import Glibc
import NIOCore
import RedisClient
import Synchronization
import TestSupport
import Testing

private final class Counts: Sendable {
  let own = Atomic<Int>(0)
  let failed = Atomic<Int>(0)
  private let random: Mutex<SeededGenerator>

  init(seed: UInt64) { random = Mutex(SeededGenerator(seed: seed)) }

  func pick(_ range: Range<Int>) -> Int { random.withLock { Int.random(in: range, using: &$0) } }
}

@Suite("Reconnecting")
struct ReconnectTests {
  private static let script = RedisScript(name: "one", source: "return 1")
  /// AUTH, CLIENT, SCRIPT, INFO.
  private static let greetings = 4

  @Test("A handshake that is cut after any of its answers, in the middle of any of them, or left open is made anew")
  func handshakeCut() async throws {
    let asked = Mutex<[Int: Int]>([:])
    try await FakeRedis.serve { peer, words in
      let count = asked.withLock { asked in
        asked[peer.number, default: 0] += 1
        return asked[peer.number] ?? 0
      }
      guard let greeting = FakeRedis.greeting(words) else { return peer.send(FakeRedis.bulk(words[1])) }
      // Connection 2n - 1 ends before its n-th answer, connection 2n in the middle of it.
      guard count == (peer.number + 1) / 2, peer.number <= 2 * Self.greetings else { return peer.send(greeting) }
      if peer.number.isMultiple(of: 2) { peer.send(String(greeting.dropLast(3))) }
      peer.close()
    } _: { fake in
      try await withClient(fake.address, scripts: [Self.script]) {
        $0.username = "someone"
        $0.backoffMin = .milliseconds(1)
        $0.backoffMax = .milliseconds(2)
      } _: { client in
        #expect(fake.connectionCount == 2 * Self.greetings + 1)
        for name in ["a", "b", "c"] { #expect(await client.any().outcome(["ECHO", name]) == .success(.bytes(Array(name.utf8)))) }
      }
    }
  }

  @Test("A server that accepts and never greets is given up and tried again", arguments: ["", "+OK\r\n"])
  func silentHandshake(_ answer: String) async throws {
    try await FakeRedis.serve { peer, words in
      if peer.number > 2 {
        peer.send(FakeRedis.greeting(words) ?? FakeRedis.bulk(words[1]))
      } else if words[0] == "CLIENT" {
        peer.send(answer)
      }
    } _: { fake in
      try await withClient(fake.address) {
        $0.handshakeDeadline = .milliseconds(300)
        $0.stallLimit = .milliseconds(600)
      } _: { client in
        // Under load a good connection may be late as well.
        #expect(fake.connectionCount >= 3)
        try await eventually("a command is answered") {
          await client.any().outcome(["ECHO", "a"]) == .success(.bytes(Array("a".utf8)))
        }
      }
    }
  }

  @Test("Every caller hears once, its own reply or an error, whatever times out, is cancelled, is cut, or fails in the handshake")
  func anything() async throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    let counts = Counts(seed: seed)
    try await FakeRedis.serve { peer, words in
      if let greeting = FakeRedis.greeting(words) {
        guard counts.pick(0..<8) > 0 else {
          peer.send(String(greeting.prefix(counts.pick(0..<greeting.utf8.count))))
          return peer.close()
        }
        return peer.send(greeting)
      }
      // Different lengths, so that a reply that is read too far or not far enough is never a whole one.
      let reply = FakeRedis.bulk(words[1] + String(repeating: "x", count: counts.pick(0..<40)))
      switch counts.pick(0..<200) {
      case 0: peer.close()
      case 1:
        peer.send(String(reply.prefix(counts.pick(1..<reply.utf8.count))))
        peer.close()
      case 2:
        usleep(30_000)
        peer.send(reply)
      case 4: peer.send("-LOADING later\r\n")
      case 5: peer.send("?")
      default:
        let at = counts.pick(0..<reply.utf8.count)
        peer.send(String(reply.prefix(at)))
        peer.send(String(reply.dropFirst(at)))
      }
    } _: { fake in
      try await withClient(fake.address, scripts: [Self.script]) {
        $0.commandDeadline = .milliseconds(20)
        $0.backoffMin = .milliseconds(1)
        $0.backoffMax = .milliseconds(4)
      } _: { client in
        try await withThrowingTaskGroup { tasks in
          for worker in 0..<16 {
            tasks.addTask {
              for index in 0..<150 {
                let name = "\(worker).\(index)."
                let call = Task { await client.any().outcome(["ECHO", name]) }
                if counts.pick(0..<4) == 0 { call.cancel() }
                switch await call.value {
                case .success(let reply):
                  #expect(reply.text?.hasPrefix(name) == true, "seed \(seed)")
                  counts.own.add(1, ordering: .relaxed)
                case .failure:
                  counts.failed.add(1, ordering: .relaxed)
                  try await eventually("usable again, seed \(seed)", within: .seconds(60)) { client.isUp }
                }
              }
            }
          }
          try await tasks.waitForAll()
        }
        let (own, failed) = (counts.own.load(ordering: .relaxed), counts.failed.load(ordering: .relaxed))
        #expect(own > 0 && failed > 0 && own + failed == 16 * 150, "seed \(seed)")
        #expect(fake.connectionCount > 1, "seed \(seed)")
      }
    }
  }

  @Test("A script that Redis knows neither by digest nor by source is sent once each way, never in a circle")
  func unknownTwice() async throws {
    let seen = Mutex<[String]>([])
    try await FakeRedis.with { peer, words in
      seen.withLock { $0.append(words[0]) }
      peer.send("-NOSCRIPT No matching script.\r\n")
    } _: { fake in
      try await withClient(fake.address, scripts: [Self.script]) { client in
        let outcome = await client.any().outcome(Self.script, ["k"], [])
        guard case .failure(.server(let error)) = outcome else { return #expect(Bool(false), "\(outcome)") }
        #expect(error.kind == .noScript)
        #expect(seen.withLock { $0 } == ["EVALSHA", "EVAL"])
      }
    }
  }

  @Test(
    "Every refusal of a command reaches its caller typed, and the connection stays",
    arguments: [
      ("MISCONF disk", .misconf), ("OOM command not allowed", .outOfMemory), ("BUSY script", .busy),
      ("NOAUTH Authentication required.", .noAuth), ("NOPERM no", .noPermission),
      ("WRONGTYPE kind", .wrongType), ("CLUSTERDOWN hash slot", .clusterDown), ("MOVED 1 h:1", .moved), ("ASK 1 h:1", .ask),
      ("TRYAGAIN rehashing", .tryAgain), ("ERR max number of clients reached", .maxClients),
    ] as [(String, RedisServerError.Kind)])
  func typed(_ message: String, _ kind: RedisServerError.Kind) async throws {
    try await FakeRedis.with { peer, words in
      peer.send(words[0] == "EVALSHA" || words[0] == "DEL" ? "-\(message)\r\n" : FakeRedis.bulk(words[1]))
    } _: { fake in
      try await withClient(fake.address, scripts: [Self.script]) { client in
        for outcome in [await client.any().outcome(Self.script, [], []), await client.any().outcome(["DEL", "k"])] {
          guard case .failure(let error) = outcome, case .server(let refusal) = error else { return #expect(Bool(false), "\(outcome)") }
          #expect(refusal.kind == kind && error.reason == kind.rawValue)
        }
        #expect(await client.any().outcome(["ECHO", "a"]) == .success(.bytes(Array("a".utf8))))
        #expect(fake.connectionCount == 1)
      }
    }
  }

  @Test(
    "A refusal that says Redis is another's copy or loads other data reaches its caller typed, and the connection is made anew",
    arguments: [
      ("READONLY replica", .readOnly), ("LOADING Redis is loading", .loading), ("MASTERDOWN link", .masterDown),
    ] as [(String, RedisServerError.Kind)])
  func timelineEnded(_ message: String, _ kind: RedisServerError.Kind) async throws {
    try await FakeRedis.with { peer, words in
      peer.send(peer.number == 1 ? "-\(message)\r\n" : FakeRedis.bulk(words[1]))
    } _: { fake in
      try await withClient(fake.address) { client in
        guard case .failure(.server(let refusal)) = await client.any().outcome(["DEL", "k"]) else { return #expect(Bool(false)) }
        #expect(refusal.kind == kind)
        try await eventually("a second connection is up") { fake.connectionCount == 2 && client.isUp }
        #expect(await client.any().outcome(["ECHO", "a"]) == .success(.bytes(Array("a".utf8))))
      }
    }
  }

  @Test("A command has 50 ms unless told otherwise, and none is given up before its time")
  func deadline() async throws {
    #expect(RedisConfiguration(address: .unix(path: "")).commandDeadline == .milliseconds(50))
    try await FakeRedis.with { _, _ in
    } _: { fake in
      try await withClient(fake.address) {
        $0.commandDeadline = .milliseconds(50)
      } _: { client in
        let start = NIODeadline.now()
        #expect(await client.any().outcome(["ECHO", "a"]) == .failure(.timeout))
        #expect(NIODeadline.now() - start >= .milliseconds(50))
      }
    }
  }
}
