import GatehouseCore
import StrictJSON

/// The credentials that an endpoint takes.
enum Access: Sendable, Equatable {
  /// None is looked at.
  case anyone
  /// None is needed; with a key of this scope a backend calls for its user.
  case anyoneOr(ServiceKey.Scope)
  /// A session's token.
  case session
  /// A service key of this scope.
  case key(ServiceKey.Scope)
  /// A session's token, or a service key of this scope.
  case sessionOr(ServiceKey.Scope)
  /// The session's token of a request that a proxy asks about.
  case forwarded

  /// The refusals that the credential can bring.
  var refusals: [Int] {
    switch self {
    case .anyone: []
    case .anyoneOr, .key: [401, 403]
    case .session, .sessionOr, .forwarded: [401, 403, 429]
    }
  }

  /// The security requirements of the documents, any one of which is enough. A service key's scope stands as its role.
  var requirements: [JSONValue] {
    let token: JSONObject = ["token": []], cookie: JSONObject = ["cookie": []]
    let sessions: [JSONValue] = [.object(token), .object(cookie)]
    // A backend's key may stand beside a session's credential.
    let vouched: [JSONValue] = [["token": [], "backend": []], ["cookie": [], "backend": []]]
    func key(_ scope: ServiceKey.Scope) -> JSONValue { ["key": [.string(scope.rawValue)]] }
    return switch self {
    case .anyone: [[:]]
    case .anyoneOr(let scope): [[:], key(scope)]
    case .session: sessions + vouched
    case .key(let scope): [key(scope)]
    case .sessionOr(let scope): sessions + [key(scope)] + vouched
    case .forwarded: sessions
    }
  }
}
