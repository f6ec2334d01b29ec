import StrictJSON
import GatehouseCore
import GatehouseCrypto
import HTTPTypes
import Hummingbird

extension API {
  /// The cost of a call on a session's own route.
  var ownRouteCharges: [PolicyCharge] { policy("api").map { [PolicyCharge(policy: $0, cost: 1)] } ?? [] }

  /// Lets a session in whose request has neither query nor body.
  func visitor(_ request: Request, _ context: GatehouseContext, within: Int64? = nil) async throws -> Visitor {
    try await visitor(request, context, within: within) { try refuseQuery(request) }.visitor
  }

  /// Lets a session in, with a password as recent as `within`, and gives what `read` makes of the request.
  func visitor<Input>(
    _ request: Request, _ context: GatehouseContext, within: Int64? = nil, read: () async throws -> Input
  ) async throws -> (visitor: Visitor, input: Input) {
    try await visitor(request, context, withinOf: { _ in within }, unread: within, read: read)
  }

  /// Lets a session in and gives what `read` makes of its request.
  ///
  /// The session is checked first and the limits last: a request that can't be read costs nothing, and is told so only to a caller
  /// with a valid session. Either way it is one question to the gate.
  /// - Parameters:
  ///   - withinOf: how recent the password must be for what is asked.
  ///   - unread: how recent it must be for a request that can't be read.
  func visitor<Input>(
    _ request: Request, _ context: GatehouseContext, withinOf: (Input) -> Int64?, unread: Int64? = nil, read: () async throws -> Input
  ) async throws -> (visitor: Visitor, input: Input) {
    let presented = try presentedToken(request)
    // A read by a backend for its user is the backend's traffic.
    let isVouched = presented.backend != nil && (request.method == .get || request.method == .head)
    let input: Input
    do { input = try await read() } catch {
      _ = try await letIn(presented, within: unread, charges: [])
      throw error
    }
    return (try await letIn(presented, within: withinOf(input), charges: isVouched ? [] : ownRouteCharges), input)
  }

  /// Asks the gate about a session. Throws the problem of any refusal.
  func letIn(_ presented: PresentedToken, within: Int64? = nil, charges: [PolicyCharge]) async throws -> Visitor {
    let token = presented.token
    let answer = try await gate.decide(
      GateRequest(
        subject: .token(routingID: token.routingID, hash: token.hash), charges: charges,
        requirements: Requirements(authenticatedWithinMilliseconds: within)))
    Trail.note { facts in
      facts.user = answer.caller?.id.text ?? presented.userID?.text
      facts.session = answer.sessionFacts?.id.text
    }
    if let problem = answer.problem { throw problem }
    guard let caller = answer.caller, let sessionFacts = answer.sessionFacts else { throw Problem.unauthenticated }
    return Visitor(
      userID: caller.id, sessionID: sessionFacts.id, token: token, authenticatedAtMilliseconds: sessionFacts.authenticatedAtMilliseconds,
      fromCookie: presented.fromCookie, fields: answer.headerFields)
  }

  /// Lets in a session or a backend with a key `work`.
  /// - Parameter read: makes the input of the request; told whether a backend calls.
  func caller<Input>(
    _ request: Request, _ context: GatehouseContext, read: (_ isBackend: Bool) async throws -> Input
  ) async throws -> (caller: Caller, input: Input) {
    if let key = try serviceKeyIfSent(request, .work) { return (.backend(key), try await read(true)) }
    let (visitor, input) = try await visitor(request, context) { try await read(false) }
    return (.visitor(visitor), input)
  }

  /// The session token of a request, from where it may come, with the key beside it. Throws 400, 401 or 403 without asking a store.
  func presentedToken(_ request: Request) throws -> PresentedToken {
    let credential = try Credential.read(request.headers, cookie: contract.cookieName)
    let (text, fromCookie) = try credential.sessionToken(request.headers)
    try crossSiteRule.check(credential, method: request.method, request.headers)
    guard let token = SessionToken.parse(text, secret: secret) else { throw Problem.unauthenticated }
    let backend = try vouchingKey(request)
    if backend == nil { try OnBehalf.refuse(request) }
    return PresentedToken(token: token, fromCookie: fromCookie, backend: backend)
  }

  var crossSiteRule: CrossSiteRule { CrossSiteRule(allowedOrigins: contract.allowedOrigins) }

  /// The service key of a request, which must have the scope.
  func serviceKey(_ request: Request, _ scope: ServiceKey.Scope) throws -> ServiceKey {
    guard let key = try serviceKeyIfSent(request, scope) else {
      var came = ""
      if case .session = try Credential.read(request.headers, cookie: contract.cookieName) { came = "A session token came. " }
      throw Problem(.invalidKey, "\(came)This needs a service key with scope \(scope.rawValue): Authorization: Bearer ghk_…")
    }
    return key
  }

  /// The service key of a request, which must have the scope; nil if no key was sent.
  func serviceKeyIfSent(_ request: Request, _ scope: ServiceKey.Scope) throws -> ServiceKey? {
    guard case .key(let text) = try Credential.read(request.headers, cookie: contract.cookieName) else { return nil }
    let key = try knownKey(text)
    guard key.scopes.contains(scope) else {
      throw Problem(.scopeMissing, "The service key \(key.name) lacks scope \(scope.rawValue).", extras: ["scope": .string(scope.rawValue)])
    }
    return key
  }

  /// The key of a backend that calls with a session's token, and so vouches for the call; nil without one, and for one that lacks scope
  /// `accounts`, which changes nothing.
  func vouchingKey(_ request: Request) throws -> ServiceKey? {
    guard let name = OnBehalf.keyName else { return nil }
    let values = request.headers[values: name]
    guard let text = values.first else { return nil }
    guard values.count == 1 else { throw Problem(.ambiguousCredentials, "There is more than one \(OnBehalf.key) header. Send one.") }
    let key = try knownKey(text)
    return key.scopes.contains(.accounts) ? key : nil
  }

  /// The live key that a text is, whatever its scopes.
  private func knownKey(_ text: String) throws -> ServiceKey {
    guard let token = ServiceKeyToken.parse(text) else {
      throw Problem(.invalidKey, ServiceError.serviceKeyDetail)
    }
    let key = try keys.check(token)
    Trail.note { $0.key = key.id.text }
    return key
  }
}
