import HTTPTypes
import Hummingbird
import StrictJSON

extension API {
  /// A reader of the JSON body, which must be said to be one.
  func fields(_ request: Request, _ context: GatehouseContext) async throws -> FieldReader {
    try await FieldReader(body: body(request, context))
  }

  /// A reader of the JSON body, or of no fields at all if none was sent.
  func optionalFields(_ request: Request, _ context: GatehouseContext) async throws -> FieldReader {
    let bytes = try await collected(request, context)
    guard !bytes.isEmpty || request.headers[.contentType] != nil else {
      try refuseQuery(request)
      return FieldReader([:])
    }
    try requireJSON(request)
    return try FieldReader(body: bytes)
  }

  /// The bytes of a JSON body. No route that takes a body takes query parameters.
  func body(_ request: Request, _ context: GatehouseContext) async throws -> [UInt8] {
    try requireJSON(request)
    return try await collected(request, context)
  }

  /// Throws 400 for any query parameter.
  func refuseQuery(_ request: Request) throws { _ = try QueryReader(request.uri.query, known: []) }

  private func requireJSON(_ request: Request) throws {
    let type = request.headers[.contentType]?.split(separator: ";").first?.lowercased().filter { $0 != " " }
    guard type == "application/json" else {
      throw Problem(.unsupportedMediaType, "Send the body as JSON, with Content-Type: application/json.")
    }
    if let coding = request.headers[.contentEncoding], coding.lowercased() != "identity" {
      throw Problem(.unsupportedMediaType, "Send the body as it is, without Content-Encoding.", headers: [.acceptEncoding: "identity"])
    }
    try refuseQuery(request)
  }

  private func collected(_ request: Request, _ context: GatehouseContext) async throws -> [UInt8] {
    Array(try await request.body.collect(upTo: context.maxUploadSize).readableBytesView)
  }
}
