/// The secret that proves a session: `gh_1`, the user's routing id, 256 bits as 43 characters, a keyed checksum.
///
/// A forged or mistyped token is refused by its checksum, without a look into any store.
public struct SessionToken: Sendable, Equatable, CustomStringConvertible {
  static let prefix = Array("gh_1".utf8)
  static let routingLength = 14
  static let secretBytes = 32
  static let secretLength = 43
  static let checksumLength = 6
  /// The length of every token, in bytes.
  public static let length = prefix.count + routingLength + secretLength + checksumLength

  private let bytes: [UInt8]
  /// The whole token: for its user and for nobody else. Made at each call: few that parse a token ask for it.
  public var text: String { String(decoding: bytes, as: UTF8.self) }
  /// The user's id without its prefix.
  public let routingID: String
  /// SHA-256 of the 32 secret bytes, the only form in which a token is stored. It stays the same when the server secret changes.
  public let hash: Digest256
  private let secret: [UInt8]

  private init(text: [UInt8], secret: [UInt8]) {
    bytes = text
    self.secret = secret
    routingID = String(decoding: text[Self.prefix.count..<(Self.prefix.count + Self.routingLength)], as: UTF8.self)
    hash = Digest256.sha256(secret)
  }

  /// A new token of a user, whose routing id is 14 letters and digits.
  public static func mint(routingID: String, secret: ServerSecret) -> SessionToken {
    mint(routingID: routingID, secretBytes: SecureRandom.bytes(secretBytes), secret: secret)
  }

  /// The token that rotation derives from this one: the same whenever nonce and key are the same, so that a repeated call answers it
  /// again and nothing live is stored. nil once the key named `keyID` is gone.
  public func successor(nonce: [UInt8], secret server: ServerSecret, keyID: String) -> SessionToken? {
    guard let rotation = server.key(.rotation, id: keyID), let checksums = server.key(.tokenChecksum, id: keyID) else { return nil }
    return Self.mint(routingID: routingID, secretBytes: rotation.hmac(secret + nonce), checksums: checksums)
  }

  /// The token of a user that holds just these 32 secret bytes.
  public static func mint(routingID: String, secretBytes: [UInt8], secret: ServerSecret) -> SessionToken {
    mint(routingID: routingID, secretBytes: secretBytes, checksums: secret.key(.tokenChecksum))
  }

  private static func mint(routingID: String, secretBytes: [UInt8], checksums: MacKey) -> SessionToken {
    let routing = Array(routingID.utf8)
    precondition(routing.count == routingLength && routing.allSatisfy(Base62.isDigit), "a routing id is 14 letters and digits")
    precondition(secretBytes.count == Self.secretBytes, "a token's secret has 32 bytes")
    let body = prefix + routing + Base62.encode(secretBytes, length: secretLength)
    return SessionToken(text: body + checksum(body, checksums), secret: secretBytes)
  }

  /// The token that `text` spells; nil unless one of the server secret's keys minted it.
  public static func parse(_ text: some StringProtocol, secret: ServerSecret) -> SessionToken? { parse(text.utf8, secret: secret) }

  /// The token that the bytes of `text` spell; nil unless one of the server secret's keys minted it.
  public static func parse(_ text: some Collection<UInt8>, secret: ServerSecret) -> SessionToken? {
    guard text.count == length else { return nil }
    let text = Array(text)
    let bytes = text.withUnsafeBytes { text -> [UInt8]? in
      // The checksum is compared whole, and the secret's letters and digits are looked at when they are read.
      guard text.starts(with: prefix), text[prefix.count..<(prefix.count + routingLength)].allSatisfy(Base62.isDigit) else { return nil }
      let body = UnsafeRawBufferPointer(rebasing: text[..<(length - checksumLength)])
      let given = UnsafeRawBufferPointer(rebasing: text[(length - checksumLength)...])
      guard secret.tokenChecksums.contains(where: { spells(given, $0.shortHMAC(body)) }) else { return nil }
      return Base62.decode(UnsafeRawBufferPointer(rebasing: body[(body.count - secretLength)...]), byteCount: secretBytes)
    }
    return bytes.map { SessionToken(text: text, secret: $0) }
  }

  private static func checksum(_ body: [UInt8], _ key: MacKey) -> [UInt8] {
    Base62.encode(Array(key.hmac(body).prefix(8)), length: checksumLength)
  }

  /// Never the token itself.
  public var description: String { "gh_(redacted)" }
}

extension SessionToken: CustomReflectable {
  /// Dumps and interpolated containers show no more than `description` does.
  public var customMirror: Mirror { Mirror(self, children: ["routingID": routingID]) }
}
