import HTTPTypes
import StrictJSON

/// The OpenAPI 3.1 document of a listener: its endpoints and no others.
enum OpenAPI {
  /// Where every listener serves its own document.
  static let path = "/openapi.json"

  /// The refusals of any request.
  private static let anyRequest = [400, 405, 408, 414, 417, 431, 503]
  /// The refusals of any body.
  private static let anyBody = [413, 415, 422]
  /// The methods that a path of OpenAPI 3.1 can name.
  private static let methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"]

  /// The document of these endpoints, as JSON text.
  /// - Parameter cookieName: the name of the session's cookie in this configuration.
  static func document(_ endpoints: [Endpoint], cookieName: String) -> [UInt8] {
    var writer = JSONWriter(capacity: 131_072)
    writer.value(.object(object(endpoints, cookieName: cookieName)))
    return writer.bytes
  }

  static func object(_ endpoints: [Endpoint], cookieName: String) -> JSONObject {
    [
      "openapi": "3.1.0",
      "info": [
        "title": "Gatehouse", "version": "1",
        "description": "Sessions, rate limits and daily allowances for app backends. Every refusal is an application/problem+json.",
        "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
      ],
      "servers": [["url": "/"]],
      "paths": .object(paths(endpoints)),
      "components": .object(components(endpoints, cookieName)),
    ]
  }

  private static func paths(_ endpoints: [Endpoint]) -> JSONObject {
    var paths = JSONObject()
    for path in endpoints.map(\.path).uniqued() {
      var operations = JSONObject()
      for endpoint in endpoints where endpoint.path == path {
        if let method = endpoint.method {
          operations.append(method.rawValue.lowercased(), .object(operation(endpoint, name: endpoint.name)))
        } else {
          // Each method has an operation of its own name.
          for method in methods {
            let name = endpoint.name + method.prefix(1).uppercased() + method.dropFirst()
            operations.append(method, .object(operation(endpoint, name: name)))
          }
        }
      }
      paths.append(path, .object(operations))
    }
    return paths
  }

  private static func operation(_ endpoint: Endpoint, name: String) -> JSONObject {
    var operation: JSONObject = [
      "operationId": .string(name), "tags": [.string(endpoint.tag.rawValue)], "summary": .string(endpoint.summary),
    ]
    if let description = endpoint.description { operation.append("description", .string(description)) }
    operation.append("security", .array(endpoint.access.requirements))
    if !endpoint.parameters.isEmpty { operation.append("parameters", .array(endpoint.parameters.map { .object($0.json) })) }
    if let body = endpoint.body { operation.append("requestBody", .object(body.json)) }
    var responses = JSONObject(endpoint.answers.map { (String($0.status), .object($0.json)) })
    for status in refusals(endpoint) where responses[String(status)] == nil {
      responses.append(String(status), reference("responses", named(status, endpoint)))
    }
    operation.append("responses", .object(responses))
    return operation
  }

  /// The statuses of all its refusals: those of any request, of its credential, of its body, and its own.
  private static func refusals(_ endpoint: Endpoint) -> [Int] {
    var statuses = Set(anyRequest).union(endpoint.access.refusals).union(endpoint.problems.map(\.status))
    if endpoint.body != nil { statuses.formUnion(anyBody) }
    if endpoint.method == nil { statuses.remove(405) }
    return statuses.sorted()
  }

  private static func named(_ status: Int, _ endpoint: Endpoint) -> String {
    endpoint.access == .forwarded && Components.forwarded.contains { $0.status == status } ? "proxy-\(status)" : String(status)
  }

  static func reference(_ kind: String, _ name: String) -> JSONValue { ["$ref": .string("#/components/\(kind)/\(name)")] }

  /// The schemas that the endpoints refer to, and all else that documents name.
  private static func components(_ endpoints: [Endpoint], _ cookieName: String) -> JSONObject {
    var found: [Schema.Part] = []
    func add(_ parts: [Schema.Part]) {
      for part in parts where !found.contains(where: { $0.name == part.name }) {
        found.append(part)
        add(part.schema.parts)
      }
    }
    for endpoint in endpoints {
      add(endpoint.body?.schema.parts ?? [])
      for answer in endpoint.answers { for content in answer.content { add(content.schema.parts) } }
    }
    add(Schema.problem.parts)
    let isForwarded = endpoints.contains { $0.access == .forwarded }
    return [
      "schemas": .object(JSONObject(found.sorted { $0.name < $1.name }.map { ($0.name, .object($0.schema.json)) })),
      "responses": .object(Components.responses(withForwarded: isForwarded)),
      "headers": .object(JSONObject(Components.headers.map { ($0.name, .object($0.json)) })),
      "securitySchemes": .object(Components.securitySchemes(cookieName: cookieName)),
    ]
  }
}

extension Parameter {
  var json: JSONObject {
    var json: JSONObject = ["name": .string(name), "in": .string(place.rawValue), "required": .bool(isRequired)]
    if let description { json.append("description", .string(description)) }
    json.append("schema", .object(schema.json))
    if let example = schema.example { json.append("example", example) }
    return json
  }
}

extension RequestBody {
  fileprivate var json: JSONObject {
    var media: JSONObject = ["schema": .object(schema.json)]
    if let only = examples.first, examples.count == 1 {
      media.append("example", only.value)
    } else {
      media.append(
        "examples",
        .object(JSONObject(examples.map { ($0.name, ["summary": .string($0.summary), "value": $0.value]) })))
    }
    return ["required": .bool(isRequired), "content": ["application/json": .object(media)]]
  }
}

extension Success {
  fileprivate var json: JSONObject {
    var json: JSONObject = ["description": .string(description)]
    if !links.isEmpty {
      json.append(
        "links",
        .object(
          JSONObject(
            links.map {
              ($0.name, ["operationId": .string($0.operation), "parameters": ["id": .string("$response.body#\($0.id)")]])
            })))
    }
    if !headers.isEmpty {
      json.append("headers", .object(JSONObject(headers.map { ($0, OpenAPI.reference("headers", $0)) })))
    }
    if !content.isEmpty { json.append("content", .object(JSONObject(content.map { ($0.mediaType, .object($0.json)) }))) }
    return json
  }
}

extension Success.Content {
  fileprivate var json: JSONObject {
    var json: JSONObject = ["schema": .object(schema.json)]
    if let example { json.append("example", example) }
    return json
  }
}

extension Array where Element: Hashable {
  /// Each element once, in the order of its first place.
  fileprivate func uniqued() -> [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
