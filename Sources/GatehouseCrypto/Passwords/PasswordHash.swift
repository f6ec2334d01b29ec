/// A stored password hash: ours (Argon2id) or one that another application wrote and that is replaced at its user's next login.
public struct PasswordHash: Sendable {
  /// How a stored password was hashed; all but Argon2id come from imports and are replaced at the next login.
  public enum Scheme: String, Sendable, CaseIterable { case argon2id, pbkdf2, scrypt, bcrypt }

  /// There is not enough memory for the work now.
  public struct NoMemory: Error, Sendable { init() {} }

  enum Kind: Sendable {
    case argon2id(Argon2Hash)
    case pbkdf2(PBKDF2Hash)
    case scrypt(ScryptHash)
    case bcrypt(BcryptHash)
  }

  /// No stored hash is longer, in bytes.
  static let textBytesMax = 512

  /// The hash as it is stored. It is no secret to log in with, but keep it out of logs and answers all the same.
  public let text: String
  let kind: Kind

  /// The hash that `text` spells in one of these forms; nil for any other, a broken one, or parameters beyond the bounds.
  ///
  /// | scheme | form | bounds |
  /// |---|---|---|
  /// | argon2id | `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>` | m <= 1 GiB, t <= 64, p <= 16 |
  /// | pbkdf2 | `pbkdf2:sha256:600000$<salt>$<hex>` | 10,000,000 iterations |
  /// | scrypt | `scrypt:32768:8:1$<salt>$<hex>` | N <= 2^20, r <= 32, p <= 16, at most 1 GiB |
  /// | bcrypt | `$2b$12$…`, `$2a$`, `$2y$` | cost 4 to 16 |
  public static func parse(_ text: some StringProtocol) -> PasswordHash? {
    guard text.utf8.count <= textBytesMax else { return nil }
    let text = String(text)
    let kind: Kind? =
      if text.hasPrefix("$argon2id$") {
        Argon2Hash(text).map(Kind.argon2id)
      } else if text.hasPrefix("pbkdf2:") {
        PBKDF2Hash(text).map(Kind.pbkdf2)
      } else if text.hasPrefix("scrypt:") {
        ScryptHash(text).map(Kind.scrypt)
      } else {
        BcryptHash(text).map(Kind.bcrypt)
      }
    guard let kind else { return nil }
    return PasswordHash(text: text, kind: kind)
  }

  private init(text: String, kind: Kind) {
    self.text = text
    self.kind = kind
  }

  /// The method that the stored text names.
  public var scheme: Scheme {
    switch kind {
    case .argon2id: .argon2id
    case .pbkdf2: .pbkdf2
    case .scrypt: .scrypt
    case .bcrypt: .bcrypt
    }
  }

  /// Whether `password` is the one that was hashed; the comparison takes the same time either way. It works for 20 to 120 ms (more
  /// with costlier parameters): call it on a `HashPool`, never on an event loop.
  ///
  /// A password that a foreign method confuses with others is refused rather than accepted: a zero byte under bcrypt, or at the end under pbkdf2 and scrypt.
  /// bcrypt reads 72 bytes; what comes behind them is not compared. Without memory for the work nothing is known, and it throws.
  public func verify(_ password: [UInt8]) throws(NoMemory) -> Bool {
    switch kind {
    case .argon2id(let hash): try hash.verify(password)
    case .pbkdf2(let hash): try hash.verify(password)
    case .scrypt(let hash): try hash.verify(password)
    case .bcrypt(let hash): hash.verify(password)
    }
  }

  /// Whether the hash was not made by Argon2id with just these parameters.
  public func needsRehash(_ parameters: Argon2Parameters = .standard) -> Bool {
    if case .argon2id(let hash) = kind { hash.parameters != parameters } else { true }
  }

  /// The Argon2id hash of `password` under a new salt, in PHC form. It works as long as `verify` does: call it on a `HashPool`.
  public static func argon2id(_ password: [UInt8], parameters: Argon2Parameters = .standard) throws(NoMemory) -> String {
    try Argon2Hash(hashing: password, parameters: parameters).text
  }

  /// A hash that no password is known for and that costs what a current one does: verify against it when the user is unknown, so that
  /// the answer's time does not tell.
  public static func dummy(parameters: Argon2Parameters = .standard) -> PasswordHash {
    let hash = Argon2Hash(unknownWith: parameters)
    return PasswordHash(text: hash.text, kind: .argon2id(hash))
  }
}

extension PasswordHash: CustomStringConvertible, CustomReflectable {
  /// The scheme alone.
  public var description: String { "\(scheme.rawValue)(redacted)" }
  /// A mirror that shows the scheme alone, so that neither salt nor hash gets into a dump.
  public var customMirror: Mirror { Mirror(self, children: ["scheme": scheme]) }
}
