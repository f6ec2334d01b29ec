import HTTPTypes
import Hummingbird

/// Which methods each route has, for 405 and OPTIONS.
struct AllowTable: Sendable {
  private struct Entry: Sendable {
    let path: RouterPath
    var methods: [HTTPRequest.Method]
  }

  private var entries: [Entry] = []

  /// The table of the routes that `router` has by now.
  init(_ router: Router<some RequestContext>) {
    for route in router.routes {
      if let index = entries.firstIndex(where: { $0.path == route.path }) {
        entries[index].methods.append(route.method)
      } else {
        entries.append(Entry(path: route.path, methods: [route.method]))
      }
    }
  }

  /// The table of routes that are served elsewhere.
  init(_ routes: [(method: HTTPRequest.Method, path: String)]) {
    entries = routes.map { Entry(path: RouterPath($0.path), methods: [$0.method]) }
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
