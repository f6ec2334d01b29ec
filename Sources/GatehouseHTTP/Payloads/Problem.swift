import HTTPTypes
import StrictJSON

/// A refusal as the caller gets it: `application/problem+json` (RFC 9457). Throwing one from a handler answers with it.
///
/// It is thrown untyped: the optimizer of Swift 6.3 fails on async functions that call one which throws this type.
public struct Problem: Error, Sendable {
  /// The media type of every problem.
  public static let mediaType = "application/problem+json"

  /// Which refusal this is; decides status, type and title.
  public let code: ProblemCode
  /// The sentence without a full stop that stands for the code, or one that fits the case better.
  public let title: String
  /// The fault, its place and its remedy. Free of secrets.
  public let detail: String
  /// Members after the common ones, in this order.
  public let extras: JSONObject
  /// Header fields of the answer beside those that every problem has.
  public var headers: HTTPFields

  /// A refusal. 401s get `WWW-Authenticate` and 503s `Retry-After: 1` unless `headers` has them.
  /// - Parameter title: in place of the code's own.
  public init(_ code: ProblemCode, _ detail: String, title: String? = nil, extras: JSONObject = [:], headers: HTTPFields = [:]) {
    self.code = code
    self.title = title ?? code.title
    self.detail = detail
    self.extras = extras
    self.headers = headers
    if code.status == 401, headers[.wwwAuthenticate] == nil { self.headers[.wwwAuthenticate] = #"Bearer realm="gatehouse""# }
    if code.status == 503, headers[.retryAfter] == nil { self.headers[.retryAfter] = "1" }
  }

  /// Writes the members of the problem object into `writer`.
  /// - Parameter status: that of the answer, where it is not the code's.
  public func write(into writer: inout JSONWriter, requestID: String, status: Int? = nil) {
    writer.object { writer in
      writer.string("type", code.type)
      writer.string("title", title)
      writer.int("status", status ?? code.status)
      writer.string("code", code.rawValue)
      writer.string("detail", detail)
      writer.string("request_id", requestID)
      for member in extras.members { writer.member(member.name, member.value) }
    }
  }

  /// The problem object as JSON text.
  public func body(requestID: String, status: Int? = nil) -> [UInt8] {
    var writer = JSONWriter(capacity: 512)
    write(into: &writer, requestID: requestID, status: status)
    return writer.bytes
  }
}

extension Problem {
  /// The 400 for something that can't be read.
  public static func malformed(_ detail: String) -> Problem { Problem(.malformedRequest, detail) }

  /// The 404, the same for what does not exist and what belongs to somebody else.
  public static var notFound: Problem { Problem(.notFound, "Nothing was found at this path. Check the path and the id in it.") }
}
