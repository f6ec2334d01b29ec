import Synchronization

/// The secret of a data folder: one key or more, the newest first, and for each purpose a key derived from it.
///
/// The first key makes; all of them verify. So a new line goes behind first, where it only verifies, and in front once every process
/// has read it; the old one then stays behind until nothing that it made is in use.
public struct ServerSecret: Sendable {
  /// The purposes of derived keys. One purpose's key says nothing about another's.
  public enum Purpose: String, Sendable, CaseIterable {
    /// The checksums of session tokens.
    case tokenChecksum = "token-checksum"
    /// The successors of rotated session tokens.
    case rotation
    /// The fingerprints of idempotent requests.
    case idempotency
    /// The seals of list cursors.
    case cursors
    /// The day's usage of a deleted account's email.
    case emailDay = "email-day"
  }

  struct Root: Sendable, Equatable {
    let id: String
    let bytes: [UInt8]
  }

  /// One line of the file, without what it keeps secret.
  public struct Line: Sendable, Equatable {
    /// The key's id as the file has it; no two lines of one file share it.
    public let id: String
    /// Tells this line from another of the same id; nobody finds the key from it.
    public let digest: Digest256

    /// The line of this id whose key has this digest.
    public init(id: String, digest: Digest256) {
      self.id = id
      self.digest = digest
    }
  }

  private struct DerivedKeys: Sendable {
    let line: Line
    let byPurpose: [Purpose: MacKey]
    let subjectSeed: [UInt8]

    var id: String { line.id }

    init(_ root: Root) {
      let rootKey = MacKey(root.bytes)
      let digest = rootKey.hmac(Array("gatehouse line".utf8))
      line = Line(id: root.id, digest: Digest256(bytes: digest) ?? Digest256.sha256(digest))
      subjectSeed = rootKey.hmac(Array("gatehouse subjects".utf8))
      var keys: [Purpose: MacKey] = [:]
      for purpose in Purpose.allCases { keys[purpose] = MacKey(rootKey.hmac(Array("gatehouse \(purpose.rawValue)".utf8))) }
      byPurpose = keys
    }

    func key(_ purpose: Purpose) -> MacKey {
      guard let key = byPurpose[purpose] else { fatalError("No key was derived for \(purpose.rawValue).") }
      return key
    }
  }

  private let newest: DerivedKeys
  private let older: [DerivedKeys]
  /// Ready at hand, since every request's token is checked with them.
  let tokenChecksums: [MacKey]

  init(newest: Root, older: [Root]) {
    self.newest = DerivedKeys(newest)
    self.older = older.map(DerivedKeys.init)
    tokenChecksums = [self.newest.key(.tokenChecksum)] + self.older.map { $0.key(.tokenChecksum) }
  }

  /// A new secret that lives as long as the process.
  public static func ephemeral() -> ServerSecret { ServerSecret(newest: .random(), older: []) }

  /// The id of the newest key, to be stored beside what a derived key makes.
  public var currentKeyID: String { newest.id }

  /// Every line, the first one first.
  public var lines: [Line] { [newest.line] + older.map(\.line) }

  /// The seed of a ledger's first key for the subjects of limits; see `SQLLedger.subjects`.
  public var subjectSeed: [UInt8] { newest.subjectSeed }

  /// The newest key of a purpose.
  public func key(_ purpose: Purpose) -> MacKey { newest.key(purpose) }

  /// The key of a purpose that comes from the key named `id`; nil once that one's line is gone.
  public func key(_ purpose: Purpose, id: String) -> MacKey? {
    id == newest.id ? newest.key(purpose) : older.first { $0.id == id }?.key(purpose)
  }

  /// All keys of a purpose, the newest first.
  public func keys(_ purpose: Purpose) -> [MacKey] { [newest.key(purpose)] + older.map { $0.key(purpose) } }
}

/// The secret in force. It is asked each time, so that a line that was read again is true from the next call on.
public final class LiveSecret: Sendable {
  private let secret: Mutex<ServerSecret>

  /// `secret` is in force until the first `replace`.
  public init(_ secret: ServerSecret) { self.secret = Mutex(secret) }

  /// The secret in force at this call; don't keep it beyond the request.
  public var now: ServerSecret { secret.withLock { $0 } }

  /// Puts `next` in force at once, for all threads; a value that was taken before stays as it was.
  public func replace(with next: ServerSecret) { secret.withLock { $0 = next } }
}

extension ServerSecret.Root {
  static let keyBytes = 32
  static let idLength = 6

  static func random() -> Self {
    Self(id: SecureRandom.identifier(length: idLength), bytes: SecureRandom.bytes(keyBytes))
  }
}
