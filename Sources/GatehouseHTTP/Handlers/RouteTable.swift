import GatehouseCore
import HTTPTypes
import Hummingbird

/// The endpoints of the service, each with what answers it. The lists stand in the files of the endpoints' declarations.
struct RouteTable: Sendable {
  typealias Handler = @Sendable (API, Request, GatehouseContext) async throws -> Answer

  /// An endpoint with what answers it.
  struct Route: Sendable {
    let endpoint: Endpoint
    let handle: Handler
    init(_ endpoint: Endpoint, _ handle: @escaping Handler) { (self.endpoint, self.handle) = (endpoint, handle) }
  }

  /// All but the one that serves the document of all.
  let routes: [Route]

  /// The endpoints of the routes, and the one that serves their document.
  var endpoints: [Endpoint] { routes.map(\.endpoint) + [.openapi] }

  /// The endpoints that the internet may reach.
  static var `public`: RouteTable { served(by: .public) }

  /// The endpoints that operators reach, on the ops listener and the ops socket.
  static func operations(_ access: AdminAccess) -> RouteTable { served(by: .operations, access) }

  private static func served(by listener: Endpoint.Listener, _ access: AdminAccess = .key) -> RouteTable {
    let all =
      health + gate + accounts + backendUsers + sessions + ownAccount + analyses + usage + reservations + mails + events + admin(access)
    return RouteTable(routes: all.filter { $0.endpoint.listener == listener || $0.endpoint.listener == .both })
  }
}
