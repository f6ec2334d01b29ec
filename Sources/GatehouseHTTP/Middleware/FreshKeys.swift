import GatehouseCore
import Hummingbird

/// No request is judged by service keys that may be out of date: at the start of a process, and when it was paused longer than a
/// revocation waits for it, they are read first.
struct FreshKeys: RouterMiddleware {
  typealias Context = GatehouseContext
  let keys: ServiceKeys

  func handle(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws -> Response {
    if request.uri.path.hasPrefix("/v1/") { try await keys.refreshIfStale() }
    return try await next(request, context)
  }
}
