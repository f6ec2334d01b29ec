import GatehouseCrypto
import Synchronization

/// The service keys as this process knows them: read again whenever the lease poll sees another version.
public final class KeyRing: Sendable {
  /// Time between two writes of a key's last use.
  static let touchIntervalMilliseconds: Int64 = 60_000

  private struct Ring {
    var version: Int64 = -1
    var keys: [ServiceKeyID: ServiceKey] = [:]
  }

  private let ring = Mutex(Ring())

  public init() {}

  /// Reads the keys again if `version` is not the one that is known.
  func refresh(version: Int64, from ledger: some HotLedger) async throws {
    guard ring.withLock({ $0.version != version }) else { return }
    let keys = try await ledger.serviceKeys()
    ring.withLock { ring in
      ring = Ring(version: version, keys: Dictionary(keys.map { ($0.id, $0) }) { first, _ in first })
    }
  }

  /// The live key behind a token, or `invalidKey`; its last use is written at most once a minute.
  public func check(_ token: ServiceKeyToken, ledger: some HotLedger, now: Int64) throws(ServiceError) -> ServiceKey {
    let known = ring.withLock { ring -> (key: ServiceKey, touch: Bool)? in
      guard let id = ServiceKeyID(ServiceKeyKind.prefix + token.keyID), var key = ring.keys[id],
        constantTimeEquals(key.hash.bytes, token.hash.bytes)
      else { return nil }
      let touch = now - (key.lastUsedAtMilliseconds ?? 0) >= Self.touchIntervalMilliseconds
      if touch {
        key.lastUsedAtMilliseconds = now
        ring.keys[id] = key
      }
      return (key, touch)
    }
    guard let known, known.key.isLive(atMilliseconds: now) else {
      throw ServiceError(.invalidKey, "The service key is unknown, expired or revoked. Create one with: gatehouse key create.")
    }
    if known.touch { ledger.touchServiceKey(known.key.id, usedAt: now) }
    return known.key
  }
}
