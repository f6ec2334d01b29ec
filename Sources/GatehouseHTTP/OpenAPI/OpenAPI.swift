import HTTPTypes
import StrictJSON

/// The OpenAPI 3.1 document of a listener: its routes and no others.
///
/// Operations are written in the files beside this one, by tag, without what follows from their other members: every operation gets
/// the refusals that any request can meet, those of its credential and of its body, and those that `x-problems` lists.
enum OpenAPI {
  /// Where every listener serves its own document.
  static let path = "/openapi.json"

  private static let fragments = [
    healthPaths, gatePaths, proxyPaths, accountsPaths, backendUserPaths, sessionsPaths, ownAccountPaths, analysesPaths, usagePaths,
    reservationsPaths, mailPaths, eventsPaths, adminPaths, clockPaths, redisPaths,
  ]
  private static let anyRequest = [400, 405, 408, 414, 417, 431, 503]
  private static let anyCredential = [401, 403]
  private static let anySession = [429]
  private static let anyBody = [413, 415, 422]
  /// The methods that a path of OpenAPI 3.1 can name.
  private static let methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"]

  /// The document for these routes, and the paths that take any method, as JSON text. Throws if the written parts are not JSON, or lack
  /// one of the routes.
  /// - Parameter cookieName: what the session's cookie is called here.
  static func document(
    _ routes: [(method: HTTPRequest.Method, path: String)], anyMethod: [String] = [], cookieName: String
  ) throws -> [UInt8] {
    var written: [String: JSONObject] = [:]
    for fragment in fragments {
      for member in try object(fragment).members { written[member.name] = member.value.members }
    }
    var paths = JSONObject()
    for path in routes.map(\.path).uniqued() {
      var operations = JSONObject()
      for route in routes where route.path == path {
        let method = route.method.rawValue.lowercased()
        guard let operation = written[path]?[method]?.members else {
          throw Missing(description: "\(route.method) \(path) is not described")
        }
        operations.append(method, .object(whole(operation)))
      }
      paths.append(path, .object(operations))
    }
    for path in anyMethod {
      guard let operation = written[path]?["*"]?.members else { throw Missing(description: "\(path) is not described") }
      paths.append(path, .object(ofEveryMethod(whole(operation, refusals: anyRequest.filter { $0 != 405 }, isForwarded: true))))
    }
    var shapes = try object(schemas)
    for member in try object(gateSchemas).members { shapes.append(member.name, member.value) }
    var components: JSONObject = ["schemas": .object(shapes)]
    let proxies = try object(proxyComponents)
    for member in try object(Self.components).members {
      var values = member.value.members ?? [:]
      for more in proxies[member.name]?.members?.members ?? [] { values.append(more.name, more.value) }
      if member.name == "securitySchemes" {
        values.append("cookie", ["type": "apiKey", "in": "cookie", "name": .string(cookieName)])
      }
      components.append(member.name, .object(values))
    }
    let document: JSONObject = [
      "openapi": "3.1.0",
      "info": [
        "title": "Gatehouse", "version": "1",
        "description": "Sessions, rate limits and daily allowances for app backends. Every refusal is an application/problem+json.",
        "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
      ],
      "servers": [["url": "/"]],
      "paths": .object(paths),
      "components": .object(components),
    ]
    return json { $0.value(.object(document)) }
  }

  /// A route that nobody described.
  struct Missing: Error, CustomStringConvertible { let description: String }

  /// An operation with all its refusals: `refusals`, and those of its credential and body.
  /// - Parameter isForwarded: a proxy asks about somebody else's request, and no backend vouches for it.
  private static func whole(_ written: JSONObject, refusals: [Int] = anyRequest, isForwarded: Bool = false) -> JSONObject {
    var codes = Set(refusals)
    var responses = JSONObject()
    var operation = JSONObject()
    for member in written.members {
      switch (member.name, member.value) {
      case ("responses", .object(let object)): responses = object
      case ("x-problems", .array(let list)): codes.formUnion(list.compactMap { $0.integer })
      case ("security", .array(let list)):
        let names = list.flatMap { $0.members?.members.map(\.name) ?? [] }
        if !list.contains(where: { $0.members?.members.isEmpty ?? true }) { codes.formUnion(anyCredential) }
        if names.contains("token") { codes.formUnion(anySession) }
        operation.append(member.name, .array(isForwarded ? list : list + list.compactMap(vouched)))
      case ("requestBody", _):
        codes.formUnion(anyBody)
        operation.append(member.name, member.value)
      default: operation.append(member.name, member.value)
      }
    }
    for code in codes.sorted() where responses[String(code)] == nil {
      responses.append(String(code), ["$ref": .string("#/components/responses/\(code)")])
    }
    operation.append("responses", .object(responses))
    return operation
  }

  /// A session's credential with a backend's key beside it; nil for any other.
  private static func vouched(_ requirement: JSONValue) -> JSONValue? {
    guard let names = requirement.members, names["token"] != nil || names["cookie"] != nil else { return nil }
    var both = names
    both.append("backend", [])
    return .object(both)
  }

  /// An operation under every method, each with an `operationId` of its own.
  private static func ofEveryMethod(_ operation: JSONObject) -> JSONObject {
    var operations = JSONObject()
    for method in methods {
      var named = JSONObject()
      for member in operation.members {
        if case ("operationId", .string(let name)) = (member.name, member.value) {
          named.append(member.name, .string(name + method.prefix(1).uppercased() + method.dropFirst()))
        } else {
          named.append(member.name, member.value)
        }
      }
      operations.append(method, .object(named))
    }
    return operations
  }

  private static func object(_ text: String) throws -> JSONObject {
    guard case .object(let object) = try JSONValue.parse(Array(text.utf8)) else {
      throw Missing(description: "a written part is no object")
    }
    return object
  }
}

extension JSONValue {
  fileprivate var members: JSONObject? { if case .object(let object) = self { object } else { nil } }
  fileprivate var integer: Int? { if case .number(let number) = self { number.asInt64.map(Int.init) } else { nil } }
}

extension Array where Element: Hashable {
  /// Each element once, in the order of its first place.
  fileprivate func uniqued() -> [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
