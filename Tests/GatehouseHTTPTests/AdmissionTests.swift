import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import GatehouseHTTP

@Suite("Admission of password requests")
struct AdmissionTests {
  private static let login = "POST /v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"

  @Test("A login without a slot is refused on a kept connection, in order, and a request with nothing to hash is admitted")
  func turnsAway() async throws {
    try await DemoServer.with(admission: AdmissionControl(slotsMax: .max) { true }) { server in
      let client = try await RawHTTP.connect(port: server.port)
      let canary = "GET /canary HTTP/1.1\r\nHost: a\r\n\r\n"
      try await client.send(canary + Self.login + canary)
      let answers = [try await client.answer(), try await client.answer(), try await client.answer()]
      #expect(answers.map(\.status) == [200, 503, 200])
      #expect(answers[1].isProblem(503, "overloaded") && answers[1]["Retry-After"] == "1" && answers[1]["Connection"] == nil)
      #expect(server.canaries == 2)
      await client.close()
    }
  }

  @Test("The page of an allowed origin may read why it was turned away, and how long to wait; another's may not")
  func crossOrigin() async throws {
    try await DemoServer.with(
      crossOrigin: CrossOrigin(origins: ["https://app.example"]), admission: AdmissionControl(slotsMax: .max) { true }
    ) { server in
      let client = try await RawHTTP.connect(port: server.port)
      for (origin, allowed) in [("https://app.example", true), ("https://other.example", false)] {
        try await client.send(Self.login.replacing("Host: a", with: "Host: a\r\nOrigin: \(origin)"))
        let answer = try await client.answer()
        #expect(answer.status == 503 && answer["Vary"] == "Origin")
        #expect(answer["Access-Control-Allow-Origin"] == (allowed ? origin : nil))
        #expect((answer["Access-Control-Expose-Headers"]?.contains("Retry-After") == true) == allowed)
      }
      await client.close()
    }
  }

  @Test("A slot is asked for anew for each request")
  func reopens() async throws {
    let isFull = Atomic(true)
    try await DemoServer.with(admission: AdmissionControl(slotsMax: .max) { isFull.load(ordering: .relaxed) }) { server in
      let client = try await RawHTTP.connect(port: server.port)
      try await client.send(Self.login)
      #expect(try await client.answer().status == 503)
      isFull.store(false, ordering: .relaxed)
      try await client.send(Self.login)
      // The demonstration has no such route.
      #expect(try await client.answer().status == 404)
      await client.close()
    }
  }

  @Test("As many logins are admitted as there are slots; one is free again once its answer is out, and a refused request takes none")
  func places() async throws {
    let signUp = Self.login.replacing("sessions", with: "users")
    try await DemoServer.with(admission: AdmissionControl(slotsMax: 2) { false }) { server in
      defer { server.letGo() }
      let inside = [try await RawHTTP.connect(port: server.port), try await RawHTTP.connect(port: server.port)]
      for client in inside { try await client.send(signUp) }
      try await eventually("two are admitted") { server.waiting == 2 }
      let outside = try await RawHTTP.connect(port: server.port)
      try await outside.send(signUp + Self.login + "GET /canary HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await outside.answer().isProblem(503, "overloaded"))
      #expect(try await outside.answer().isProblem(503, "overloaded"))
      #expect(try await outside.answer().status == 200, "a request without a password needs no slot")
      #expect(server.waiting == 2)

      server.letGo()
      for client in inside { #expect(try await client.answer().status == 204) }
      try await inside[0].send(signUp)
      try await outside.send(signUp)
      try await eventually("two are admitted") { server.waiting == 2 }
      // A client that has gone in the meantime keeps no slot either.
      for client in [inside[0], outside] { await client.close() }
      server.letGo()
      try await eventually("a slot is free") {
        try await inside[1].send(Self.login)
        return try await inside[1].answer().status == 404  // the demonstration has no such route
      }
    }
  }

  @Test("Requests that are refused within a moment are answered at few instants, none too early and none later than one more")
  func grid() {
    let limits = HTTPLimits()
    let grid = UInt64(limits.turnedAwayGrid.nanoseconds)
    for _ in 0..<1_000 {
      let before = NIODeadline.now()
      let time = limits.turnedAwayTime()
      let after = NIODeadline.now()
      #expect(time.uptimeNanoseconds % grid == 0)
      #expect(time >= before + .milliseconds(limits.turnedAwayMilliseconds.lowerBound))
      #expect(time <= after + .milliseconds(limits.turnedAwayMilliseconds.upperBound) + limits.turnedAwayGrid)
    }
  }

  @Test("A pause lies before a connection's second answer and every further one, and a client that leaves in it harms nobody")
  func pauses() async throws {
    var limits = HTTPLimits()
    limits.turnedAwayMilliseconds = 2_000...2_000
    try await DemoServer.with(limits, admission: AdmissionControl(slotsMax: .max) { true }) { server in
      let leaving = try await RawHTTP.connect(port: server.port)
      try await leaving.send(Self.login + Self.login)
      #expect(try await leaving.answer().status == 503)
      await leaving.close()
      let client = try await RawHTTP.connect(port: server.port)
      let start = ContinuousClock.now
      try await client.send(Self.login + Self.login + Self.login)
      #expect(try await client.answer().status == 503)
      #expect(start.duration(to: .now) < .milliseconds(2_000), "the first is answered at once")
      #expect(try await client.answer().status == 503)
      #expect(start.duration(to: .now) >= .milliseconds(2_000))
      #expect(try await client.answer().status == 503)
      #expect(start.duration(to: .now) >= .milliseconds(4_000))
      for closing in [client, try await RawHTTP.connect(port: server.port)] {
        try await closing.send("POST /v1/sessions HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
        let last = try await closing.answersUntilClosed()
        #expect(last.map(\.status) == [503] && last.first?["Connection"] == "close")
      }
    }
  }
}
