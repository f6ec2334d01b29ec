import Foundation
import TestSupport
import Testing

/// Service keys are true, and dead, on every process at once.
@Suite(.serialized) struct ServiceKeyTests {
  @Test("A revoked service key is dead also on a process that was paused while it was revoked")
  func paused() async throws {
    try await RunningService.with(processes: 2) { service in
      for round in 0..<8 {
        let made = try service.operate("POST", "/v1/admin/keys", body: #"{"name":"round-\#(round)","scopes":["accounts"]}"#)
        let key = try #require(made.text("key"))
        let id = try #require(made.text("id"))
        #expect(try await service.ask("GET", "/v1/users/usr_unknown", process: 1, bearer: key).status == 404)
        // Its last use is written by then: a process that is paused while it writes would keep everybody from writing.
        try await eventually("the use of the key is written") { try isUsed(id, service) }
        try await service.pause(1)
        #expect(try service.operate("DELETE", "/v1/admin/keys/\(id)").status == 204)
        let call = try await RawHTTP.connect(port: service.port(1))
        try await call.send("GET /v1/users/usr_unknown HTTP/1.1\r\nHost: gatehouse\r\nAuthorization: Bearer \(key)\r\n\r\n")
        service.resume(1)
        #expect(try await call.answer().status == 401)
        await call.close()
      }
    }
  }

  /// Whether the ledger knows of a use of the key.
  private func isUsed(_ id: String, _ service: RunningService) throws -> Bool {
    let list = String(decoding: try service.operate("GET", "/v1/admin/keys").body, as: UTF8.self)
    guard let key = list.components(separatedBy: #"{"id":""#).first(where: { $0.hasPrefix(id) }) else { return false }
    return !key.contains(#""last_used_at":null"#)
  }
}
