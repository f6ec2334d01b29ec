import Foundation
import StrictJSON
import TestSupport
import Testing

@testable import GatehouseHTTP

@Suite("The OpenAPI documents", .service) struct DocumentTests {
  @Test("The documents docs/openapi-public.json and docs/openapi-ops.json are what the listeners serve", arguments: [true, false])
  func checkedIn(isPublic: Bool) async throws {
    let service = try RunningService.shared()
    let served = isPublic ? try await service.ask("GET", "/openapi.json") : try service.operate("GET", "/openapi.json")
    let name = "docs/openapi-\(isPublic ? "public" : "ops").json"
    let text = try Data(contentsOf: RunningService.root.appendingPathComponent(name))
    let difference = Self.difference(try JSONValue.parse(Array(text)), .object(served.json))
    #expect(
      difference == nil,
      "\(name) is not what is served, first at \(difference ?? ""). If the change is meant, run: make openapi, and commit the file.")
  }

  /// Where two documents first differ, members in order; nil when they are the same.
  static func difference(_ old: JSONValue, _ new: JSONValue, at place: String = "#") -> String? {
    switch (old, new) {
    case (.object(let old), .object(let new)):
      for (left, right) in zip(old.members, new.members) {
        guard left.name == right.name else { return "\(place)/\(left.name), where \(right.name) stands now" }
        if let found = difference(left.value, right.value, at: "\(place)/\(left.name)") { return found }
      }
      guard old.members.count == new.members.count else { return "the last member of \(place)" }
      return nil
    case (.array(let old), .array(let new)):
      for (index, pair) in zip(old, new).enumerated() {
        if let found = difference(pair.0, pair.1, at: "\(place)/\(index)") { return found }
      }
      return old.count == new.count ? nil : "the last element of \(place)"
    default: return old == new ? nil : place
    }
  }

  @Test("Every field and parameter of both documents is described", arguments: [true, false])
  func everyFieldIsDescribed(isPublic: Bool) {
    let document = Contract.document(isPublic: isPublic)
    #expect(Self.fields(JSONValue.object(document), "#").count > (isPublic ? 300 : 80), "the walk sees the document's fields")
    #expect(Self.undescribed(.object(document), "#") == [])
  }

  @Test("A field without a description is noticed wherever it stands")
  func lacksDescription() throws {
    for (schema, place) in [
      (#"{"properties": {"a": {"type": "string"}}}"#, "#.a"),
      (#"{"properties": {"a": {"description": "", "type": "string"}}}"#, "#.a"),
      (#"{"items": {"properties": {"a": {"type": "null"}}}}"#, "#/items.a"),
      (#"{"anyOf": [{"type": "null"}, {"properties": {"a": {}}}]}"#, "#/anyOf/1.a"),
      (#"{"properties": {"a": {"description": "An object.", "properties": {"b": {}}}}}"#, "#.a.b"),
      (#"{"parameters": [{"name": "limit", "in": "query"}]}"#, "#/parameters/0.limit"),
    ] {
      let part = try JSONValue.parse(Array(schema.utf8))
      #expect(Self.undescribed(part, "#") == [place])
    }
  }

  /// The fields and parameters below a part of a document, each with its place.
  private static func fields(_ part: JSONValue, _ place: String) -> [(place: String, field: JSONObject)] {
    switch part {
    case .array(let elements): return elements.enumerated().flatMap { fields($1, "\(place)/\($0)") }
    case .object(let object):
      var found: [(place: String, field: JSONObject)] = []
      if case .string(let name)? = object["name"], object["in"] != nil { found.append(("\(place).\(name)", object)) }
      for member in object.members where !["example", "examples", "default", "enum"].contains(member.name) {
        guard member.name == "properties", let properties = member.value.object else {
          found += fields(member.value, "\(place)/\(member.name)")
          continue
        }
        for property in properties.members {
          let here = "\(place).\(property.name)"
          found.append((here, property.value.object ?? [:]))
          found += fields(property.value, here)
        }
      }
      return found
    default: return []
    }
  }

  private static func undescribed(_ part: JSONValue, _ place: String) -> [String] {
    fields(part, place).filter { field in
      guard case .string(let sentence)? = field.field["description"] else { return true }
      return sentence.isEmpty
    }.map(\.place)
  }

  @Test("Every answer has an example, and each example is as its schema says", arguments: [true, false])
  func answersHaveExamples(isPublic: Bool) {
    let document = Contract.document(isPublic: isPublic)
    let schema = JSONSchema(document: document)
    for endpoint in isPublic ? Contract.public : Contract.operations where endpoint.name != Endpoint.openapi.name {
      for answer in endpoint.answers {
        for content in answer.content where content.mediaType == "application/json" {
          guard let example = content.example else {
            Issue.record("\(endpoint.name) \(answer.status) has no example")
            continue
          }
          #expect(schema.differences(example, content.schema.json).isEmpty, "\(endpoint.name) \(answer.status)")
        }
      }
      for body in [endpoint.body].compactMap(\.self) {
        for example in body.examples {
          #expect(schema.differences(example.value, body.schema.json).isEmpty, "the request of \(endpoint.name)")
        }
      }
    }
  }

  @Test("An answer that lacks a member, or has one more, or a status or value that is not documented, is noticed")
  func strictness() {
    func differences(_ status: Int, _ body: String, path: String = "/livez") -> [String] {
      let answer = RunningService.Answer(status: status, headers: ["content-type": "application/json"], body: Array(body.utf8))
      return Contract.differences(answer, "GET", path, isPublic: true)
    }
    #expect(differences(200, #"{"status":"alive"}"#).isEmpty)
    for body in ["{}", #"{"status":"alive","more":1}"#, #"{"status":"dead"}"#, #"{"status":null}"#, "[]"] {
      #expect(differences(200, body).count == 1, "\(body)")
    }
    #expect(differences(404, "{}") == ["status 404 is not documented"])
    let page = #"{"data":[{"id":"usr_1"}],"next_cursor":7}"#
    #expect(differences(200, page, path: "/v1/users").count > 2, "within lists and named schemas")
  }
}
