import Foundation
import Synchronization
import TestSupport
import Testing

@Suite("A process that ends", .timeLimit(.minutes(3)))
struct DrainTests {
  private final class Count: Sendable { let now = Atomic<Int>(0) }

  @Test("After SIGTERM /readyz says 503, and what is in flight or comes on open connections is answered as ever, with Connection: close")
  func answersAsEver() async throws {
    try await RunningService.with(environment: ["GATEHOUSE_LOGIN_FLOOR_MS": "1500"]) { service in
      let key = try service.serviceKey("accounts")
      let body = #"{"email":"drain@example.com","password":"\#(RunningService.password)"}"#
      #expect(try await service.ask("POST", "/v1/users", bearer: key, body: body).status == 201)
      let inFlight = try await RawHTTP.connect(port: service.port())
      try await inFlight.send(
        "POST /v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
      // The attempt is spent first: from then on the login is in flight.
      try await eventually("the login has taken its attempt") { try service.redis("keys", "gh:{own:*").contains("gh:{own:") }
      let idle = try await RawHTTP.connect(port: service.port())
      let statuses = try await withThrowingTaskGroup(of: [Int].self) { group in
        for caller in 0..<8 {
          let path = caller == 0 ? "/readyz" : "/v1/session"
          let connection = try await RawHTTP.connect(port: service.port())
          group.addTask { try await Self.askUntilClosed(connection, "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n") }
        }
        service.terminate()
        return try await group.reduce(into: []) { $0.append($1) }
      }
      let (health, calls) = (statuses.filter { $0.contains(200) }, statuses.filter { !$0.contains(200) })
      #expect(health.count == 1 && health[0].last == 503, "\(health)")
      #expect(calls.count == 7 && calls.joined().allSatisfy { $0 == 401 }, "\(Set(calls.joined()))")
      let login = try await inFlight.answer()
      #expect(login.status == 201 && login["Connection"] == "close")
      _ = idle
      try await eventually("the process ends, with a connection that asks nothing") { !service.isRunning() }
    }
  }

  @Test("Clients that connect at the moment of SIGTERM do not end the process in another way than it should end")
  func arrivals() async throws {
    try await RunningService.with(processes: 0) { service in
      for _ in 0..<5 {
        let server = try await CommandProcess.serve(service.folder)
        await withTaskGroup(of: Void.self) { clients in
          for _ in 0..<8 {
            clients.addTask {
              // Until nobody listens any more.
              var open: [RawHTTP] = []
              while let client = try? await RawHTTP.connect(port: server.port) { open.append(client) }
              for client in open { await client.close() }
            }
          }
          server.signal(SIGTERM)
        }
        let ended = try await server.outcome()
        #expect(ended.status == 0, "\(ended.err.suffix(2_000))")
      }
    }
  }

  @Test("A login that is turned away is answered as well, though SIGTERM comes while its answer is held back")
  func turnedAway() async throws {
    // So dear that two threads keep nearly all of them from being hashed.
    try await RunningService.with(environment: ["GATEHOUSE_PASSWORD_ARGON_MEMORY_KIB": "65536"]) { service in
      let turnedAway = Count()
      let statuses = try await withThrowingTaskGroup(of: [Int].self) { group in
        for number in 0..<96 {
          let connection = try await RawHTTP.connect(port: service.port())
          let body = #"{"email":"u\#(number)@example.com","password":"not this one"}"#
          let request =
            "POST /v1/sessions HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.0.\(number).1\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
          group.addTask {
            try await Self.askUntilClosed(connection, request) { if $0 == 503 { turnedAway.now.add(1, ordering: .relaxed) } }
          }
        }
        // From a connection's second on they are held back.
        try await eventually("logins are turned away") { turnedAway.now.load(ordering: .relaxed) > 300 }
        service.terminate()
        return try await group.reduce(into: []) { $0.append($1) }
      }
      let all = statuses.joined()
      #expect(statuses.count == 96 && Set(all).isSubset(of: [401, 429, 503]), "\(Set(all))")
    }
  }

  /// The statuses of the same request again and again on one connection, until an answer says that it ends.
  private static func askUntilClosed(
    _ connection: RawHTTP, _ request: String, told: @Sendable (Int) -> Void = { _ in }
  ) async throws -> [Int] {
    var statuses: [Int] = []
    while true {
      try await connection.send(request)
      let answer = try await connection.answer()
      statuses.append(answer.status)
      told(answer.status)
      if answer["Connection"] == "close" { return statuses }
    }
  }
}
