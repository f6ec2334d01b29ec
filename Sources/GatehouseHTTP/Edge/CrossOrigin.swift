import HTTPTypes
import Hummingbird

/// CORS: off unless origins are named, and then for exactly those.
public struct CrossOrigin: Sendable {
  private static let exposed = "RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, Idempotency-Replayed"
  private static let allowedHeaders = "Authorization, Content-Type, Idempotency-Key, X-Request-Id"
  private static let preflightSeconds = 600

  private let origins: Set<String>

  /// Lets pages of `origins` (such as `https://app.example.com`, compared as they are) read answers, with credentials.
  public init(origins: [String]) { self.origins = Set(origins) }

  var isOn: Bool { !origins.isEmpty }

  func isPreflight(_ request: Request) -> Bool {
    request.method == .options && request.headers[.origin] != nil && request.headers[.accessControlRequestMethod] != nil
  }

  /// The answer to a preflight of a path that has `methods`.
  func preflight(_ request: Request, methods: [HTTPRequest.Method]) -> Response {
    var headers = HTTPFields()
    if let origin = request.headers[.origin], origins.contains(origin) {
      headers[.accessControlAllowMethods] = methods.map(\.rawValue).joined(separator: ", ")
      headers[.accessControlAllowHeaders] = Self.allowedHeaders
      headers[.accessControlMaxAge] = String(Self.preflightSeconds)
    }
    return Response(status: .noContent, headers: headers)
  }

  /// Says on an answer who may read it.
  func mark(_ headers: inout HTTPFields, origin: String?) {
    guard isOn else { return }
    headers[values: .vary].append("Origin")
    guard let origin, origins.contains(origin) else { return }
    headers[.accessControlAllowOrigin] = origin
    headers[.accessControlAllowCredentials] = "true"
    headers[.accessControlExposeHeaders] = Self.exposed
  }
}
