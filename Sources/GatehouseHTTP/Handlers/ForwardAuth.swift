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

  /// The fields of an answer that lets a request through, each with any text: always all of them, empty ones too, as some proxies pass a
  /// missing header on as a text of their own.
  static func fields(_ answer: GateAnswer) -> [(name: String, value: String)] {
    let limits = RateLimitFields(
      standings: answer.standings, allowances: answer.allowance.map { [$0] } ?? [], nowMilliseconds: answer.nowMilliseconds)
    return [
      (ProxyField.user, answer.caller?.id.text ?? ""), (ProxyField.externalID, answer.caller?.externalID ?? ""),
      (ProxyField.plan, answer.caller?.plan ?? ""), (ProxyField.session, answer.sessionFacts?.id.text ?? ""), (ProxyField.status, "200"),
      ("RateLimit", limits.limit), ("RateLimit-Policy", limits.policy),
    ]
  }

  static func allowed(_ answer: GateAnswer) -> Answer {
    var fields = HTTPFields()
    for (name, value) in Self.fields(answer) {
      if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: HeaderText.encoded(value))) }
    }
    return Answer(200, fields: fields)
  }

  /// The end of a question.
  enum Outcome: Sendable {
    case allowed(GateAnswer)
    case refused(Problem, Trail.Facts)
  }
}

extension API {
  /// Decides for a proxy. Body, query and conditional headers are ignored. Never throws.
  func forwardAuth(_ request: Request, _ context: GatehouseContext) async -> Answer {
    let outcome: ForwardAuth.Outcome
    do {
      let question = try question(forwarded: request, context)
      outcome = await withCheckedContinuation { continuation in decide(forwarded: question) { continuation.resume(returning: $0) } }
    } catch {
      outcome = .refused(error as? Problem ?? Problem(.unavailable, "The gate could not decide. Try again in a moment."), .init())
    }
    switch outcome {
    case .allowed(let answer): return ForwardAuth.allowed(answer)
    case .refused(let problem, let facts):
      refusals.note(problem, .init(request, context), facts)
      let refuse = HTTPField.Name(ProxyField.refuse).flatMap { request.headers[$0] }
      return ProxyAnswer.refused(problem, refuse: refuse, requestID: context.requestID)
    }
  }

  private func question(forwarded request: Request, _ context: GatehouseContext) throws -> GateRequest {
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
    let charges = charges(of: profile)
    return question(of: token, profile, charges, network: client.isUnknown ? nil : client.network)
  }

  /// The policies that a profile's calls are charged with: the user's, and those that count addresses.
  func charges(of profile: Profile) -> (own: [PolicyCharge], byAddress: [Policy]) {
    var charges: (own: [PolicyCharge], byAddress: [Policy]) = ([], [])
    for name in profile.policies {
      guard let policy = policy(name) else { continue }
      switch policy.by {
      case .user, .plan: charges.own.append(PolicyCharge(policy: policy, cost: 1))
      case .ip: charges.byAddress.append(policy)
      case .subject: continue
      }
    }
    return charges
  }

  /// - Parameter network: of the client; nil where nobody knows it, and then no address is counted.
  func question(
    of token: SessionToken, _ profile: Profile, _ charges: (own: [PolicyCharge], byAddress: [Policy]), network: String?
  ) -> GateRequest {
    let subjects = network.map { network in
      charges.byAddress.map { SubjectCharge(subject: .network(network), policy: $0, cost: 1) }
    }
    return GateRequest(
      subject: .token(routingID: token.routingID, hash: token.hash), subjectCharges: subjects ?? [], charges: charges.own,
      requirements: profile.requirements)
  }

  /// Decides about a question of a proxy's, whichever way it came.
  /// - Parameter done: called once, possibly on an event loop: it must not block.
  func decide(forwarded question: GateRequest, done: @escaping @Sendable (ForwardAuth.Outcome) -> Void) {
    gate.decide(question) { result in
      switch result {
      case .failure(let error): done(.refused(Problem(error), .init()))
      case .success(let answer):
        guard let problem = answer.problem else { return done(.allowed(answer)) }
        done(
          .refused(problem, .init(user: answer.caller?.id.text ?? question.userText, session: answer.sessionFacts?.id.text)))
      }
    }
  }
}
