import GatehouseCore
import GatehouseCrypto
import HTTPTypes
import Hummingbird
import StrictJSON

extension API {
  /// `POST /v1/users`
  func signUp(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let key = try serviceKeyIfSent(request, .accounts)
    if key == nil, !contract.signUpIsPublic {
      throw Problem(.invalidKey, "Sign-up is for the app's backend: it needs a service key with scope accounts.")
    }
    let client = try client(request, context, key: key)
    var fields = try await fields(request, context)
    let declared = SignUpFields.declared.fields
    let email = fields.read(declared.email)
    let password = fields.read(declared.password)
    let name = fields.read(declared.name)
    let zone = fields.read(declared.zone) ?? "UTC"
    let externalID = key == nil ? nil : fields.read(declared.externalID)
    try fields.finish()
    if key == nil, !contract.signUpTells {
      let address = try await accounts.requestSignUp(
        email: email, password: password, name: name, timeZone: zone, network: client.network)
      return answer(.accepted, json { $0.object { $0.string("email", address.text) } })
    }
    let user = try await accounts.signUp(
      email: email, password: password, name: name, timeZone: zone, externalID: externalID, network: key == nil ? client.network : nil)
    return answer(.created, json { $0.user(user, plan: plan(of: user)) }, location: "/v1/users/\(user.id)")
  }

  /// `POST /v1/sessions`
  func logIn(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let key = try serviceKeyIfSent(request, .accounts)
    let client = try client(request, context, key: key)
    var fields = try await fields(request, context)
    let declared = LogInFields.declared.fields
    let email = fields.read(declared.email)
    let password = fields.read(declared.password)
    let kind = fields.read(declared.sessionClass)
    let transport = fields.read(declared.transport)
    let device = fields.read(declared.device)
    try fields.finish()
    // Without it another site could log its visitor in as somebody else.
    if key == nil, transport == .cookie {
      try crossSiteRule.check(method: request.method, request.headers, what: "A login that sets the cookie")
    }
    let login = Login(
      email: email, password: password, sessionClass: kind, transport: transport, device: device,
      userAgent: userAgent(request, key: key), ip: client.text, network: client.network)
    let opened = try await RefusalLog.watching(account: sessions.digest(of: login), network: client.network, context) {
      try await sessions.logIn(login)
    }
    let body = json { writer in
      writer.object { writer in
        writer.string("token", transport == .bearer ? opened.token.text : nil)
        writer.name("session")
        writer.session(opened.session, current: true, timeouts: timeouts(kind))
        writer.name("user")
        writer.user(opened.user, plan: plan(of: opened.user))
        writer.int("sessions_ended", opened.sessionsEnded)
      }
    }
    return answer(.created, body, fields: transport == .cookie ? [setCookie(opened.token, opened.session)] : [])
  }

  /// `GET /v1/session`
  func currentSession(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let visitor = try await visitor(request, context)
    guard let (session, user) = try await sessions.current(visitor.token) else { throw Problem.unauthenticated }
    let body = json { writer in
      writer.object { writer in
        writer.name("session")
        writer.session(session, current: true, timeouts: timeouts(session.sessionClass))
        writer.name("user")
        writer.user(user, plan: plan(of: user))
      }
    }
    return answer(body, fields: visitor.fields)
  }

  /// `DELETE /v1/session`: 204 also when it has ended already.
  func logOut(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let presented = try presentedToken(request)
    try refuseQuery(request)
    try await sessions.end(presented.token)
    return noContent(fields: goodbye(presented.fromCookie))
  }

  /// `GET /v1/sessions`
  func devices(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let (visitor, page) = try await visitor(request, context) {
      let query = try PageQuery.declared.query(request.uri.query)
      return try pageRequest(query, .devices(of: presentedToken(request).userID))
    }
    let found = try await sessions.list(of: visitor.userID, first: visitor.sessionID, page: page)
    let body = json { writer in
      writer.list(found.items, next: cursor(found.next, .devices(of: visitor.userID))) { writer, session in
        let isCurrent = session.id == visitor.sessionID
        var seen = session
        // The caller's rights go by the caller's own token.
        if isCurrent { seen.authenticatedAtMilliseconds = visitor.authenticatedAtMilliseconds }
        writer.session(seen, current: isCurrent, timeouts: timeouts(session.sessionClass))
      }
    }
    return answer(body, fields: visitor.fields)
  }

  /// `DELETE /v1/sessions/{id}`: another one needs a recent password, one's own does not.
  func endDevice(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let id = context.parameters.get("id").flatMap(SessionID.init)
    let isOwn = try await letIn(presentedToken(request), charges: []).sessionID == id
    let visitor = try await visitor(request, context, within: isOwn ? nil : Contract.othersMilliseconds)
    guard let id else { throw Problem.notFound }
    guard try await sessions.end(id, of: visitor.userID, by: .user(visitor.userID)) else { throw Problem.notFound }
    return noContent(fields: visitor.fields + (isOwn ? goodbye(visitor.fromCookie) : []))
  }

  /// `DELETE /v1/sessions`: the others, or all with `?include_current=true`. A request that ends all ends its own session too, which no thief
  /// wants: only to stay needs a recent password.
  func endDevices(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let (visitor, all) = try await visitor(request, context) { (all: Bool) in
      all ? nil : Contract.othersMilliseconds
    } read: {
      try EndSessionsQuery.declared.query(request.uri.query).read(EndSessionsQuery.declared.fields.includesCurrent)
    }
    let ended = try await sessions.endAll(of: visitor.userID, except: all ? nil : visitor.sessionID, by: .user(visitor.userID))
    let fields = visitor.fields + (all ? goodbye(visitor.fromCookie) : [])
    return answer(json { $0.object { $0.int("ended", ended) } }, fields: fields)
  }

  /// `POST /v1/session/rotate`
  func rotate(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let visitor = try await visitor(request, context)
    let (token, session) = try await sessions.rotate(visitor.token, session: visitor.sessionID)
    return successor(token, session, visitor)
  }

  /// `POST /v1/session/reauthenticate`
  func reauthenticate(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let (visitor, password) = try await visitor(request, context) {
      var fields = try await fields(request, context)
      let password = fields.read(PasswordFields.declared.fields.password)
      try fields.finish()
      return password
    }
    let client = try client(request, context, key: vouchingKey(request))
    let (token, session) = try await RefusalLog.watching(account: visitor.userID.text, network: client.network, context) {
      try await sessions.reauthenticate(
        visitor.token, session: visitor.sessionID, user: visitor.userID, password: password, network: client.network)
    }
    return successor(token, session, visitor)
  }

  /// `PUT /v1/user/password`: ends all other sessions, a new token for this one.
  func changePassword(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let (visitor, passwords) = try await visitor(request, context) {
      var fields = try await fields(request, context)
      let current = fields.read(PasswordChangeFields.declared.fields.current)
      let new = fields.read(PasswordChangeFields.declared.fields.new)
      try fields.finish()
      return (current: current, new: new)
    }
    let client = try client(request, context, key: vouchingKey(request))
    let (token, session) = try await RefusalLog.watching(account: visitor.userID.text, network: client.network, context) {
      try await sessions.changePassword(
        of: visitor.userID, session: visitor.sessionID, current: passwords.current, new: passwords.new, network: client.network)
    }
    return successor(token, session, visitor)
  }

  private func successor(_ token: SessionToken, _ session: Session, _ visitor: Visitor) -> Answer {
    let body = json { writer in
      writer.object { writer in
        writer.string("token", session.transport == .bearer ? token.text : nil)
        writer.name("session")
        writer.session(session, current: true, timeouts: timeouts(session.sessionClass))
      }
    }
    return answer(body, fields: visitor.fields + (session.transport == .cookie ? [setCookie(token, session)] : []))
  }

  /// The cookie that carries a token; it outlives the browser's session only for class `remember`.
  private func setCookie(_ token: SessionToken, _ session: Session) -> (String, String) {
    var value = "\(cookieName)=\(token.text); Path=/; \(contract.cookieIsSecure ? "Secure; " : "")HttpOnly; SameSite=Lax"
    if session.sessionClass == .remember { value += "; Max-Age=\((session.expiresAtMilliseconds - clock.now()) / 1000)" }
    return ("Set-Cookie", value)
  }

  /// The field that tells a browser to forget the session that ended.
  func goodbye(_ fromCookie: Bool) -> [(String, String)] {
    guard fromCookie else { return [] }
    let cleared = "\(cookieName)=; Path=/; \(contract.cookieIsSecure ? "Secure; " : "")HttpOnly; SameSite=Lax; Max-Age=0"
    // No Clear-Site-Data: it would take the cookies of the whole site, the app's own ones too.
    return [("Set-Cookie", cleared)]
  }

  private var cookieName: String { contract.cookieName }
}
