import GatehouseCore
import GatehouseCrypto

/// A caller with a session, let in by the gate.
struct Visitor: Sendable {
  let userID: UserID
  let sessionID: SessionID
  let token: SessionToken
  /// When the password was given for this token.
  let authenticatedAtMilliseconds: Int64
  let fromCookie: Bool
  /// RateLimit fields of the answer.
  let fields: [(String, String)]
}

/// A session token whose checksum is right; no store has been asked about it.
struct PresentedToken: Sendable {
  let token: SessionToken
  let fromCookie: Bool
  /// The backend that vouches for the call, by a key beside the token.
  let backend: ServiceKey?

  /// The user whom the token's routing id names.
  var userID: UserID? { UserID(routingID: token.routingID) }
}

/// The caller of a route that is open to sessions and to backends.
enum Caller: Sendable {
  case visitor(Visitor)
  case backend(ServiceKey)

  /// The one user whose things a session sees; nil for a backend.
  var userID: UserID? {
    if case .visitor(let visitor) = self { visitor.userID } else { nil }
  }

  var fields: [(String, String)] {
    if case .visitor(let visitor) = self { visitor.fields } else { [] }
  }
}
