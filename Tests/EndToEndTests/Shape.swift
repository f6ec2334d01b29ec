import StrictJSON
import Testing

/// An answer as the contract shows it: the same members, no more and no less, in any order. A text in angle brackets stands for any
/// value of a kind; every other value stands for itself.
struct Shape: Sendable, ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
  private let text: String

  init(stringLiteral value: String) { text = value }

  /// Where `json` differs, one line a difference; empty when it has the shape.
  func differences(_ json: JSONValue) throws -> [String] { Self.compare(try JSONValue.parse(text), json, "") }

  private static func compare(_ wanted: JSONValue, _ found: JSONValue, _ path: String) -> [String] {
    switch (wanted, found) {
    case (.object(let wanted), .object(let found)):
      let names = Set(wanted.members.map(\.name)), seen = Set(found.members.map(\.name))
      let missing = names.subtracting(seen).map { "\(path).\($0) is missing" }
      let added = seen.subtracting(names).map { "\(path).\($0) should not be there" }
      let inner = wanted.members.flatMap { member in
        found[member.name].map { compare(member.value, $0, "\(path).\(member.name)") } ?? []
      }
      return (missing + added).sorted() + inner
    case (.array(let wanted), .array(let found)):
      guard wanted.count == found.count else { return ["\(path) has \(found.count) elements, not \(wanted.count)"] }
      return zip(wanted, found).enumerated().flatMap { compare($1.0, $1.1, "\(path)[\($0)]") }
    case (.string(let text), _) where text.hasPrefix("<"):
      return isOfKind(text, found) ? [] : ["\(path) is no \(text): \(spelled(found))"]
    default: return wanted == found ? [] : ["\(path) is \(spelled(found)), not \(spelled(wanted))"]
    }
  }

  private static func isOfKind(_ kind: String, _ value: JSONValue) -> Bool {
    switch (kind, value) {
    case ("<any>", _): return true
    case ("<int>", .number(let number)): return (number.asInt64 ?? -1) >= 0
    case ("<object>", .object): return true
    case ("<text>", .string(let text)): return !text.isEmpty
    case ("<source>", .string(let text)): return ["redis", "ledger"].contains(text)
    case ("<instant>", .string(let text)): return isInstant(text)
    case ("<token>", .string(let text)): return text.hasPrefix("gh_1") && text.utf8.count > 60
    case ("<req>", .string(let text)): return text.hasPrefix("req_")
    case (_, .string(let text)):
      // <usr>, <ses>, <ana>: the id of such a thing.
      return text.hasPrefix(kind.dropFirst().dropLast() + "_") && text.utf8.count == 18
    default: return false
    }
  }

  private static func isInstant(_ text: String) -> Bool {
    let pattern = "dddd-dd-ddTdd:dd:dd.dddZ"
    return text.utf8.count == pattern.utf8.count
      && zip(text, pattern).allSatisfy { found, wanted in wanted == "d" ? found.isNumber : found == wanted }
  }

  private static func spelled(_ value: JSONValue) -> String {
    var writer = JSONWriter()
    writer.value(value)
    return writer.text
  }
}

extension Shape {
  init(_ text: String) { self.text = text }

  /// A1, with the few members that tests vary.
  static func user(email: String, name: String = "null", zone: String = "UTC", plan: String = "free", externalID: String = "null") -> String
  {
    """
    {"id": "<usr>", "external_id": \(externalID), "email": "\(email)", "email_verified": false, "pending_email": null, "name": \(name),
     "time_zone": "\(zone)", "plan": "\(plan)", "plan_ends_at": null, "status": "active", "created_at": "<instant>"}
    """
  }

  /// The session of A2.
  static func session(
    class kind: String = "web", transport: String = "bearer", current: Bool = true, device: String = "null", agent: String = "\"<text>\"",
    ip: String = "<text>"
  ) -> String {
    """
    {"id": "<ses>", "class": "\(kind)", "transport": "\(transport)", "current": \(current), "device": \(device), "user_agent": \(agent),
     "ip": "\(ip)", "created_at": "<instant>", "last_seen_at": "<instant>", "authenticated_at": "<instant>",
     "idle_expires_at": "<instant>", "expires_at": "<instant>"}
    """
  }

  /// An allowance as A6 shows it.
  static func allowance(limit: String = "1", used: Int, held: Int, remaining: String) -> String {
    """
    {"metric": "video_analysis", "limit": \(limit), "used": \(used), "held": \(held), "remaining": \(remaining), "resets_at": "<instant>"}
    """
  }

  /// An allowance as A9 shows it.
  static func standing(limit: String = "1", used: Int, held: Int, remaining: String) -> String {
    """
    {"metric": "video_analysis", "limit": \(limit), "bonus": 0, "used": \(used), "held": \(held), "remaining": \(remaining),
     "resets_at": "<instant>"}
    """
  }

  /// The analysis of A6 and A7.
  static func analysis(
    status: String, filename: String = "\"squat.mp4\"", metadata: String = #"{"athlete": "17"}"#, lease: String = "\"<instant>\"",
    result: String = "null", error: String = "null", finished: String = "null"
  ) -> String {
    """
    {"id": "<ana>", "user_id": "<usr>", "status": "\(status)", "filename": \(filename), "metadata": \(metadata),
     "metric": "video_analysis", "amount": 1, "reservation_id": "<rsv>", "lease_expires_at": \(lease), "result": \(result),
     "error": \(error), "created_at": "<instant>", "finished_at": \(finished)}
    """
  }
}

extension RunningService.Answer {
  /// Checks status and body, and the header fields that every answer has.
  func expect(_ status: Int, _ shape: Shape, location: SourceLocation = #_sourceLocation) throws {
    #expect(self.status == status, "\(String(decoding: body, as: UTF8.self))", sourceLocation: location)
    let differences = try shape.differences(JSONValue.parse(body))
    #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))", sourceLocation: location)
    expectCommonFields(location)
  }

  /// Checks a refusal in full: status, type, title, detail and request id; `extras` are members beyond those.
  func expectProblem(
    _ status: Int, _ code: String, title: String? = nil, detail: String? = nil, extras: String = "",
    location: SourceLocation = #_sourceLocation
  ) throws {
    let type = status == 429 ? "https://iana.org/assignments/http-problem-types#quota-exceeded" : "urn:gatehouse:problem:\(code)"
    let shape = Shape(
      """
      {"type": "\(type)", "title": "\(title ?? "<text>")", "status": \(status), "code": "\(code)", "detail": "\(detail ?? "<text>")",
       "request_id": "\(headers["x-request-id"] ?? "")"\(extras.isEmpty ? "" : ", " + extras)}
      """)
    #expect(headers["content-type"] == "application/problem+json", sourceLocation: location)
    try expect(status, shape, location: location)
  }

  private func expectCommonFields(_ location: SourceLocation) {
    #expect(headers["cache-control"] == "no-store", sourceLocation: location)
    #expect(headers["x-content-type-options"] == "nosniff", sourceLocation: location)
    #expect(headers["strict-transport-security"] == "max-age=31536000", sourceLocation: location)
    #expect(headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'", sourceLocation: location)
    #expect(headers["referrer-policy"] == "no-referrer" && headers["x-frame-options"] == "DENY", sourceLocation: location)
    #expect(headers["x-request-id"]?.isEmpty == false, sourceLocation: location)
    #expect(headers["server"] == nil, sourceLocation: location)
  }
}
