import Foundation
import StrictJSON
import TestSupport
import Testing

/// The examples of the documents are what people copy: each request is sent, to things that exist. An operation without a body is sent as
/// well, so that every operation is answered once as documented.
@Suite("Examples of the OpenAPI documents") struct ExampleTests {
  /// Things that exist, for those of the reader's own in an example.
  private struct World {
    let user, session, analysis, reservation, key: String
    let token, mailToken, email: String

    /// The id that `{id}` stands for in a path.
    func id(_ path: String) -> String {
      if path.contains("/analyses/") { return analysis }
      if path.contains("/reservations/") { return reservation }
      if path.contains("/keys/") { return key }
      return path.hasPrefix("/v1/sessions/") ? session : user
    }
  }

  private func world(_ service: RunningService, _ path: String) async throws -> World {
    let user = try await service.newUser()
    let (work, accounts) = (try service.serviceKey("work"), try service.serviceKey("accounts"))
    // Only what the path is about: the free plan has one unit a day.
    var (analysis, reservation, mail, key) = ("", "", "", "")
    if path.contains("/analyses/") {
      analysis = try await service.startAnalysis(user.token, "example").text("analysis.id") ?? ""
    } else if path.contains("/reservations/") {
      let held = try await service.ask(
        "POST", "/v1/reservations", bearer: work, headers: ["Idempotency-Key": "example-\(user.id)"],
        body: #"{"user_id":"\#(user.id)","metric":"video_analysis"}"#)
      reservation = held.text("reservation.id") ?? ""
    } else if path.contains("password-resets") {
      let asked = try await service.ask("POST", "/v1/password-resets", bearer: accounts, body: #"{"email":"\#(user.email)"}"#)
      mail = asked.text("mail.token") ?? ""
    } else if path.contains("email-verifications") {
      let asked = try await service.ask("POST", "/v1/email-verifications", bearer: accounts, body: #"{"user_id":"\#(user.id)"}"#)
      mail = asked.text("mail.token") ?? ""
    }
    if path.contains("/keys/") {
      let made = try service.operate("POST", "/v1/admin/keys", body: #"{"name":"example","scopes":["gate"]}"#)
      key = made.text("id") ?? ""
    }
    let session = try await service.ask("GET", "/v1/session", bearer: user.token).text("session.id") ?? ""
    return World(
      user: user.id, session: session, analysis: analysis, reservation: reservation, key: key, token: user.token, mailToken: mail,
      email: user.email)
  }

  /// An example with the reader's own ids, token and address in it.
  private func filled(_ value: JSONValue, _ world: World, _ path: String) -> JSONValue {
    switch value {
    case .object(let object): return .object(JSONObject(object.members.map { ($0.name, member($0.name, $0.value, world, path)) }))
    case .array(let items): return .array(items.map { filled($0, world, path) })
    default: return value
    }
  }

  private func member(_ name: String, _ value: JSONValue, _ world: World, _ path: String) -> JSONValue {
    guard case .string(let text) = value else { return filled(value, world, path) }
    switch name {
    case "user_id": return .string(world.user)
    case "token" where text.hasPrefix("ghm_"): return .string(world.mailToken)
    case "token": return .string(world.token)
    // The user who signs up is new.
    case "email" where path == "/v1/users": return .string("new-\(world.email)")
    case "email": return .string(world.email)
    case "external_id": return .string("app-\(world.user)")
    case "current_password",
      "password" where path == "/v1/sessions" || path.hasPrefix("/v1/session/"):
      return .string(RunningService.password)
    default: return value
    }
  }

  /// The examples of a request's body; nil for a request that has none.
  private func requests(_ operation: JSONObject) -> [JSONValue?] {
    guard case .object(let body)? = operation["requestBody"] else { return [nil] }
    guard case .object(let content)? = body["content"], case .object(let media)? = content["application/json"] else { return [] }
    if let example = media["example"] { return [example] }
    guard case .object(let named)? = media["examples"] else { return [] }
    return named.members.compactMap { if case .object(let example) = $0.value { example["value"] } else { nil } }
  }

  /// The query of the parameters that have an example.
  private func query(_ operation: JSONObject, _ world: World, _ path: String) -> String {
    guard case .array(let parameters)? = operation["parameters"] else { return "" }
    let pairs = parameters.compactMap { parameter -> String? in
      guard case .object(let parameter) = parameter, parameter["in"] == "query", case .string(let name)? = parameter["name"],
        let example = parameter["example"], case .string(let text) = member(name, example, world, path)
      else { return nil }
      return "\(name)=\(text)"
    }
    return pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")
  }

  /// The credential of an example: that of a backend where it names a user or nothing else is taken.
  private func bearer(_ operation: JSONObject, _ example: JSONValue?, _ world: World, _ service: RunningService) throws -> String? {
    guard case .array(let choices)? = operation["security"] else { return nil }
    let names = choices.compactMap { if case .object(let choice) = $0 { choice.members.first?.name ?? "" } else { nil } }
    let namesUser = if case .object(let object) = example { object["user_id"] != nil } else { false }
    if names.contains("token"), !namesUser { return world.token }
    return names.contains("key") ? try service.serviceKey("gate,work,accounts") : nil
  }

  @Test("Every operation takes each example of its request, on both listeners")
  func requests() async throws {
    try await RunningService.with { service in
      var (sent, lacking) = (0, [String]())
      for isPublic in [true, false] {
        let document = isPublic ? try await service.ask("GET", "/openapi.json") : try service.operate("GET", "/openapi.json")
        guard case .object(let paths)? = document.json["paths"] else { throw RunningService.Failure(description: "no paths") }
        for path in paths.members {
          guard case .object(let operations) = path.value, !path.name.hasPrefix("/v1/auth/") else { continue }
          for method in operations.members {
            guard case .object(let operation) = method.value else { continue }
            let examples = requests(operation)
            if examples.isEmpty { lacking.append("\(method.name) \(path.name)") }
            for example in examples {
              let world = try await world(service, path.name)
              let body = example.map { example in
                var writer = JSONWriter()
                writer.value(filled(example, world, path.name))
                return writer.text
              }
              let target =
                path.name.replacing("{id}", with: world.id(path.name)).replacing("{sid}", with: world.session)
                .replacing("{policy}", with: "upload") + query(operation, world, path.name)
              let answer =
                isPublic
                ? try await service.ask(
                  method.name.uppercased(), target, bearer: bearer(operation, example, world, service),
                  headers: ["Idempotency-Key": "example-\(sent)"], body: body)
                : try service.operate(method.name.uppercased(), target, body: body)
              let said = String(decoding: answer.body, as: UTF8.self)
              #expect((200..<300).contains(answer.status), "\(method.name) \(target) \(body ?? ""): \(answer.status) \(said)")
              sent += 1
            }
          }
        }
      }
      #expect(lacking.isEmpty, "these have a body and no example of it")
      #expect(sent >= Contract.public.count + Contract.operations.count)
    }
  }
}
