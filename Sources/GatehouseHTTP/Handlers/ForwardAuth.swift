import GatehouseCore
import GatehouseCrypto
import HTTPTypes
import Hummingbird

/// The answer to a proxy that asks whether it may let a request through: `/v1/auth/{profile}[/anything]`, any method.
///
/// Proxies understand few statuses, so only 200, 401, 403, 429 and 503 are given, and what a proxy would drop stands in header
/// fields: the problem as one line in `Gatehouse-Problem`, the true status in `Gatehouse-Status`.
enum ForwardAuth {
  static let prefix = "/v1/auth/"
  static let path = prefix + "{profile}"
  /// The longest `Gatehouse-Problem` in bytes; a longer problem is cut to its code and title.
  static let problemBytesMax = 1_024

  enum Field {
    static let user = "Gatehouse-User"
    static let externalID = "Gatehouse-External-Id"
    static let plan = "Gatehouse-Plan"
    static let session = "Gatehouse-Session"
    static let status = "Gatehouse-Status"
    static let problem = "Gatehouse-Problem"
    /// `403` from a proxy that knows no 429.
    static let refuse = "Gatehouse-Refuse"
    /// `own` from a proxy that asks with the client's own method.
    static let method = "Gatehouse-Method"
  }

  /// The profile that a path names; what follows it is the client's and says nothing.
  static func profileName(_ path: String) -> Substring {
    path.dropFirst(prefix.count).prefix { $0 != "/" && $0 != "?" }
  }

  /// The method that the client used, as far as the CSRF rule is concerned: without a word of the proxy, an unsafe one.
  static func clientMethod(_ request: Request) -> HTTPRequest.Method {
    if let name = HTTPField.Name("X-Forwarded-Method"), let told = request.headers[name] {
      return HTTPRequest.Method(told.uppercased()) ?? .post
    }
    if let name = HTTPField.Name(Field.method), request.headers[name] == "own" { return request.method }
    return .post
  }

  /// The status that the proxy gets for a refusal: 429 as 403 where it asks for that; what it could not handle as 403.
  /// - Parameter refuse: the value of `Gatehouse-Refuse`.
  static func status(_ code: ProblemCode, refuse: String?) -> Int {
    let status = trueStatus(code)
    return status == 429 && refuse == "403" ? 403 : status
  }

  static func allowed(_ answer: GateAnswer) -> Response {
    let limits = RateLimitFields(
      standings: answer.standings, allowances: answer.allowance.map { [$0] } ?? [], nowMilliseconds: answer.nowMilliseconds)
    var fields = HTTPFields()
    // Always all of them, empty ones too: some proxies pass a missing header on as a text of their own. RateLimit's members are words
    // of the configuration, which need no encoding.
    for (name, value) in [
      (Field.user, answer.caller?.id.text), (Field.externalID, answer.caller?.externalID), (Field.plan, answer.caller?.plan),
      (Field.session, answer.visit?.id.text), (Field.status, "200"), ("RateLimit", limits.limit), ("RateLimit-Policy", limits.policy),
    ] {
      if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: HeaderText.encoded(value ?? ""))) }
    }
    return Response(status: .ok, headers: fields)
  }

  static func refused(_ problem: Problem, _ request: Request, requestID: String) -> Response {
    var response = problem.response(requestID: requestID, status: trueStatus(problem.code))
    response.status = .init(code: status(problem.code, refuse: HTTPField.Name(Field.refuse).flatMap { request.headers[$0] }))
    for (name, value) in refusalFields(problem, requestID: requestID) {
      if let name = HTTPField.Name(name) { response.headers[name] = value }
    }
    return response
  }

  /// The fields that carry a refusal past a proxy that drops its status and body.
  static func refusalFields(_ problem: Problem, requestID: String) -> [(String, String)] {
    let line = oneLine(String(decoding: problem.body(requestID: requestID, status: trueStatus(problem.code)), as: UTF8.self))
    let short = Problem(problem.code, problem.code.title).body(requestID: requestID, status: trueStatus(problem.code))
    return [
      (Field.status, String(trueStatus(problem.code))),
      (Field.problem, line.utf8.count <= problemBytesMax ? line : oneLine(String(decoding: short, as: UTF8.self))),
    ]
  }

  /// The status that the client should get: that of the code, in the five that this call has.
  static func trueStatus(_ code: ProblemCode) -> Int {
    switch code.status {
    case 401, 403, 429, 503: code.status
    default: code == .ambiguousCredentials ? 401 : 403
    }
  }

  /// Visible ASCII: JSON keeps its meaning, since what lies beyond is escaped.
  private static func oneLine(_ text: String) -> String {
    var line = ""
    for unit in text.utf16 {
      if (0x20...0x7e).contains(unit), let scalar = Unicode.Scalar(unit) {
        line.unicodeScalars.append(scalar)
      } else {
        let hex = String(unit, radix: 16)
        line += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      }
    }
    return line
  }
}

extension API {
  /// Decides for a proxy. Body, query and conditional headers are ignored. Never throws.
  func forwardAuth(_ request: Request, _ context: GatehouseContext) async -> Response {
    do {
      return ForwardAuth.allowed(try await decide(forwarded: request, context))
    } catch {
      let problem =
        error as? Problem ?? (error as? ServiceError).map(Problem.init)
        ?? Problem(.unavailable, "The gate could not decide. Try again in a moment.")
      refusals.note(problem, .init(request, context), Trail.current?.facts ?? .init())
      return ForwardAuth.refused(problem, request, requestID: context.requestID)
    }
  }

  private func decide(forwarded request: Request, _ context: GatehouseContext) async throws -> GateAnswer {
    let name = ForwardAuth.profileName(request.uri.path)
    guard let profile = profile(String(name)) else {
      throw Problem(
        .unknownProfile,
        "There is no profile \(name.prefix(64)) in the configuration: the proxy asks for a wrong path. Name it under profiles, or correct the path."
      )
    }
    let credential = try Credential.read(request.headers, cookie: contract.cookieName)
    guard let token = SessionToken.parse(try credential.sessionToken(request.headers).text, secret: secret) else {
      throw Problem.unauthenticated
    }
    try CrossSiteRule(allowedOrigins: contract.allowedOrigins).check(
      credential, method: ForwardAuth.clientMethod(request), request.headers)
    let client = client(request, context)
    var own: [PolicyCharge] = []
    var subjects: [SubjectCharge] = []
    for policy in profile.policies.compactMap({ policy($0) }) {
      switch policy.by {
      case .user, .plan: own.append(PolicyCharge(policy: policy, cost: 1))
      case .ip where client.isUnknown: continue
      case .ip: subjects.append(SubjectCharge(subject: .network(client.network), policy: policy, cost: 1))
      case .subject: continue
      }
    }
    let answer = try await gate.decide(
      GateRequest(
        subject: .token(routingID: token.routingID, hash: token.hash), subjectCharges: subjects, charges: own,
        requirements: profile.requirements))
    Trail.note { facts in
      facts.user = answer.caller?.id.text ?? UserKind.prefix + token.routingID
      facts.session = answer.visit?.id.text
    }
    if let problem = answer.problem { throw problem }
    return answer
  }
}
