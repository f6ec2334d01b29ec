import GatehouseCore
import HTTPTypes
import Hummingbird

extension API {
  /// The rules by which the guard of the public listener takes requests.
  public static var publicRules: RequestRules { RequestRules(RouteTable.public.endpoints) }

  /// The rules by which the guard of an ops listener takes requests.
  public static var operationsRules: RequestRules { RequestRules(RouteTable.operations(.key).endpoints) }

  /// The responder of the public listener.
  public func publicResponder() -> Edge {
    responder(
      .public,
      elsewhere: .init(
        routes: AllowTable(RouteTable.operations(.key).endpoints),
        detail: "This path is served by the ops listener (http.ops_port) and the ops sockets alone."),
      crossOrigin: CrossOrigin(origins: contract.allowedOrigins))
  }

  /// The responder of an ops listener.
  public func operationsResponder(_ access: AdminAccess) -> Edge {
    responder(
      .operations(access),
      elsewhere: .init(
        routes: AllowTable(RouteTable.public.endpoints),
        detail: "This path is served by the public listener (http.port) alone."))
  }

  private func responder(
    _ table: RouteTable, elsewhere: Edge.Elsewhere, crossOrigin: CrossOrigin = CrossOrigin(origins: [])
  ) -> Edge {
    let router = Edge.router()
    router.add(middleware: FreshKeys(keys: keys))
    var anyMethods: [Edge.AnyMethod] = []
    let document = OpenAPI.document(table.endpoints, cookieName: contract.cookieName)
    for route in table.routes + [.init(.openapi) { _, _, _ in answer(document) }] {
      if let method = route.endpoint.method {
        router.on(RouterPath(route.endpoint.path), method: method) { request, context in try await route.handle(self, request, context) }
      } else {
        anyMethods.append(Edge.AnyMethod(prefix: String(route.endpoint.prefix)) { try await route.handle(self, $0, $1) })
      }
    }
    return Edge(router, crossOrigin: crossOrigin, anyMethods: anyMethods, refusals: refusals, elsewhere: elsewhere)
  }
}
