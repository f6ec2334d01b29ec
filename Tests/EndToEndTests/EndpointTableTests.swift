import HTTPTypes
import NIOHTTP1
import Foundation
import GatehouseCore
import StrictJSON
import TestSupport
import Testing

@testable import GatehouseHTTP

extension Endpoint: CustomTestStringConvertible {
  public var testDescription: String { name }
}

@Suite("The endpoint table", .service) struct EndpointTableTests {
  private static let all = Contract.public + Contract.operations

  @Test("Names are unique on a listener, each part of a path in braces has its parameter, and links name operations")
  func consistent() {
    for endpoints in [Contract.public, Contract.operations] {
      #expect(Set(endpoints.map(\.name)).count == endpoints.count)
      for endpoint in endpoints {
        let parts = endpoint.path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
        #expect(parts == endpoint.parameters.filter { $0.place == .path }.map(\.name), "\(endpoint.path)")
        for link in endpoint.answers.flatMap(\.links) { #expect(endpoints.contains { $0.name == link.operation }) }
        let headers = endpoint.answers.flatMap(\.headers)
        for header in headers { #expect(Components.headers.contains { $0.name == header }, "\(header)") }
      }
    }
  }

  @Test("The credential of each endpoint is the one that the matrix of credentials proves")
  func access() throws {
    for endpoint in Self.all {
      guard let method = endpoint.method else { continue }
      let route = try #require(CataloguedRoute.all.first { $0.method == method.rawValue && $0.path == endpoint.path }, "\(endpoint.name)")
      let access: Access? =
        switch route.opens {
        case .anybody: .anyone
        case .session: .session
        case .key(let scope): ServiceKey.Scope(rawValue: scope).map(Access.key)
        case .sessionOr(let scope): ServiceKey.Scope(rawValue: scope).map(Access.sessionOr)
        case .anybodyOr(let scope): ServiceKey.Scope(rawValue: scope).map(Access.anyoneOr)
        }
      #expect(access == endpoint.access, "\(endpoint.name)")
      #expect(route.takesIdempotencyKey == endpoint.parameters.contains { $0.name == "Idempotency-Key" }, "\(endpoint.name)")
    }
  }

  @Test("Password requests alone need a hashing slot, and large bodies are taken where the contract says")
  func rules() {
    let rules = RequestRules(Contract.public)
    for endpoint in Contract.public {
      guard let method = endpoint.method else { continue }
      let path = endpoint.path.replacing("{id}", with: "x").replacing("{sid}", with: "x").replacing("{policy}", with: "x")
      let rule = rules.rule(.init(rawValue: method.rawValue), path[...])
      #expect(rule.admission == (["signUp", "logIn"].contains(endpoint.name) ? .hashingSlot : .always), "\(endpoint.name)")
      let larger = ["reportAnalysis": 131_072, "gateBatch": 524_288, "recordEvents": 524_288]
      #expect(rule.bodyBytesMax == larger[endpoint.name], "\(endpoint.name)")
    }
    for path in ["/v1/sessions/", "/v1/sessions/x", "//v1/sessions", "/v1", "/v1/gate/batch/x", "/v1/analyses/"] {
      #expect(rules.rule(.POST, path[...]).admission == .always && rules.rule(.PATCH, path[...]).bodyBytesMax == nil, "\(path)")
    }
    #expect(rules.isForwarded("/v1/auth/api/x") && !rules.isForwarded("/v1/auth") && !rules.isForwarded("/v1/gate"))
  }

  /// A value that a schema takes, with every member that it describes.
  private func value(_ schema: JSONObject) -> JSONValue {
    if let constant = schema["const"] { return constant }
    if case .array(let values)? = schema["enum"], let first = values.first { return first }
    let type: JSONValue? = if case .array(let types)? = schema["type"] { types.first } else { schema["type"] }
    switch type {
    case .string("object"):
      return .object(JSONObject((schema["properties"]?.object?.members ?? []).map { ($0.name, value($0.value.object ?? [:])) }))
    case .string("array"): return [value(schema["items"]?.object ?? [:])]
    case .string("integer"): return schema["minimum"] ?? 1
    case .string("boolean"): return false
    case .string("null"): return .null
    default:
      if case .string(let pattern)? = schema["pattern"], pattern.hasPrefix("^usr_") { return "usr_00000000000000" }
      if schema["format"] == "date-time" { return "2027-01-01T00:00:00.000Z" }
      return .string(String(repeating: "x", count: Int(schema["minLength"]?.integer ?? 1)))
    }
  }

  private func bearer(_ endpoint: Endpoint, _ service: RunningService) async throws -> String? {
    switch endpoint.access {
    case .session: try await service.newUser().token
    case .key(let scope), .sessionOr(let scope), .anyoneOr(let scope): try service.serviceKey(scope.rawValue)
    case .anyone, .forwarded: nil
    }
  }

  private func ask(_ endpoint: Endpoint, query: String = "", body: JSONValue? = nil) async throws -> RunningService.Answer {
    let service = try RunningService.shared()
    let ids = ["/v1/analyses": "ana_", "/v1/reservations": "rsv_", "/v1/sessions": "ses_", "/v1/admin/keys": "key_"]
    let prefix = ids.first { endpoint.path.hasPrefix($0.key) }?.value ?? "usr_"
    let path = endpoint.path.replacing("{id}", with: prefix + "00000000000000").replacing("{sid}", with: "ses_00000000000000")
      .replacing("{policy}", with: "upload")
    let port = endpoint.listener == .operations ? service.opsPort() : service.port()
    return try await service.ask(
      endpoint.method?.rawValue ?? "GET", path + query, at: port, bearer: bearer(endpoint, service),
      headers: ["Idempotency-Key": "t-\(UInt64.random(in: 0...UInt64.max))"],
      body: body.map { value in
        var writer = JSONWriter()
        writer.value(value)
        return writer.text
      })
  }

  @Test("Every declared field is read: alone it is known, whatever else the request lacks", arguments: all.filter { $0.body != nil })
  func fieldsAreRead(_ endpoint: Endpoint) async throws {
    let schema = try #require(endpoint.body?.schema)
    let named = schema.parts.first { schema.json["$ref"] == .string("#/components/schemas/\($0.name)") }?.schema.json
    let whole = named ?? schema.json
    let variants: [JSONObject] =
      if case .array(let choices)? = whole["oneOf"] { choices.compactMap(\.object) } else { [whole] }
    for variant in variants {
      let properties = variant["properties"]?.object?.members ?? []
      // The members that say which variant it is.
      let fixed = variants.count > 1 ? properties.filter { $0.value.object?["const"] != nil } : []
      for property in properties {
        var members = fixed.filter { $0.name != property.name }.map { ($0.name, value($0.value.object ?? [:])) }
        members.append((property.name, value(property.value.object ?? [:])))
        let answer = try await ask(endpoint, body: .object(JSONObject(members)))
        let said = String(decoding: answer.body, as: UTF8.self)
        let isLetIn = !["unauthenticated", "invalid_key", "scope_missing"].contains(answer.text("code") ?? "")
        #expect(isLetIn, "a request that is turned away says nothing of its fields: \(said)")
        #expect(!said.contains(#""code":"unknown_field""#), "\(endpoint.name) does not know \(property.name): \(said)")
      }
    }
  }

  @Test(
    "Every declared parameter of a query is known", arguments: all.filter { $0.parameters.contains { $0.place == .query } })
  func parametersAreRead(_ endpoint: Endpoint) async throws {
    for parameter in endpoint.parameters where parameter.place == .query {
      let answer = try await ask(endpoint, query: "?\(parameter.name)=x")
      #expect(!String(decoding: answer.body, as: UTF8.self).contains("unknown query parameter"), "\(endpoint.name) \(parameter.name)")
    }
  }
}
