import GatehouseCore
import HTTPTypes

/// The proof of its sender that a request brought; not yet checked.
public enum Credential: Sendable, Equatable {
  /// The request brought none of ours.
  case none
  /// A session token `gh_…`, from `Authorization` or from our cookie.
  case session(token: String, fromCookie: Bool)
  /// A service key `ghk_…`.
  case key(String)

  /// The one cookie that is ours. Browsers keep one of this name only from https, with Secure, for one host and all of its paths.
  public static let cookieName = "__Host-gatehouse"
  /// Its name with `cookie.secure: false`: a browser drops the other one unless it is Secure.
  public static let insecureCookieName = "gatehouse"

  /// Reads the one credential of `headers`. Schemes, bearers and cookies that are not ours are ignored.
  /// Throws 400 `ambiguous_credentials` for more than one `Authorization` field, more than one cookie of our name, or both.
  public static func read(_ headers: HTTPFields, cookie cookieName: String) throws -> Credential {
    let fields = headers[values: .authorization]
    guard fields.count <= 1 else { throw Problem.ambiguous("There is more than one Authorization header. Send one.") }
    let bearer = fields.first.flatMap(ours)
    let cookies = cookies(headers, cookieName)
    guard cookies.count <= 1 else { throw Problem.ambiguous("There is more than one cookie \(cookieName). Send one.") }
    switch (bearer, cookies.first) {
    case (nil, nil): return .none
    case (.some, .some): throw Problem.ambiguous("Send either the Authorization header or the cookie \(cookieName), not both.")
    case (let credential?, nil): return credential
    case (nil, let token?): return .session(token: token, fromCookie: true)
    }
  }

  /// The session token, and whether the cookie brought it. Throws 401 `unauthenticated`, which says what came in its place.
  func sessionToken(_ headers: HTTPFields) throws -> (text: String, fromCookie: Bool) {
    let wanted = "send the token as Authorization: Bearer, or the session's cookie"
    switch self {
    case .session(let token, let fromCookie): return (token, fromCookie)
    case .key:
      throw Problem(
        .unauthenticated, "A service key came, and this is for a user's session: \(wanted).", headers: [.wwwAuthenticate: Self.invalidToken]
      )
    case .none where headers[.authorization] != nil:
      throw Problem(.unauthenticated, "The Authorization header holds no session token: \(wanted).")
    case .none: throw Problem(.unauthenticated, "No session token came with the request: \(wanted).")
    }
  }

  /// The challenge to a token that came and is not good; one to a request that brought none names no error.
  static let invalidToken = #"Bearer realm="gatehouse", error="invalid_token""#

  private static func ours(_ field: String) -> Credential? {
    let parts = field.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
    let token = String(parts[1].trimmed)
    if token.hasPrefix("gh_") { return .session(token: token, fromCookie: false) }
    return token.hasPrefix("ghk_") ? .key(token) : nil
  }

  private static func cookies(_ headers: HTTPFields, _ cookieName: String) -> [String] {
    headers[values: .cookie].flatMap { $0.split(separator: ";") }.compactMap { pair in
      let pair = pair.trimmed
      guard pair.hasPrefix(cookieName + "=") else { return nil }
      return String(pair.dropFirst(cookieName.utf8.count + 1))
    }
  }
}

/// The defence against other sites that make a browser send our cookie.
public struct CrossSiteRule: Sendable {
  private let allowedOrigins: Set<String>

  /// `allowedOrigins` may use the cookie from elsewhere; they are compared as they are.
  public init(allowedOrigins: [String]) { self.allowedOrigins = Set(allowedOrigins) }

  /// Throws 403 `csrf_rejected` when `credential` came in a cookie, `method` is unsafe, and neither `Sec-Fetch-Site` nor `Origin`
  /// shows that the request is meant.
  public func check(_ credential: Credential, method: HTTPRequest.Method, _ headers: HTTPFields) throws {
    guard case .session(_, fromCookie: true) = credential else { return }
    try check(method: method, headers)
  }

  /// Throws 403 `csrf_rejected` when `method` is unsafe and neither `Sec-Fetch-Site` nor `Origin` shows that the request is meant, whatever
  /// credential it has: for a request whose answer sets the cookie.
  public func check(
    method: HTTPRequest.Method, _ headers: HTTPFields, what: String = "A request with the cookie that changes something"
  ) throws {
    guard ![.get, .head, .options, .trace].contains(method) else { return }
    if let name = HTTPField.Name("Sec-Fetch-Site"), let site = headers[name], site == "same-origin" || site == "none" { return }
    if let origin = headers[.origin], allowedOrigins.contains(origin) { return }
    let isSilent = headers[.origin] == nil && HTTPField.Name("Sec-Fetch-Site").flatMap { headers[$0] } == nil
    throw Problem(
      .csrfRejected,
      "\(what) must come from the same origin or from one in allowed_origins. "
        + (isSilent
          ? "Neither Sec-Fetch-Site nor Origin says where this one comes from: browsers send them; other clients use a bearer token."
          : "Sec-Fetch-Site and Origin say that this one comes from elsewhere."))
  }
}

extension Problem {
  /// The 401 for a session's token that is not good.
  static var unauthenticated: Problem {
    Problem(
      .unauthenticated, ServiceError.sessionTokenDetail,
      headers: [.wwwAuthenticate: Credential.invalidToken])
  }

  fileprivate static func ambiguous(_ detail: String) -> Problem { Problem(.ambiguousCredentials, detail) }
}
