import GatehouseCrypto
import Synchronization

/// The service keys as this process knows them: read again whenever the lease poll sees another version.
public final class KeyRing: Sendable {
  /// A poll is believed this long, counted from the start of its read by the boot-time clock; then no key opens
  /// anything, so that a process which can't read the ledger never accepts a revoked one for longer.
  public static let trustedFor: Duration = .seconds(1)
  /// Tokens that are remembered: backends have few keys.
  static let tokensMax = 4
  /// Time between two writes of a key's last use.
  static let touchIntervalMilliseconds: Int64 = 60_000

  private struct Ring {
    var version: Int64 = -1
    var readAt: ContinuousClock.Instant?
    var keys: [ServiceKeyID: ServiceKey] = [:]
    /// The tokens of keys in use, in the process's memory alone. Forgotten whenever keys are read.
    var tokens: [(text: [UInt8], key: ServiceKeyID)] = []
  }

  private let ring = Mutex(Ring())

  /// A ring that knows no key: `check` throws `unavailable` until the keys were read.
  public init() {}

  /// Believes the known keys for another while if `version`, the one in force at `start`, is theirs. Otherwise it reads the keys again.
  func refresh(version: Int64, readAt start: ContinuousClock.Instant, from ledger: any KeyLedger) async throws {
    let isKnown = ring.withLock { ring in
      guard ring.version == version else { return false }
      ring.readAt = max(ring.readAt ?? start, start)
      return true
    }
    guard !isKnown else { return }
    let keys = try await ledger.serviceKeys()
    ring.withLock { ring in
      // By when they were read, not by their version: a ledger that was put back has a lower one.
      guard ring.readAt.map({ $0 <= start }) ?? true else { return }
      ring = Ring(version: version, readAt: start, keys: Dictionary(keys.map { ($0.id, $0) }) { first, _ in first })
    }
  }

  /// Whether the poll has read the keys within the time that a revocation waits for it.
  var isFresh: Bool { isRead(within: Lease.duration) }

  /// Reads the keys if the poll has not done so for as long as a revocation waits for it: before the first poll, and when this
  /// process was paused. Asked before each request, so that a key which was revoked before it is dead on every process.
  public func refreshIfStale(from ledger: any HotLedger & KeyLedger) async throws {
    guard !isFresh else { return }
    let start = ContinuousClock.now
    try await refresh(version: ledger.leasePoll().serviceKeysVersion, readAt: start, from: ledger)
  }

  /// The live key behind a token; its last use is written at most once a minute. Throws `invalidKey`, and `unavailable` while it is
  /// not known which keys are live.
  public func check(_ token: ServiceKeyToken, ledger: any KeyLedger, now: Int64) throws(ServiceError) -> ServiceKey {
    guard isRead(within: Self.trustedFor) else {
      throw ServiceError(
        .unavailable, "The list of valid service keys could not be read for a second. Try again in a moment.", retryAfterSeconds: 1)
    }
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
      throw ServiceError(.invalidKey, ServiceError.serviceKeyDetail)
    }
    if known.touch { ledger.touchServiceKey(known.key.id, usedAt: now) }
    return known.key
  }

  /// The live key of a token that is remembered. It spares the digests of a token that was checked before; a key whose use has to be noted
  /// is left to `check`, as is everything that is not certain.
  func known(_ token: UnsafeRawBufferPointer, scope: ServiceKey.Scope, now: Int64) -> ServiceKeyID? {
    ring.withLock { ring in
      guard let readAt = ring.readAt, ContinuousClock.now < readAt + Self.trustedFor,
        let found = ring.tokens.first(where: { constantTimeEquals($0.text, token) }), let key = ring.keys[found.key],
        key.scopes.contains(scope), key.isLive(atMilliseconds: now),
        now - (key.lastUsedAtMilliseconds ?? 0) < Self.touchIntervalMilliseconds
      else { return nil }
      return found.key
    }
  }

  /// Remembers a token that `check` has found good, unless its key has gone meanwhile.
  func remember(_ token: ServiceKeyToken) {
    ring.withLock { ring in
      guard let id = ServiceKeyID(ServiceKeyKind.prefix + token.keyID), let key = ring.keys[id],
        constantTimeEquals(key.hash.bytes, token.hash.bytes), !ring.tokens.contains(where: { $0.key == id })
      else { return }
      if ring.tokens.count >= Self.tokensMax { ring.tokens.removeFirst() }
      ring.tokens.append((Array(token.text.utf8), id))
    }
  }

  private func isRead(within span: Duration) -> Bool { ring.withLock { $0.readAt.map { ContinuousClock.now < $0 + span } ?? false } }
}
