import GatehouseCore
import Hummingbird

/// No request is judged by service keys that may be out of date: at the start of a process, and when it was paused longer than a
/// revocation waits for it, they are read first.
struct FreshKeys: RouterMiddleware {
  let keys: ServiceKeys

  func handle(_ request: Request, context: GatehouseContext, next: (Request, GatehouseContext) async throws -> Response) async throws
    -> Response
  {
    if !keys.areFresh, request.uri.path.hasPrefix("/v1/") { try await keys.refreshIfStale() }
    return try await next(request, context)
  }
}
