import GatehouseCrypto

/// A backend's key, stored as a hash. Instants are milliseconds since 1970 UTC.
public struct ServiceKey: Sendable, Equatable {
  /// The longest time in seconds after which a key may end that has an end.
  public static let secondsMax = 3_650 * Day.seconds

  /// The rights of a key; the routes of each are in the HTTP contract.
  public enum Scope: String, Sendable, CaseIterable {
    /// Decides requests, and checks limits.
    case gate
    /// Reserves units, and works with analyses and usage.
    case work
    /// Acts for users, and reads and changes their accounts.
    case accounts
    /// Does what operators do, at the ops listener.
    case admin
  }

  /// The key's id, which stands in its token and grants nothing.
  public let id: ServiceKeyID
  /// A name for people, which need not be unique.
  public let name: String
  /// The token's hash: the token itself is stored nowhere.
  public let hash: Digest256
  /// The rights of the key; a call outside them is refused with `scopeMissing`.
  public let scopes: Set<Scope>
  /// The instant at which the key was made.
  public let createdAtMilliseconds: Int64
  /// The instant from which the key opens nothing; nil for one without an end.
  public let expiresAtMilliseconds: Int64?
  /// Written at most once a minute.
  public var lastUsedAtMilliseconds: Int64?
  /// The instant at which an operator or backend revoked it; nil for one that was not.
  public var revokedAtMilliseconds: Int64?

  /// A key as the ledger stores it; a new one is neither used nor revoked.
  public init(
    id: ServiceKeyID, name: String, hash: Digest256, scopes: Set<Scope>, createdAtMilliseconds: Int64, expiresAtMilliseconds: Int64?,
    lastUsedAtMilliseconds: Int64? = nil, revokedAtMilliseconds: Int64? = nil
  ) {
    self.id = id
    self.name = name
    self.hash = hash
    self.scopes = scopes
    self.createdAtMilliseconds = createdAtMilliseconds
    self.expiresAtMilliseconds = expiresAtMilliseconds
    self.lastUsedAtMilliseconds = lastUsedAtMilliseconds
    self.revokedAtMilliseconds = revokedAtMilliseconds
  }

  /// Whether the key opens anything at `now`.
  public func isLive(atMilliseconds now: Int64) -> Bool { revokedAtMilliseconds == nil && (expiresAtMilliseconds.map { now < $0 } ?? true) }
}

/// Ids of service keys: a backend's credential.
public enum ServiceKeyKind: IdentifierKind {
  /// The beginning of every service key's id.
  public static let prefix = "key_"
}

/// The id of a service key.
public typealias ServiceKeyID = Identifier<ServiceKeyKind>

extension AuditActor {
  /// A backend, by its key.
  public static func key(_ id: ServiceKeyID) -> AuditActor { AuditActor(id.text) }
}
