import Foundation
import TestSupport
import Testing

@Suite("A process that ends", .timeLimit(.minutes(3)))
struct DrainTests {
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
          group.addTask { try await Self.askUntilClosed(connection, path) }
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

  /// The statuses of requests on one connection, until an answer says that it ends.
  private static func askUntilClosed(_ connection: RawHTTP, _ path: String) async throws -> [Int] {
    var statuses: [Int] = []
    while true {
      try await connection.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
      let answer = try await connection.answer()
      statuses.append(answer.status)
      if answer["Connection"] == "close" { return statuses }
    }
  }
}
