/// The secret of a data folder: one key or more, the newest first, and for each purpose a key derived from it.
///
/// The newest key makes; older ones still verify what they made, until an operator removes their line.
public struct ServerSecret: Sendable {
  /// What a derived key is for. One purpose's key says nothing about another's.
  public enum Purpose: String, Sendable, CaseIterable {
    /// The checksums of session tokens.
    case tokenChecksum = "token-checksum"
    /// The successors of rotated session tokens.
    case rotation
    /// What stands for an email or an address where its text must not.
    case subjects
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

  private struct DerivedKeys: Sendable {
    let id: String
    let byPurpose: [Purpose: MacKey]

    init(_ root: Root) {
      id = root.id
      let rootKey = MacKey(root.bytes)
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

  /// The newest key of a purpose.
  public func key(_ purpose: Purpose) -> MacKey { newest.key(purpose) }

  /// The key of a purpose that comes from the key named `id`; nil once that one's line is gone.
  public func key(_ purpose: Purpose, id: String) -> MacKey? {
    id == newest.id ? newest.key(purpose) : older.first { $0.id == id }?.key(purpose)
  }

  /// All keys of a purpose, the newest first.
  public func keys(_ purpose: Purpose) -> [MacKey] { [newest.key(purpose)] + older.map { $0.key(purpose) } }
}

extension ServerSecret.Root {
  static let keyBytes = 32
  static let idLength = 6

  static func random() -> Self {
    Self(id: SecureRandom.identifier(length: idLength), bytes: SecureRandom.bytes(keyBytes))
  }
}
