import GatehouseCrypto
import Testing

@Suite("Password hashes")
struct PasswordHashTests {
  /// Cheap, for what does not depend on the cost.
  static let quick = Argon2Parameters(memoryKiB: 64, passes: 1, lanes: 1) ?? .standard

  struct Known: Sendable, CustomTestStringConvertible {
    let password: String
    let hash: String
    let scheme: PasswordHash.Scheme
    var testDescription: String { "\(scheme.rawValue) of \(password.prefix(20))" }

    init(_ scheme: PasswordHash.Scheme, _ password: String, _ parts: String...) {
      self.scheme = scheme
      self.password = password
      hash = parts.joined()
    }
  }

  /// From a database that Werkzeug and bcrypt filled; the reference implementation of Argon2; RFC 7914; Python's hashlib and crypt.
  static let known = [
    Known(
      .pbkdf2, "eva-414002-ugo", "pbkdf2:sha256:260000$0j6Fa2e6QGb9bnjG$",
      "4c4f298607e9d8797f48876ed0db1b42a7cc0b880633232595c1478a2ed13680"),
    Known(
      .pbkdf2, "xia-735567-jon", "pbkdf2:sha256:600000$wLTJSBlQEheXP5YS$",
      "365c7787251227cf7721c2e712aedc81fbe09a7e24dd0fce883100446c89a14e"),
    Known(.pbkdf2, "Grüße", "pbkdf2:sha256:1000$NaClNaClNaCl$", "cc7082322623ed1d65b3dbfbea4bc6b5412a9a91d347ee1bb5222b1eb02e5a53"),
    Known(.pbkdf2, "", "pbkdf2:sha256:1$NaClNaClNaCl$", "10785ea5cb0846b1cfc6574154e8871a1a082d6a64c1b6fc6bc7548bf590a72e"),
    Known(
      .scrypt, "bo-953893-quim", "scrypt:32768:8:1$XEWMyH6LGx9CUkXX$", "1b54fbc97307b646238b976d2b660beb796774e65001f707c359beb2cbe01e81",
      "77baaf1ff42bfb12b3e5cef2cc80b34c56ce5cb460cda6f9a673a9b3cf25f85e"),
    Known(
      .scrypt, "hugo-48845-rosa", "scrypt:32768:8:1$1kZKORKxQnuWnzOh$", "870cf0d7a281815cad8f1be5bd98826192cc6edd1fa65fbf801b5c1a0e49eaf1",
      "7d974fa4b321ca1ea68522e2581d7622119dc558a6d0354406e53edc40637de8"),
    Known(
      .scrypt, "password", "scrypt:1024:8:16$NaCl$", "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162",
      "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"),
    Known(
      .scrypt, "", "scrypt:16:8:1$NaClNaClNaCl$", "b9aa791f62c3fb850a52559643a0723764c32824f4a9c9afb6cfda85a8657112",
      "369ee9b1c699b3ac1603d05933190fa8a9941f49c726f66b6c7d7ab1c74761e2"),
    Known(.bcrypt, "noor-73248-hugo", "$2b$10$zMaPomXhqSO/tHql9QVweesK0pI429CPy.fdpkC/8P2pWBtr8vv9e"),
    Known(.bcrypt, "eva-566950-dinh", "$2b$10$nFO5ikmpVwdjYuf48ScNlu7b2ZAsogDDj8iX45wbU5UCqgjKQhKsq"),
    Known(.bcrypt, "eva-566950-dinh", "$2a$10$nFO5ikmpVwdjYuf48ScNlu7b2ZAsogDDj8iX45wbU5UCqgjKQhKsq"),
    Known(.bcrypt, "eva-566950-dinh", "$2y$10$nFO5ikmpVwdjYuf48ScNlu7b2ZAsogDDj8iX45wbU5UCqgjKQhKsq"),
    Known(.bcrypt, "", "$2b$04$abcdefghijklmnopqrstuubyCG3zY1GIXMyxfivm.ClDiInHzxjiq"),
    Known(
      .argon2id, "password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
    Known(.argon2id, "password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$", "bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"),
  ]

  @Test("A known hash opens with its password and with no near one", arguments: known)
  func verify(_ known: Known) throws {
    let hash = try #require(PasswordHash.parse(known.hash))
    #expect(hash.scheme == known.scheme)
    #expect(hash.text == known.hash)
    let password = Array(known.password.utf8)
    #expect(try hash.verify(password))
    #expect(try !hash.verify(password + [0x20]))
    #expect(try !hash.verify(password + [0]))
    #expect(hash.needsRehash())
  }

  @Test("A hash of ours opens with its password, says its parameters, has a new salt each time, and needs a rehash only under others")
  func ownHashes() throws {
    let password = Array("correct horse".utf8)
    let text = try PasswordHash.argon2id(password)
    #expect(text.hasPrefix("$argon2id$v=19$m=19456,t=2,p=1$"))
    let hash = try #require(PasswordHash.parse(text))
    #expect(try hash.scheme == .argon2id && hash.verify(password) && !hash.verify(Array("correct horsf".utf8)))
    #expect(!hash.needsRehash())
    #expect(hash.needsRehash(Self.quick))
    #expect(try PasswordHash.argon2id(password, parameters: Self.quick) != PasswordHash.argon2id(password, parameters: Self.quick))
    #expect("\(hash) \([hash])".contains(text) == false)
  }

  @Test(
    "Passwords that differ in the last of 72, 73, 128, 129 or 1,024 bytes, in case or behind a zero byte are different",
    arguments: [
      72, 73, 128, 129, 1_024,
    ])
  func noTruncation(count: Int) throws {
    let password = [UInt8](repeating: UInt8(ascii: "a"), count: count)
    let hash = try #require(PasswordHash.parse(try PasswordHash.argon2id(password, parameters: Self.quick)))
    #expect(try hash.verify(password))
    #expect(try !hash.verify(password.dropLast() + [UInt8(ascii: "b")]))
    #expect(try !hash.verify(password.dropLast() + [UInt8(ascii: "A")]))
    #expect(try !hash.verify(password + [0]))
    #expect(try !hash.verify(password + [UInt8(ascii: "a")]))
    #expect(try !hash.verify(Array(password.dropLast())))
    let zero = try #require(PasswordHash.parse(try PasswordHash.argon2id(password + [0, 1], parameters: Self.quick)))
    #expect(try zero.verify(password + [0, 1]))
    #expect(try !zero.verify(password + [0, 2]) && !zero.verify(password))
  }

  @Test("A bcrypt hash reads 72 bytes of a password of any length, and refuses one with a zero byte")
  func bcryptBounds() throws {
    let hash = try #require(PasswordHash.parse("$2b$04$abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe"))
    let password = [UInt8](repeating: UInt8(ascii: "a"), count: 72)
    #expect(try hash.verify(password))
    #expect(try hash.verify(password + [UInt8](repeating: UInt8(ascii: "z"), count: 900)))
    #expect(try !hash.verify(Array(password.dropLast())))
    #expect(try !hash.verify(password + [0]))
    #expect(try !hash.verify([0]))
  }

  @Test("A dummy hash is of current parameters, needs no rehash, and opens to nothing that is tried")
  func dummy() throws {
    let dummy = PasswordHash.dummy()
    #expect(dummy.scheme == .argon2id && !dummy.needsRehash())
    #expect(PasswordHash.parse(dummy.text)?.needsRehash() == false)
    for password in ["", "password", dummy.text] { #expect(try !dummy.verify(Array(password.utf8))) }
    #expect(PasswordHash.dummy().text != dummy.text)
  }

  @Test("Parameters stay within their bounds")
  func parameterBounds() {
    #expect(Argon2Parameters(memoryKiB: 19_456, passes: 2, lanes: 1) == .standard)
    #expect(Argon2Parameters(memoryKiB: 1 << 20, passes: 64, lanes: 16) != nil)
    for (memory, passes, lanes) in [((1 << 20) + 1, 1, 1), (8, 65, 1), (8, 0, 1), (7, 1, 1), (15, 1, 2), (1_024, 1, 17), (8, 1, 0)] {
      #expect(Argon2Parameters(memoryKiB: memory, passes: passes, lanes: lanes) == nil)
    }
  }

  static let salt = "c29tZXNhbHQ"
  static let argon = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
  static let hex64 = String(repeating: "ab", count: 32)
  static let bcryptTail = "abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe"
  static let broken = [
    "", "$", "$$$$$", "password", "$argon2id$", "$argon2i$v=19$m=256,t=2,p=1$\(salt)$\(argon)",
    "$argon2d$v=19$m=256,t=2,p=1$\(salt)$\(argon)",
    "$argon2id$v=16$m=256,t=2,p=1$\(salt)$\(argon)", "$argon2id$m=256,t=2,p=1$\(salt)$\(argon)",
    "$argon2id$v=19$m=1048577,t=2,p=1$\(salt)$\(argon)", "$argon2id$v=19$m=256,t=65,p=1$\(salt)$\(argon)",
    "$argon2id$v=19$m=256,t=2,p=17$\(salt)$\(argon)", "$argon2id$v=19$m=0,t=2,p=1$\(salt)$\(argon)",
    "$argon2id$v=19$m=-256,t=2,p=1$\(salt)$\(argon)", "$argon2id$v=19$m=0256,t=2,p=1$\(salt)$\(argon)",
    "$argon2id$v=19$m=99999999999999999999,t=2,p=1$\(salt)$\(argon)", "$argon2id$v=19$t=2,m=256,p=1$\(salt)$\(argon)",
    "$argon2id$v=19$m=256,t=2,p=1,x=1$\(salt)$\(argon)", "$argon2id$v=19$m=256,t=2,p=1$\(salt)=$\(argon)",
    "$argon2id$v=19$m=256,t=2,p=1$\(salt)$\(argon)=", "$argon2id$v=19$m=256,t=2,p=1$\(salt)$", "$argon2id$v=19$m=256,t=2,p=1$$\(argon)",
    "$argon2id$v=19$m=256,t=2,p=1$\(salt)$\(argon.dropLast())d", "$argon2id$v=19$m=256,t=2,p=1$\(salt)$QUJD",
    "$argon2id$v=19$m=256,t=2,p=1$\(salt)$\(argon)$x", "$argon2id$v=19$m=256,t=2,p=1$so me$\(argon)",
    "pbkdf2:", "pbkdf2:sha256$salt$\(hex64)", "pbkdf2:sha1:1000$salt$\(hex64)", "pbkdf2:sha256:0$salt$\(hex64)",
    "pbkdf2:sha256:10000001$salt$\(hex64)", "pbkdf2:sha256:+5$salt$\(hex64)", "pbkdf2:sha256:5$$\(hex64)", "pbkdf2:sha256:5$salt$",
    "pbkdf2:sha256:5$salt$\(hex64.dropLast())", "pbkdf2:sha256:5$salt$\(hex64.dropLast(2))zz", "pbkdf2:sha256:5$salt$\(hex64)$",
    "scrypt:32768:8:1$salt$\(hex64)", "scrypt:32767:8:1$salt$\(hex64)\(hex64)", "scrypt:1:8:1$salt$\(hex64)\(hex64)",
    "scrypt:2097152:8:1$salt$\(hex64)\(hex64)", "scrypt:1048576:16:1$salt$\(hex64)\(hex64)", "scrypt:1048576:8:16$salt$\(hex64)\(hex64)",
    "scrypt:32768:0:1$salt$\(hex64)\(hex64)", "scrypt:32768:8:0$salt$\(hex64)\(hex64)", "scrypt:32768:8$salt$\(hex64)\(hex64)",
    "scrypt:32768:33:1$salt$\(hex64)\(hex64)", "scrypt:32768:8:17$salt$\(hex64)\(hex64)",
    "$2b$", "$2x$04$\(bcryptTail)", "$2$04$\(bcryptTail)", "$2b$03$\(bcryptTail)", "$2b$17$\(bcryptTail)", "$2b$+4$\(bcryptTail)",
    "$2b$04$\(bcryptTail.dropLast())", "$2b$04$\(bcryptTail)a", "$2b$04$\(bcryptTail.dropLast())*", "$2b$04 \(bcryptTail)",
    "$1$salt$qJH7.N4xYta3aEG/dfqo/0", "*0", "!", String(repeating: "$", count: 100_000),
    "pbkdf2:sha256:5$\(String(repeating: "s", count: 500))$\(hex64)",
  ]

  @Test("A broken hash, an unknown form and parameters out of bounds are no hash", arguments: broken)
  func refused(text: String) { #expect(PasswordHash.parse(text) == nil) }

  @Test(
    "Cutting or changing a good hash anywhere never traps and never opens it",
    arguments: known.filter { $0.password.isEmpty || $0.hash.contains("m=256") })
  func mutilated(_ known: Known) throws {
    let bytes = Array(known.hash.utf8)
    for count in bytes.indices {
      let text = String(decoding: bytes.prefix(count), as: UTF8.self)
      if let hash = PasswordHash.parse(text), try hash.verify(Array(known.password.utf8)) { Issue.record("opened: \(text)") }
    }
    for at in bytes.indices where bytes[at] != UInt8(ascii: "$") {
      var changed = bytes
      changed[at] = bytes[at] == UInt8(ascii: "1") ? UInt8(ascii: "2") : UInt8(ascii: "1")
      let text = String(decoding: changed, as: UTF8.self)
      if let hash = PasswordHash.parse(text), try hash.verify(Array(known.password.utf8)) { Issue.record("opened: \(text)") }
    }
  }
}
