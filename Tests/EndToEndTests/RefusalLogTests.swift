import Foundation
import StrictJSON
import TestSupport
import Testing

@testable import GatehouseHTTP

/// A caller is told a request id with every refusal: what stands under it in the log, at the default level.
@Suite("Refusals in the log") struct RefusalLogTests {
  private func lines(_ service: RunningService, _ requestID: String, count: Int = 1) async throws -> [JSONObject] {
    var found: [JSONObject] = []
    try await eventually("the log tells of \(requestID)") {
      found = try service.log().split(separator: "\n").compactMap { line in
        guard case .object(let event)? = try? JSONValue.parse(Array(line.utf8)), event["request_id"] == .string(requestID) else {
          return nil
        }
        return event
      }
      return found.count >= count
    }
    return found
  }

  @Test("Each refusal stands in the log with its request id, user, key and policy, and with no token", .asvs("16.3.2", "16.2.5"))
  func each() async throws {
    try await RunningService.with(environment: ["GATEHOUSE_POLICIES_API_LIMIT": "2"]) { service in
      let (user, key) = (try await service.newUser(), try service.serviceKey("gate"))
      let token = user.token
      var number = 0
      func refused(
        _ expected: [String: String], _ method: String, _ path: String, bearer: String? = nil, _ headers: [String: String] = [:],
        body: String? = nil
      ) async throws {
        number += 1
        let id = "refusal-\(number)"
        _ = try await service.ask(method, path, bearer: bearer, headers: headers.merging(["X-Request-Id": id]) { $1 }, body: body)
        let line = try #require(try await lines(service, id).first)
        for (name, value) in expected { #expect(line[name] == .string(value), "\(method) \(path): \(line)") }
        #expect(["info", "notice"].contains { line["level"] == .string($0) })
      }
      let gate = #"{"token":"\#(token)"}"#
      try await refused(["code": "unauthenticated"], "GET", "/v1/session")
      try await refused(["decision": "unauthenticated"], "POST", "/v1/gate", bearer: key, body: #"{"token":"gh_forged"}"#)
      try await refused(["code": "invalid_key"], "POST", "/v1/gate", bearer: "ghk_forged", body: gate)
      try await refused(["code": "scope_missing"], "GET", "/v1/users?email=a@example.com", bearer: key)
      try await refused(["code": "invalid_fields"], "POST", "/v1/gate", bearer: key, body: "{}")
      try await refused(["code": "not_found"], "GET", "/v1/nothing/\(token)")
      try await refused(["code": "invalid_login"], "POST", "/v1/sessions", body: #"{"email":"\#(user.email)","password":"x"}"#)
      try await refused(["code": "unauthenticated"], "GET", "/v1/auth/api")
      try await refused(["code": "unknown_profile"], "GET", "/v1/auth/nothing", bearer: token)
      try await refused(["code": "csrf_rejected"], "POST", "/v1/auth/api", ["Cookie": "__Host-gatehouse=\(token)"])
      for _ in 0..<2 { _ = try await service.ask("POST", "/v1/gate", bearer: key, body: gate) }
      try await refused(["decision": "rate_limited", "user": user.id], "POST", "/v1/gate", bearer: key, body: gate)
      try await refused(["code": "rate_limited", "user": user.id], "GET", "/v1/session", bearer: token)
      try await refused(["code": "rate_limited", "user": user.id], "GET", "/v1/auth/api", bearer: token)
      let limited = try await lines(service, "refusal-\(number)")
      #expect(limited.first?["policies"] == .array([.string("api")]))
      let batch = #"{"requests":[{"token":"\#(token)"},{"token":"gh_forged"},{"token":7}]}"#
      _ = try await service.ask("POST", "/v1/gate/batch", bearer: key, headers: ["X-Request-Id": "a-batch"], body: batch)
      let items = try await lines(service, "a-batch", count: 3).sorted { "\($0["number"] ?? .null)" < "\($1["number"] ?? .null)" }
      #expect(items.map { $0["decision"] } == [.string("rate_limited"), .string("unauthenticated"), nil])
      #expect(items.last?["code"] == .string("invalid_fields"))
      let raw = try await service.raw("GET /v1/session/\(token) HTTP/1.1\r\nHost: a\r\nHost: b\r\nX-Request-Id: at-the-guard\r\n\r\n")
      #expect(raw.status == 400)
      #expect(try await lines(service, "at-the-guard").first?["code"] == .string("malformed_request"))
      let all = try service.log()
      #expect(!all.contains(token) && !all.contains(key) && !all.contains(user.email) && !all.contains("not this one"))
    }
  }

  @Test("An allowed call writes no line")
  func allowed() async throws {
    try await RunningService.with { service in
      let user = try await service.newUser()
      _ = try await service.ask("GET", "/v1/session", bearer: user.token, headers: ["X-Request-Id": "allowed-one"])
      _ = try await service.ask("GET", "/v1/session", headers: ["X-Request-Id": "refused-one"])
      _ = try await lines(service, "refused-one")
      #expect(try !service.log().contains("allowed-one"))
    }
  }
}
