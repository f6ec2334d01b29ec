import GatehouseCore
import HTTPTypes
import StrictJSON

/// All that the outside can see of one endpoint. The router, the answers to other methods, body caps, admission, forward-auth and the
/// OpenAPI documents are derived from the table of these.
public struct Endpoint: Sendable {
  /// The listeners that serve it.
  enum Listener: Sendable { case `public`, operations, both }

  /// The chapters of the documents.
  enum Tag: String, Sendable { case health, gate, proxy, accounts, sessions, account, analyses, usage, reservations, mails, events, admin }

  /// When a request is taken.
  enum Admission: Sendable {
    case always
    /// Password requests need a free hashing slot.
    case hashingSlot
  }

  /// The largest body in bytes; beyond it 413.
  public enum BodyCap: Int, Sendable, CaseIterable {
    /// Most endpoints.
    case standard = 65_536
    /// A report with a result.
    case report = 131_072
    /// Many questions or events at once.
    case batch = 524_288

    /// The largest of all: the most that a handler may be given.
    public static let largest = allCases.map(\.rawValue).reduce(0, max)
  }

  /// nil takes every method, and every path below.
  let method: HTTPRequest.Method?
  /// `{…}` stands for any one segment.
  let path: String
  /// The operation's name in clients: unique, and never changed.
  let name: String
  let tag: Tag
  let summary: String
  let description: String?
  let listener: Listener
  let access: Access
  let admission: Admission
  let bodyCap: BodyCap
  let parameters: [Parameter]
  let body: RequestBody?
  let answers: [Success]
  /// The refusals beyond those that every request, the credential and the body bring.
  let problems: [ProblemCode]

  /// - Parameter query: the parameters of the query, the declaration that reads them.
  init(
    _ method: HTTPRequest.Method?, _ path: String, _ name: String, _ tag: Tag, _ summary: String, _ description: String? = nil,
    on listener: Listener = .public, access: Access, admission: Admission = .always, bodyCap: BodyCap = .standard,
    _ parameters: [Parameter] = [], query: [any DeclaredField] = [], body: RequestBody? = nil, answers: [Success],
    problems: [ProblemCode] = []
  ) {
    (self.method, self.path, self.name, self.tag) = (method, path, name, tag)
    (self.summary, self.description) = (summary, description)
    (self.listener, self.access, self.admission, self.bodyCap) = (listener, access, admission, bodyCap)
    self.parameters = parameters + query.map(Parameter.init)
    (self.body, self.answers, self.problems) = (body, answers, problems)
  }

  /// The beginning of every path of an endpoint that takes any path below.
  var prefix: Substring { path.prefix { $0 != "{" } }
}

/// The body of a request.
struct RequestBody: Sendable {
  struct Example: Sendable {
    let name: String
    let summary: String
    let value: JSONValue
  }

  let schema: Schema
  let isRequired: Bool
  /// One, or several with names. Each is taken as it is, with the reader's own ids in it.
  let examples: [Example]

  init(_ schema: Schema, isRequired: Bool = true, examples: [Example]) {
    (self.schema, self.isRequired, self.examples) = (schema, isRequired, examples)
  }

  /// A body of declared fields.
  static func of<Set: Fields>(_ fields: Set.Type, example: JSONValue) -> RequestBody {
    RequestBody(fields.declared.schema, examples: [Example(name: "", summary: "", value: example)])
  }

  /// A body of declared fields that may be left out.
  static func optional<Set: Fields>(_ fields: Set.Type, example: JSONValue) -> RequestBody {
    RequestBody(fields.declared.schema, isRequired: false, examples: [Example(name: "", summary: "", value: example)])
  }
}

/// A parameter of the path, the query or the header.
struct Parameter: Sendable {
  enum Location: String, Sendable { case path, query, header }

  let name: String
  let place: Location
  let isRequired: Bool
  let description: String?
  let schema: Schema

  init(_ name: String, in place: Location, isRequired: Bool = false, _ description: String?, _ schema: Schema) {
    (self.name, self.place, self.isRequired, self.description, self.schema) = (name, place, isRequired, description, schema)
  }

  /// A parameter of a query.
  init(_ field: any DeclaredField) {
    self.init(field.name, in: .query, isRequired: field.isRequired, field.description, field.schema)
  }

  static func path(_ name: String, _ description: String, _ schema: Schema) -> Parameter {
    Parameter(name, in: .path, isRequired: true, description, schema)
  }

  static func header(_ name: String, _ description: String, _ schema: Schema = .text) -> Parameter {
    Parameter(name, in: .header, description, schema)
  }

  static let user = path("id", "A user's id.", .id(UserID.self))
  static let session = path("id", "A session's id.", .id(SessionID.self))
  static let analysis = path("id", "An analysis's id.", .id(AnalysisID.self))
  static let reservation = path("id", "A reservation's id.", .id(ReservationID.self))
  static let key = path("id", "A key's id.", .id(ServiceKeyID.self))

  static let idempotencyKey = Parameter(
    "Idempotency-Key", in: .header, isRequired: true,
    "Makes the call safe to repeat for \(Spelled.hours(IdempotentCall.keptMilliseconds)).",
    .text(1...255).with("pattern", "^[!#-~]+$"))
}

/// An answer to a request that was carried out.
struct Success: Sendable {
  struct Content: Sendable {
    let mediaType: String
    let schema: Schema
    let example: JSONValue?
  }

  let status: Int
  let description: String
  /// Names of header fields that the documents describe.
  let headers: [String]
  let content: [Content]
  let links: [Link]

  init(_ status: Int, _ description: String, headers: [String] = [], content: [Content] = [], links: [Link] = []) {
    (self.status, self.description, self.headers, self.content, self.links) = (status, description, headers, content, links)
  }

  /// Another operation on the thing that the answer holds.
  struct Link: Sendable {
    let name: String
    let operation: String
    /// The member of the answer that holds the thing's id, as a JSON pointer.
    let id: String
    init(_ name: String, _ operation: String, id: String) { (self.name, self.operation, self.id) = (name, operation, id) }
  }

  /// The fields that tell a session how its limits stand.
  static let limits = ["RateLimit", "RateLimit-Policy"]

  /// 200 with JSON.
  static func ok(
    _ schema: Schema, _ description: String = "Done.", example: JSONValue? = nil, headers: [String] = []
  ) -> Success {
    Success(200, description, headers: headers, content: [json(schema, example)])
  }

  /// 201 with JSON, after a durable commit.
  static func created(_ schema: Schema, example: JSONValue? = nil, headers: [String] = [], links: [Link] = []) -> Success {
    Success(201, "Created; the answer follows a durable commit.", headers: headers, content: [json(schema, example)], links: links)
  }

  /// 202 with JSON.
  static func accepted(_ schema: Schema, _ description: String, example: JSONValue? = nil) -> Success {
    Success(202, description, content: [json(schema, example)])
  }

  /// 204.
  static func noContent(_ description: String = "Done; there is no body.", headers: [String] = []) -> Success {
    Success(204, description, headers: headers)
  }

  static func json(_ schema: Schema, _ example: JSONValue? = nil) -> Content {
    Content(mediaType: "application/json", schema: schema, example: example ?? schema.example)
  }
}
