/// A backend's key: `ghk_`, the key's id without its prefix, 256 bits as 43 characters, a checksum.
///
/// The checksum is not keyed, unlike a session token's: service keys outlive the server secret's keys, and what it is for is a slip
/// of the pen and scanners that look for leaked keys. A forger still has to guess 256 bits.
public struct ServiceKeyToken: Sendable, Equatable, CustomStringConvertible {
  static let prefix = Array("ghk_".utf8)
  static let idLength = 14
  /// The length of every key, in bytes.
  public static let length = prefix.count + idLength + SessionToken.secretLength + SessionToken.checksumLength

  private let bytes: [UInt8]
  /// The whole key: shown once, stored as a hash. Made at each call.
  public var text: String { String(decoding: bytes, as: UTF8.self) }
  /// The key's id without its prefix.
  public let keyID: String
  /// SHA-256 of the 32 secret bytes, the only form in which a key is stored.
  public let hash: Digest256

  private init(text: [UInt8], secret: [UInt8]) {
    bytes = text
    keyID = String(decoding: text[Self.prefix.count..<(Self.prefix.count + Self.idLength)], as: UTF8.self)
    hash = Digest256.sha256(secret)
  }

  /// A new key, whose id is 14 letters and digits.
  public static func mint(keyID: String) -> ServiceKeyToken {
    let id = Array(keyID.utf8)
    precondition(id.count == idLength && id.allSatisfy(Base62.isDigit), "a key's id is 14 letters and digits")
    let secret = SecureRandom.bytes(SessionToken.secretBytes)
    let body = prefix + id + Base62.encode(secret, length: SessionToken.secretLength)
    return ServiceKeyToken(text: body + checksum(body), secret: secret)
  }

  /// The key that `text` spells; nil if it is mistyped or no key at all.
  public static func parse(_ text: some StringProtocol) -> ServiceKeyToken? { parse(text.utf8) }

  /// The key that the bytes of `text` spell; nil if it is mistyped or no key at all.
  public static func parse(_ text: some Collection<UInt8>) -> ServiceKeyToken? {
    guard text.count == length else { return nil }
    let text = Array(text)
    let secret = text.withUnsafeBytes { text -> [UInt8]? in
      guard text.starts(with: prefix), text[prefix.count...].allSatisfy(Base62.isDigit) else { return nil }
      let body = UnsafeRawBufferPointer(rebasing: text[..<(length - SessionToken.checksumLength)])
      let given = UnsafeRawBufferPointer(rebasing: text[(length - SessionToken.checksumLength)...])
      let digest = Digest256.sha256(body).bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      guard spells(given, digest) else { return nil }
      return Base62.decode(
        UnsafeRawBufferPointer(rebasing: body[(body.count - SessionToken.secretLength)...]), byteCount: SessionToken.secretBytes)
    }
    return secret.map { ServiceKeyToken(text: text, secret: $0) }
  }

  private static func checksum(_ body: [UInt8]) -> [UInt8] {
    Base62.encode(Array(Digest256.sha256(body).bytes.prefix(8)), length: SessionToken.checksumLength)
  }

  /// Never the key itself.
  public var description: String { "ghk_(redacted)" }
}

extension ServiceKeyToken: CustomReflectable {
  /// Dumps and interpolated containers show no more than `description` does.
  public var customMirror: Mirror { Mirror(self, children: ["keyID": keyID]) }
}
