import HTTPTypes
import NIOHTTP1

/// The rules for requests before a handler runs: the body cap, the admission, and whether a proxy asks.
public struct RequestRules: Sendable {
  /// The rule of one endpoint.
  struct Rule: Sendable {
    let bodyBytesMax: Int?
    let admission: Endpoint.Admission
    /// The rule for all requests that no endpoint has a rule for.
    static let standard = Rule(bodyBytesMax: nil, admission: .always)
  }

  private struct Entry: Sendable {
    let method: HTTPMethod
    let path: PathPattern
    let rule: Rule
  }

  // Only the endpoints whose rule is not the standard one: they are few, and each request is compared with all of them.
  private let entries: [Entry]
  private let forwarded: [String]

  /// The rules of a listener's endpoints.
  public init(_ endpoints: [Endpoint]) {
    entries = endpoints.compactMap { endpoint in
      guard let method = endpoint.method, endpoint.bodyCap != .standard || endpoint.admission != .always else { return nil }
      let bytesMax = endpoint.bodyCap == .standard ? nil : endpoint.bodyCap.rawValue
      return Entry(
        method: HTTPMethod(rawValue: method.rawValue), path: PathPattern(endpoint.path),
        rule: Rule(bodyBytesMax: bytesMax, admission: endpoint.admission))
    }
    forwarded = endpoints.filter { $0.method == nil }.map { String($0.prefix) }
  }

  /// The rule of a request. `path` is without the query.
  func rule(_ method: HTTPMethod, _ path: Substring) -> Rule {
    for entry in entries where entry.method == method && entry.path.matches(path) { return entry.rule }
    return .standard
  }

  /// Whether a proxy asks about somebody's request with this path.
  func isForwarded(_ path: String) -> Bool { forwarded.contains { path.hasPrefix($0) } }
}

/// A path in which `{…}` stands for any one segment.
struct PathPattern: Sendable {
  // nil is any segment.
  private let segments: [String?]

  init(_ path: String) { segments = path.split(separator: "/").map { $0.hasPrefix("{") ? nil : String($0) } }

  /// Whether `path` has just these segments. Allocates nothing.
  func matches(_ path: Substring) -> Bool {
    var rest = path.utf8
    let slash = UInt8(ascii: "/")
    for segment in segments {
      guard rest.popFirst() == slash else { return false }
      let end = rest.firstIndex(of: slash) ?? rest.endIndex
      let found = rest[..<end]
      if let segment { guard found.elementsEqual(segment.utf8) else { return false } } else if found.isEmpty { return false }
      rest = rest[end...]
    }
    return rest.isEmpty
  }
}
