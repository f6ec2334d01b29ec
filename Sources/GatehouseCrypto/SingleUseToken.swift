/// The secret of a mailed link: `ghm_`, 256 bits as 43 characters, a checksum.
///
/// The checksum is not keyed: a link may outlive a key of the server secret, and a slip is all that it is for.
public struct SingleUseToken: Sendable, Equatable, CustomStringConvertible {
  static let prefix = Array("ghm_".utf8)
  /// The length of every token, in bytes.
  public static let length = prefix.count + SessionToken.secretLength + SessionToken.checksumLength

  /// The whole token: for a mail and for nothing else.
  public let text: String
  /// SHA-256 of the 32 secret bytes, the only form in which a token is stored.
  public let hash: Digest256

  private init(text: [UInt8], secret: [UInt8]) {
    self.text = String(decoding: text, as: UTF8.self)
    hash = Digest256.sha256(secret)
  }

  /// A new token.
  public static func mint() -> SingleUseToken {
    let secret = SecureRandom.bytes(SessionToken.secretBytes)
    let body = prefix + Base62.encode(secret, length: SessionToken.secretLength)
    return SingleUseToken(text: body + checksum(body), secret: secret)
  }

  /// The token that `text` spells; nil if it is mistyped or no token at all.
  public static func parse(_ text: some StringProtocol) -> SingleUseToken? {
    let text = Array(text.utf8)
    guard text.count == length, text.starts(with: prefix), text.dropFirst(prefix.count).allSatisfy(Base62.isDigit) else { return nil }
    let body = Array(text.dropLast(SessionToken.checksumLength))
    guard constantTimeEquals(checksum(body), Array(text.suffix(SessionToken.checksumLength))),
      let secret = Base62.decode(body.suffix(SessionToken.secretLength), byteCount: SessionToken.secretBytes)
    else { return nil }
    return SingleUseToken(text: text, secret: secret)
  }

  private static func checksum(_ body: [UInt8]) -> [UInt8] {
    Base62.encode(Array(Digest256.sha256(body).bytes.prefix(8)), length: SessionToken.checksumLength)
  }

  /// Never the token itself.
  public var description: String { "ghm_(redacted)" }
}

extension SingleUseToken: CustomReflectable {
  /// Dumps and interpolated containers show no more than `description` does.
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}
