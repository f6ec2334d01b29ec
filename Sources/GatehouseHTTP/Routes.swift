import GatehouseCore
import HTTPTypes
import Hummingbird
import StrictJSON

/// The whole API on one screen.
struct RouteTable: Sendable {
  typealias Handler = @Sendable (API, Request, GatehouseContext) async throws -> Response

  struct Route: Sendable {
    let method: HTTPRequest.Method
    let path: String
    let handle: Handler
    init(_ method: HTTPRequest.Method, _ path: String, _ handle: @escaping Handler) {
      self.method = method
      self.path = path
      self.handle = handle
    }
  }

  let routes: [Route]

  static var health: [Route] {
    [
      Route(.get, "/livez") { _, _, _ in answer(json { $0.object { $0.string("status", "alive") } }) },
      Route(.get, "/readyz") { api, _, _ in api.readyz() },
    ]
  }

  /// What the internet may reach.
  static var `public`: RouteTable {
    RouteTable(
      routes: health + [
        Route(.post, "/v1/users") { try await $0.signUp($1, $2) },
        Route(.get, "/v1/users") { try await $0.findUser($1, $2) },
        Route(.get, "/v1/users/{id}") { try await $0.user($1, $2) },
        Route(.patch, "/v1/users/{id}") { try await $0.changeUser($1, $2) },
        Route(.delete, "/v1/users/{id}") { try await $0.deleteUser($1, $2) },
        Route(.put, "/v1/users/{id}/plan") { try await $0.changePlan($1, $2) },
        Route(.get, "/v1/users/{id}/sessions") { try await $0.sessionsOfUser($1, $2) },
        Route(.delete, "/v1/users/{id}/sessions") { try await $0.endSessionsOfUser($1, $2) },
        Route(.delete, "/v1/users/{id}/sessions/{sid}") { try await $0.endSessionOfUser($1, $2) },
        Route(.get, "/v1/users/{id}/usage") { try await $0.usageOfUser($1, $2) },
        Route(.post, "/v1/users/{id}/suspension") { try await $0.suspendUser($1, $2) },
        Route(.delete, "/v1/users/{id}/suspension") { try await $0.liftSuspension($1, $2) },
        Route(.post, "/v1/sessions") { try await $0.logIn($1, $2) },
        Route(.get, "/v1/sessions") { try await $0.devices($1, $2) },
        Route(.delete, "/v1/sessions") { try await $0.endDevices($1, $2) },
        Route(.delete, "/v1/sessions/{id}") { try await $0.endDevice($1, $2) },
        Route(.get, "/v1/session") { try await $0.currentSession($1, $2) },
        Route(.delete, "/v1/session") { try await $0.logOut($1, $2) },
        Route(.post, "/v1/session/rotate") { try await $0.rotate($1, $2) },
        Route(.post, "/v1/session/reauthenticate") { try await $0.reauthenticate($1, $2) },
        Route(.get, "/v1/user") { try await $0.ownAccount($1, $2) },
        Route(.patch, "/v1/user") { try await $0.changeOwnAccount($1, $2) },
        Route(.delete, "/v1/user") { try await $0.deleteOwnAccount($1, $2) },
        Route(.put, "/v1/user/password") { try await $0.changePassword($1, $2) },
        Route(.get, "/v1/user/export") { try await $0.exportAccount($1, $2) },
        Route(.post, "/v1/email-verifications") { try await $0.requestVerification($1, $2) },
        Route(.post, "/v1/email-verifications/complete") { try await $0.completeVerification($1, $2) },
        Route(.post, "/v1/password-resets") { try await $0.requestReset($1, $2) },
        Route(.post, "/v1/password-resets/complete") { try await $0.completeReset($1, $2) },
        Route(.get, "/v1/events") { try await $0.events($1, $2) },
        Route(.post, "/v1/analyses") { try await $0.startAnalysis($1, $2) },
        Route(.get, "/v1/analyses") { try await $0.analyses($1, $2) },
        Route(.get, "/v1/analyses/{id}") { try await $0.analysis($1, $2) },
        Route(.patch, "/v1/analyses/{id}") { try await $0.reportAnalysis($1, $2) },
        Route(.delete, "/v1/analyses/{id}") { try await $0.deleteAnalysis($1, $2) },
        Route(.get, "/v1/usage") { try await $0.usage($1, $2) },
        Route(.get, "/v1/usage/history") { try await $0.usageHistory($1, $2) },
        Route(.get, "/v1/usage/events") { try await $0.usageEvents($1, $2) },
        Route(.post, "/v1/usage/events") { try await $0.recordEvents($1, $2) },
        Route(.post, "/v1/reservations") { try await $0.reserve($1, $2) },
        Route(.post, "/v1/reservations/{id}/commit") { try await $0.commitReservation($1, $2) },
        Route(.post, "/v1/reservations/{id}/release") { try await $0.releaseReservation($1, $2) },
        Route(.post, "/v1/reservations/{id}/extend") { try await $0.extendReservation($1, $2) },
        Route(.post, "/v1/gate") { try await $0.decideGate($1, $2) },
        Route(.post, "/v1/gate/batch") { try await $0.decideBatch($1, $2) },
        Route(.post, "/v1/limits/{policy}/check") { try await $0.checkLimit($1, $2) },
      ])
  }

  /// What operators reach, on the ops listener and the ops socket.
  static func operations(_ access: AdminAccess) -> RouteTable {
    RouteTable(
      routes: health + [
        Route(.get, "/v1/admin/users") { try await $0.adminUsers($1, $2, access) },
        Route(.get, "/v1/admin/users/{id}") { try await $0.adminUser($1, $2, access) },
        Route(.patch, "/v1/admin/users/{id}") { try await $0.adminChangeUser($1, $2, access) },
        Route(.delete, "/v1/admin/users/{id}") { try await $0.adminDeleteUser($1, $2, access) },
        Route(.post, "/v1/admin/sessions/revoke-all") { try await $0.revokeEveryone($1, $2, access) },
        Route(.get, "/v1/admin/clock") { try await $0.adminClock($1, $2, access) },
        Route(.post, "/v1/admin/clock/accept") { try await $0.acceptClock($1, $2, access) },
        Route(.post, "/v1/admin/redis/forget") { try await $0.forgetRedis($1, $2, access) },
        Route(.post, "/v1/admin/keys") { try await $0.createKey($1, $2, access) },
        Route(.get, "/v1/admin/keys") { try await $0.listKeys($1, $2, access) },
        Route(.delete, "/v1/admin/keys/{id}") { try await $0.revokeKey($1, $2, access) },
      ])
  }
}

extension API {
  /// The responder of the public listener. Throws if a route is not described in the OpenAPI document.
  public func publicResponder() throws -> Edge {
    try responder(
      .public,
      elsewhere: .init(
        routes: AllowTable(RouteTable.operations(.key).routes.map { ($0.method, $0.path) }),
        detail: "This path is served by the ops listener (http.ops_port) and the ops sockets alone."),
      crossOrigin: CrossOrigin(origins: contract.allowedOrigins),
      anyMethod: Edge.AnyMethod(path: ForwardAuth.path, prefix: ForwardAuth.prefix) { await self.forwardAuth($0, $1) })
  }

  /// The responder of an ops listener. Throws as `publicResponder`.
  public func operationsResponder(_ access: AdminAccess) throws -> Edge {
    try responder(
      .operations(access),
      elsewhere: .init(
        routes: AllowTable(RouteTable.public.routes.map { ($0.method, $0.path) }),
        detail: "This path is served by the public listener (http.port) alone."))
  }

  private func responder(
    _ table: RouteTable, elsewhere: Edge.Elsewhere, crossOrigin: CrossOrigin = CrossOrigin(origins: []),
    anyMethod: Edge.AnyMethod? = nil
  ) throws -> Edge {
    let router = Edge.router()
    router.add(middleware: FreshKeys(keys: keys))
    for route in table.routes {
      router.on(RouterPath(route.path), method: route.method) { request, context in try await route.handle(self, request, context) }
    }
    let document = try OpenAPI.document(
      table.routes.map { ($0.method, $0.path) } + [(.get, OpenAPI.path)], anyMethod: anyMethod.map { [$0.path] } ?? [],
      cookieName: contract.cookieName)
    router.get(RouterPath(OpenAPI.path)) { _, _ in answer(document) }
    return Edge(router, crossOrigin: crossOrigin, anyMethod: anyMethod, refusals: refusals, elsewhere: elsewhere)
  }

  /// 200 while requests are answered, degraded while Redis is away or may forget what it counts; 503 while starting, draining or without the ledger.
  func readyz() -> Response {
    let health = domain.health
    let isReady = readiness.now == .ready && health.ledgerIsUp
    let status =
      switch readiness.now {
      case .starting: "starting"
      case .draining: "draining"
      case .ready: health.ledgerIsUp ? (health.redisIsUp && !health.redisMayForget ? "ready" : "degraded") : "down"
      }
    return answer(
      isReady ? .ok : .serviceUnavailable,
      json { writer in
        writer.object { writer in
          writer.string("status", status)
          writer.string("redis", health.redisIsUp ? "up" : "down")
          writer.string("ledger", health.ledgerIsUp ? "up" : "down")
          writer.string("clock", health.clockIsBelieved ? "believed" : "alarm")
        }
      })
  }
}
