import HTTPTypes
import GatehouseLedger
import NIOHTTP1
import StrictJSON
import Testing

@testable import GatehouseHTTP

/// The endpoint table against what the running service says: every answer to a test's call is held to it.
enum Contract {
  static let `public` = RouteTable.public.endpoints
  static let operations = RouteTable.operations(.key).endpoints

  private static let documents = (
    public: OpenAPI.object(`public`, cookieName: Credential.cookieName),
    operations: OpenAPI.object(operations, cookieName: Credential.cookieName)
  )

  static func document(isPublic: Bool) -> JSONObject { isPublic ? documents.public : documents.operations }

  /// Records an issue where an answer is not as the documents say.
  static func hold(_ answer: RunningService.Answer, to method: String, _ target: String, isPublic: Bool) {
    for difference in differences(answer, method, target, isPublic: isPublic) {
      Issue.record("the answer to \(method) \(target) is not as documented: \(difference)")
    }
  }

  static func differences(_ answer: RunningService.Answer, _ method: String, _ target: String, isPublic: Bool) -> [String] {
    let path = target.prefix { $0 != "?" }
    let endpoints = isPublic ? `public` : operations
    let found = endpoints.first { endpoint in
      guard let known = endpoint.method else { return path.hasPrefix(endpoint.prefix) }
      return known.rawValue == method && PathPattern(endpoint.path).matches(path)
    }
    let document = document(isPublic: isPublic)
    guard let endpoint = found, let operation = document["paths"]?.object?[endpoint.path]?.object?[method.lowercased()]?.object,
      let responses = operation["responses"]?.object
    else { return [] }
    guard var response = responses[String(answer.status)]?.object else { return ["status \(answer.status) is not documented"] }
    let schema = JSONSchema(document: document, open: ["Problem"])
    if case .string(let reference)? = response["$ref"] { response = schema.resolved(reference) ?? [:] }
    guard let content = response["content"]?.object else { return answer.body.isEmpty ? [] : ["there is a body"] }
    // The ops socket's answers come without their fields.
    let media = answer.headers["content-type"].map { String($0.prefix { $0 != ";" }) } ?? content.members.first?.name ?? ""
    guard let described = content[media]?.object else { return ["its media type \(media) is not documented"] }
    guard media.hasSuffix("json"), let wanted = described["schema"]?.object else { return [] }
    do {
      return schema.differences(try JSONValue.parse(answer.body), wanted)
    } catch { return ["it is not JSON: \(error)"] }
  }
}
