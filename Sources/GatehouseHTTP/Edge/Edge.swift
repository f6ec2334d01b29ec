import GatehouseCore
import HTTPTypes
import Hummingbird
import Logging

/// Stands around all routes of a listener: every answer and every error passes here.
public final class Edge: HTTPResponder {
  /// The context of every request, which Hummingbird asks a responder to name.
  public typealias Context = GatehouseContext

  private let inner: RouterResponder<GatehouseContext>
  private let allow: AllowTable
  private let crossOrigin: CrossOrigin
  private let anyMethods: [AnyMethod]
  private let refusals: RefusalLog?
  private let elsewhere: Elsewhere?

  /// An endpoint that takes every method and every path below it, and answers its own errors.
  struct AnyMethod: Sendable {
    let prefix: String
    let handle: @Sendable (Request, GatehouseContext) async throws -> Answer
  }

  /// The routes of another listener, and what to say to whoever asks for them here.
  struct Elsewhere: Sendable {
    let routes: AllowTable
    let detail: String
  }

  /// An empty router whose errors come to `Edge`, with HEAD wherever there is GET.
  public static func router() -> Router<GatehouseContext> {
    let router = Router(context: GatehouseContext.self, options: [.autoGenerateHeadEndpoints])
    router.add(middleware: ErrorMiddleware())
    return router
  }

  /// Wraps the routes that `router`, made by `Edge.router()`, has by now. Refusals are noted in `refusals`.
  public convenience init(
    _ router: Router<GatehouseContext>, crossOrigin: CrossOrigin = CrossOrigin(origins: []), refusals: RefusalLog? = nil
  ) {
    self.init(router, crossOrigin: crossOrigin, anyMethods: [], refusals: refusals, elsewhere: nil)
  }

  init(
    _ router: Router<GatehouseContext>, crossOrigin: CrossOrigin, anyMethods: [AnyMethod], refusals: RefusalLog?, elsewhere: Elsewhere?
  ) {
    self.elsewhere = elsewhere
    inner = router.buildResponder()
    allow = AllowTable(router)
    self.crossOrigin = crossOrigin
    self.anyMethods = anyMethods
    self.refusals = refusals
  }

  /// The answer to a request; never throws.
  public func respond(to request: Request, context: GatehouseContext) async throws -> Response {
    var context = context
    // 1. The request gets its name, which all that follows uses.
    context.requestID = RequestID.taken(RequestID.field.flatMap { request.headers[$0] })
    // 2. The routes, or the problem that stands for what they threw.
    let trail = Trail()
    var response: Response
    do {
      response = try await Trail.$current.withValue(trail) { [context] in try await route(request, context) }
    } catch {
      response = answer(to: error, request, context, trail)
    }
    // A body behind the answer to a HEAD would be read as the next answer.
    if request.method == .head { response = response.createHeadResponse() }
    // 3. The fields of every answer, problems as well.
    Answer.complete(&response.headers, requestID: context.requestID, origin: request.headers[.origin], crossOrigin)
    return response
  }

  private func route(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    let path = request.uri.path
    for anyMethod in anyMethods where path.hasPrefix(anyMethod.prefix) { return try await anyMethod.handle(request, context).response }
    if request.method == .options, path == "*" { return Response(status: .noContent) }
    // The router would overlook empty segments: `/v1/user/` is not `/v1/user`.
    guard path == "/" || !hasEmptySegment(path.utf8) else { throw Problem.notFound }
    if request.method == .options {
      let methods = allow.methods(path)
      if crossOrigin.isOn, crossOrigin.isPreflight(request), !methods.isEmpty {
        return crossOrigin.preflight(request, methods: methods)
      }
      if !methods.isEmpty, !allow.routesOptions(path) {
        return Response(status: .noContent, headers: [.allow: methods.map(\.rawValue).joined(separator: ", ")])
      }
    }
    return try await inner.respond(to: request, context: context)
  }

  private func hasEmptySegment(_ path: String.UTF8View) -> Bool {
    var before: UInt8 = 0
    for byte in path {
      if byte == UInt8(ascii: "/"), before == byte { return true }
      before = byte
    }
    return before == UInt8(ascii: "/")
  }

  private func answer(to error: any Error, _ request: Request, _ context: GatehouseContext, _ trail: Trail) -> Response {
    let problem = problem(for: error, request, context)
    refusals?.note(problem, .init(request, context), trail.facts)
    return problem.answer(requestID: context.requestID).response
  }

  /// Every error as a problem. An error that nobody foresaw is a 503, since no input may make a 500, and is logged.
  private func problem(for error: any Error, _ request: Request, _ context: GatehouseContext) -> Problem {
    if let problem = error as? Problem { return problem }
    if let error = error as? ServiceError { return Problem(error) }
    switch (error as? ErrorMiddleware.Failure)?.status {
    case 404, 405: return unrouted(request)
    case 413:
      return Problem(.bodyTooLarge, "The body is larger than it may be here. Send less, or in parts.", headers: [.connection: "close"])
    case 415: return Problem(.unsupportedMediaType, "Send the body as application/json.")
    case .some(let status) where (400..<500).contains(status): return .malformed("The request could not be understood.")
    default:
      context.log.error(
        "request failed",
        metadata: [
          "method": .string(request.method.rawValue), "path": .string(request.uri.path), "error_type": .string("\(type(of: error))"),
        ])
      return Problem(.unavailable, "The request could not be carried out. Try again in a moment.")
    }
  }

  private func unrouted(_ request: Request) -> Problem {
    let methods = allow.methods(request.uri.path)
    if methods.isEmpty, let elsewhere, !elsewhere.routes.methods(request.uri.path).isEmpty {
      return Problem(.notFound, elsewhere.detail)
    }
    guard !methods.isEmpty, !methods.contains(request.method) else { return .notFound }
    let list = methods.map(\.rawValue).joined(separator: ", ")
    return Problem(.methodNotAllowed, "This path takes \(list). Use one of these methods.", headers: [.allow: list])
  }
}
