import GatehouseCrypto

/// A backend's key, stored as a hash. Instants are milliseconds since 1970 UTC.
public struct ServiceKey: Sendable, Equatable {
  /// The rights of a key; the routes of each are in the HTTP contract.
  public enum Scope: String, Sendable, CaseIterable { case gate, work, accounts, admin }

  public let id: ServiceKeyID
  public let name: String
  public let hash: Digest256
  public let scopes: Set<Scope>
  public let createdAtMilliseconds: Int64
  public let expiresAtMilliseconds: Int64?
  /// Written at most once a minute.
  public var lastUsedAtMilliseconds: Int64?
  public var revokedAtMilliseconds: Int64?

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
  public static let prefix = "key_"
}

/// The id of a service key.
public typealias ServiceKeyID = Identifier<ServiceKeyKind>

extension AuditActor {
  /// A backend, by its key.
  public static func key(_ id: ServiceKeyID) -> AuditActor { AuditActor(id.text) }
}
