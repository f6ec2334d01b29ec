import GatehouseCore
import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import StrictJSON

/// An answer before it is written. Routes and the guard make these, and both complete and write them here.
public struct Answer: Sendable {
  /// The part after the fields.
  enum Body: Sendable {
    case none
    case bytes([UInt8])
    case stream(ResponseBody)
  }

  /// The HTTP status.
  var status: Int
  /// The header fields, without those that every answer has.
  var fields: HTTPFields
  var body: Body

  init(_ status: Int, fields: HTTPFields = [:], body: Body = .none) {
    (self.status, self.fields, self.body) = (status, fields, body)
  }

  /// Adds what every answer says, problems as well: which page may read it, how it may be handled, and the request's name.
  static func complete(_ fields: inout HTTPFields, requestID: String, origin: String?, _ crossOrigin: CrossOrigin) {
    crossOrigin.mark(&fields, origin: origin)
    SecurityHeaders.add(to: &fields)
    if let name = RequestID.field { fields[name] = requestID }
  }

  /// The fields and body as the guard writes them, without the end. A HEAD gets no body.
  func parts(isHead: Bool) -> [HTTPServerResponsePart] {
    let bytes = if case .bytes(let bytes) = body { bytes } else { [UInt8]() }
    var headers = HTTPHeaders([("Content-Length", String(bytes.count)), ("Date", HTTPDate.now())])
    for field in fields { headers.add(name: field.name.rawName, value: field.value) }
    let head = HTTPServerResponsePart.head(
      HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers))
    return isHead ? [head] : [head, .body(.byteBuffer(ByteBuffer(bytes: bytes)))]
  }
}

extension Answer: ResponseGenerator {
  /// The answer as Hummingbird writes it.
  var response: Response {
    let written: ResponseBody =
      switch body {
      case .none: ResponseBody()
      case .bytes(let bytes): ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
      case .stream(let stream): stream
      }
    return Response(status: .init(code: status), headers: fields, body: written)
  }

  /// The answer as Hummingbird writes it.
  public func response(from request: Request, context: some RequestContext) throws -> Response { response }
}

extension Problem {
  /// The whole answer.
  /// - Parameters:
  ///   - status: in place of the code's own.
  ///   - shown: the status that the body names, in place of the code's own.
  func answer(requestID: String, status: Int? = nil, shown: Int? = nil) -> Answer {
    var fields = headers
    fields[.contentType] = Self.mediaType
    return Answer(status ?? code.status, fields: fields, body: .bytes(body(requestID: requestID, status: shown)))
  }
}

// Made once: most answers have no other field of their own.
private let jsonFields: HTTPFields = [.contentType: "application/json"]

/// A 200 of JSON.
func answer(_ body: [UInt8], fields: [(String, String)] = []) -> Answer { answer(.ok, body, fields: fields) }

/// An answer of JSON.
func answer(_ status: HTTPResponse.Status, _ body: [UInt8], fields: [(String, String)] = [], location: String? = nil) -> Answer {
  var headers = jsonFields
  for (name, value) in fields { if let name = HTTPField.Name(name) { headers[name] = value } }
  if let location { headers[.location] = location }
  return Answer(status.code, fields: headers, body: .bytes(body))
}

/// The first answer again; its `fields` are those of now.
func replay(_ stored: StoredAnswer, fields: [(String, String)] = []) -> Answer {
  answer(.init(code: stored.status), stored.body, fields: fields + [("Idempotency-Replayed", "true")], location: stored.location)
}

/// An answer without a body.
func noContent(fields: [(String, String)] = []) -> Answer {
  var headers: HTTPFields = [:]
  for (name, value) in fields { if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) } }
  return Answer(204, fields: headers)
}
