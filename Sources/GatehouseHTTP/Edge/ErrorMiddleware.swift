import Hummingbird

/// The first middleware of every router: keeps Hummingbird from answering its own errors, so that `Edge` makes problems of them.
struct ErrorMiddleware: RouterMiddleware {
  /// An error that Hummingbird would have answered with `status`.
  struct Failure: Error {
    let status: Int
  }

  func handle(
    _ request: Request, context: GatehouseContext, next: (Request, GatehouseContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch let error as any HTTPResponseError {
      throw Failure(status: error.status.code)
    }
  }
}
