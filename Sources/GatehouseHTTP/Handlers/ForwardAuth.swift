import GatehouseCore
import GatehouseCrypto
import HTTPTypes
import Hummingbird

/// The decision for a proxy: `/v1/auth/{profile}[/anything]`, any method.
enum ForwardAuth {
  private static let prefixLength = Endpoint.forwardAuth.prefix.count

  /// The profile that a path names; what follows it is the client's and says nothing.
  static func profileName(_ path: String) -> Substring {
    path.dropFirst(prefixLength).prefix { $0 != "/" && $0 != "?" }
  }

  /// The method that the client used, as far as the CSRF rule is concerned: without a word of the proxy, an unsafe one.
  static func clientMethod(_ request: Request) -> HTTPRequest.Method {
    if let name = HTTPField.Name("X-Forwarded-Method"), let told = request.headers[name] {
      return HTTPRequest.Method(told.uppercased()) ?? .post
    }
    if let name = HTTPField.Name(ProxyField.method), request.headers[name] == "own" { return request.method }
    return .post
  }

  static func allowed(_ answer: GateAnswer) -> Answer {
    let limits = RateLimitFields(
      standings: answer.standings, allowances: answer.allowance.map { [$0] } ?? [], nowMilliseconds: answer.nowMilliseconds)
    var fields = HTTPFields()
    // Always all of them, empty ones too: some proxies pass a missing header on as a text of their own. RateLimit's members are words
    // of the configuration, which need no encoding.
    for (name, value) in [
      (ProxyField.user, answer.caller?.id.text), (ProxyField.externalID, answer.caller?.externalID),
      (ProxyField.plan, answer.caller?.plan),
      (ProxyField.session, answer.sessionFacts?.id.text), (ProxyField.status, "200"), ("RateLimit", limits.limit),
      ("RateLimit-Policy", limits.policy),
    ] {
      if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: HeaderText.encoded(value ?? ""))) }
    }
    return Answer(200, fields: fields)
  }
}

extension API {
  /// Decides for a proxy. Body, query and conditional headers are ignored. Never throws.
  func forwardAuth(_ request: Request, _ context: GatehouseContext) async -> Answer {
    do {
      return ForwardAuth.allowed(try await decide(forwarded: request, context))
    } catch {
      let problem =
        error as? Problem ?? (error as? ServiceError).map(Problem.init)
        ?? Problem(.unavailable, "The gate could not decide. Try again in a moment.")
      refusals.note(problem, .init(request, context), Trail.current?.facts ?? .init())
      let refuse = HTTPField.Name(ProxyField.refuse).flatMap { request.headers[$0] }
      return ProxyAnswer.refused(problem, refuse: refuse, requestID: context.requestID)
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
      facts.session = answer.sessionFacts?.id.text
    }
    if let problem = answer.problem { throw problem }
    return answer
  }
}
