import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import GatehouseHTTP

@Suite("The lane in front of the parser")
struct LaneTests {
  private final class Waiting: Sendable { let isOver = Atomic(false) }

  private static func get(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n" }
  private static func post(_ path: String, _ body: String) -> String {
    "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  @Test("Answers leave in the order of the requests, whichever way each goes and however late it is answered")
  func order() async throws {
    let echo = Echo()
    try await DemoServer.with(fast: echo) { server in
      let client = try await RawHTTP.connect(port: server.port)
      let requests = [
        Self.get("/items/1"), Self.get("/fast/2"), Self.get("/late/3"), Self.post("/fast/4", "four"), Self.get("/items/5"),
        Self.get("/fast/left"), Self.post("/echo", "7"), Self.get("/late/8"), Self.get("/fast/9"), Self.get("/fast/10"),
        Self.get("/items/11"),
      ]
      try await client.send(requests.joined())
      try await client.finishSending()
      let letting = Task { while !Task.isCancelled { if echo.late > 0 { echo.letGo() } else { await Task.yield() } } }
      defer { letting.cancel() }
      let answers = try await client.answersUntilClosed()
      #expect(
        answers.map(\.status) == [200, 200, 200, 200, 200, 404, 200, 200, 200, 200, 200], "\(answers)")
      #expect(
        answers.map(\.body).enumerated().filter { $0.offset != 5 }.map(\.element)
          == ["1", "/fast/2", "/late/3", "/fast/4four", "5", "7", "/late/8", "/fast/9", "/fast/10", "11"])
      #expect(echo.answered == 6)
    }
  }

  @Test("A request is taken whole, wherever it was cut; in single bytes the parser has it")
  func fragments() async throws {
    let echo = Echo()
    try await DemoServer.with(fast: echo) { server in
      let bytes = Array((Self.post("/fast/x", "hello") + Self.post("/echo", "world")).utf8)
      let client = try await RawHTTP.connect(port: server.port)
      for cut in 1..<bytes.count {
        try await client.send(Array(bytes[..<cut]))
        try await client.send(Array(bytes[cut...]))
        #expect(try await client.answer().body == "/fast/xhello", "cut at \(cut)")
        #expect(try await client.answer().body == "world", "cut at \(cut)")
      }
      #expect(echo.answered == bytes.count - 1)
      for byte in Self.post("/echo", "single").utf8 { try await client.send([byte]) }
      #expect(try await client.answer().body == "single")
      try await client.send(Self.post("/echo", "again"))
      #expect(try await client.answer().body == "again")
      await client.close()
    }
  }

  @Test(
    "A client that sends no end of a head or body hears so from the guard, in the guard's time",
    arguments: [
      ("GET /fast/x HTTP/1.1\r\nHo", "header"),
      ("POST /fast/x HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\nContent-Length: 9\r\n\r\nhal", "body"),
    ])
  func timeouts(_ request: String, _ part: String) async throws {
    var limits = HTTPLimits()
    limits.headerTimeout = .milliseconds(300)
    limits.bodyTimeout = .milliseconds(300)
    let echo = Echo()
    try await DemoServer.with(limits, fast: echo) { server in
      let client = try await RawHTTP.connect(port: server.port)
      try await client.send(request)
      let answer = try await client.answer()
      #expect(answer.isProblem(408, "request_timeout") && answer.body.contains("The \(part) did not arrive"), "\(answer)")
      #expect(answer["Connection"] == "close" && echo.answered == 0)
      await client.close()
    }
  }

  @Test("Half a request and the end of the client's side is what it is to the parser; a whole one is answered first")
  func halfClose() async throws {
    let echo = Echo()
    try await DemoServer.with(fast: echo) { server in
      for half in ["GET /fast/x HTTP/1.1\r\nHo", "POST /fast/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhal"] {
        let client = try await RawHTTP.connect(port: server.port)
        try await client.send(half)
        try await client.finishSending()
        #expect(try await client.untilClosed().contains("/fast/x") == false)
        await client.close()
      }
      let client = try await RawHTTP.connect(port: server.port)
      try await client.send(Self.get("/late/1"))
      try await client.finishSending()
      try await eventually("the request is asked") { echo.late == 1 }
      echo.letGo()
      #expect(try await client.answersUntilClosed().map(\.body) == ["/late/1"])
    }
  }

  @Test("A client that goes away is forgotten, and its late answer with it")
  func gone() async throws {
    let echo = Echo()
    try await DemoServer.with(fast: echo) { server in
      let client = try await RawHTTP.connect(port: server.port)
      try await client.send(Self.get("/late/1"))
      try await eventually("the request is asked") { echo.late == 1 }
      await client.close()
      let other = try await RawHTTP.connect(port: server.port)
      try await other.send(Self.get("/fast/2"))
      #expect(try await other.answer().body == "/fast/2")
      echo.letGo()
      try await other.send(Self.get("/fast/3"))
      #expect(try await other.answer().body == "/fast/3")
      await other.close()
    }
  }

  @Test("The end of a process waits for what is still being answered after its connection has ended")
  func orphans() async throws {
    let (echo, orphans) = (Echo(), OrphanedRequests())
    try await DemoServer.with(fast: echo, orphans: orphans) { server in
      await orphans.ended()
      for number in 1...3 {
        let client = try await RawHTTP.connect(port: server.port)
        try await client.send(Self.get("/late/\(number)"))
        try await eventually("the request is asked") { echo.late == number }
        #expect(orphans.now == number - 1, "a request whose connection is there is not counted")
        try await client.reset()
        try await eventually("the request is counted") { orphans.now == number }
      }
      let waiting = Waiting()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          await orphans.ended()
          waiting.isOver.store(true, ordering: .relaxed)
        }
        // Others are answered meanwhile, and count for nothing.
        let other = try await RawHTTP.connect(port: server.port)
        for _ in 0..<50 {
          try await other.send(Self.get("/fast/4"))
          #expect(try await other.answer().body == "/fast/4")
        }
        await other.close()
        let isOver = waiting.isOver.load(ordering: .relaxed)
        #expect(!isOver)
        echo.letGo()
        try await group.waitForAll()
      }
      #expect(orphans.now == 0)
    }
  }

  @Test("A connection that asks for its end, for another protocol or to be told to go on is the guard's")
  func guarded() async throws {
    let echo = Echo()
    try await DemoServer.with(fast: echo) { server in
      for field in ["Connection: close", "Upgrade: h2c", "Expect: 100-continue", "Connection: x, close"] {
        let client = try await RawHTTP.connect(port: server.port)
        try await client.send("POST /fast/x HTTP/1.1\r\nHost: a\r\n\(field)\r\nContent-Length: 1\r\n\r\nx")
        var answer = try await client.answer()
        if answer.status == 100 { answer = try await client.answer() }
        #expect(answer.status == 404, "\(field): \(answer)")
        await client.close()
      }
      #expect(echo.answered == 0)
    }
  }
}
