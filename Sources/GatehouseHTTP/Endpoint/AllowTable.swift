import HTTPTypes
import Hummingbird

/// Which methods each path has, for 405 and OPTIONS.
struct AllowTable: Sendable {
  private struct Entry: Sendable {
    let path: RouterPath
    var methods: [HTTPRequest.Method]
  }

  private var entries: [Entry] = []

  /// The table of the routes that `router` has by now.
  init(_ router: Router<some RequestContext>) { for route in router.routes { add(route.path, route.method) } }

  /// The table of endpoints; those that take any method need none.
  init(_ endpoints: [Endpoint]) {
    for endpoint in endpoints { if let method = endpoint.method { add(RouterPath(endpoint.path), method) } }
  }

  private mutating func add(_ path: RouterPath, _ method: HTTPRequest.Method) {
    if let index = entries.firstIndex(where: { $0.path == path }) {
      entries[index].methods.append(method)
    } else {
      entries.append(Entry(path: path, methods: [method]))
    }
  }

  /// The methods of `path`, sorted, with HEAD beside GET and OPTIONS always; empty when no route has the path.
  func methods(_ path: String) -> [HTTPRequest.Method] {
    let segments = path.split(separator: "/")
    var found: Set<HTTPRequest.Method> = []
    for entry in entries where matches(entry.path, segments) { found.formUnion(entry.methods) }
    guard !found.isEmpty else { return [] }
    if found.contains(.get) { found.insert(.head) }
    found.insert(.options)
    return found.sorted { $0.rawValue < $1.rawValue }
  }

  /// Whether a route takes OPTIONS itself.
  func routesOptions(_ path: String) -> Bool {
    let segments = path.split(separator: "/")
    return entries.contains { $0.methods.contains(.options) && matches($0.path, segments) }
  }

  private func matches(_ path: RouterPath, _ segments: [Substring]) -> Bool {
    var rest = segments[...]
    for element in path {
      if element == .recursiveWildcard { return true }
      guard let segment = rest.popFirst(), element ~= segment else { return false }
    }
    return rest.isEmpty
  }
}
