import TestSupport
import Testing

@testable import GatehouseCrypto

@Suite("Session tokens and service keys")
struct TokenTests {
  static let routingID = "4tq9m2kd7xw1hb"
  let secret = ServerSecret.ephemeral()

  @Test("A minted token has 67 letters and digits behind gh_ and comes back from its text")
  func roundTrip() throws {
    let token = SessionToken.mint(routingID: Self.routingID, secret: secret)
    #expect(token.text.utf8.count == 67)
    #expect(token.text.hasPrefix("gh_1" + Self.routingID))
    #expect(token.text.dropFirst(3).utf8.allSatisfy(Base62.isDigit))
    let parsed = try #require(SessionToken.parse(token.text, secret: secret))
    #expect(parsed == token)
    #expect(parsed.routingID == Self.routingID)
    #expect(SessionToken.parse(Array(token.text.utf8), secret: secret) == token)
    #expect(SessionToken.parse("Bearer \(token.text)".dropFirst(7), secret: secret) == token)
  }

  @Test("The hash is that of the 32 secret bytes, and outlives a change of the server secret")
  func hashOfSecret() {
    let bytes = [UInt8](1...32)
    let token = SessionToken.mint(routingID: Self.routingID, secretBytes: bytes, secret: secret)
    #expect(token.hash == Digest256.sha256(bytes))
    #expect(SessionToken.mint(routingID: Self.routingID, secretBytes: bytes, secret: .ephemeral()).hash == token.hash)
  }

  @Test("A token changed in any one place to any other character is refused")
  func tampered() {
    let text = Array(SessionToken.mint(routingID: Self.routingID, secret: secret).text.utf8)
    for at in text.indices {
      for byte in UInt8.min...UInt8.max where byte != text[at] {
        var forged = text
        forged[at] = byte
        if SessionToken.parse(forged, secret: secret) != nil { Issue.record("accepted with byte \(byte) at \(at)") }
      }
    }
  }

  @Test("A token cut, lengthened, with neighbours swapped or of another server is refused")
  func mistyped() {
    let text = Array(SessionToken.mint(routingID: Self.routingID, secret: secret).text.utf8)
    for count in 0..<text.count { #expect(SessionToken.parse(text.prefix(count), secret: secret) == nil) }
    #expect(SessionToken.parse(text + [0x30], secret: secret) == nil)
    for at in 1..<text.count where text[at] != text[at - 1] {
      var swapped = text
      swapped.swapAt(at, at - 1)
      #expect(SessionToken.parse(swapped, secret: secret) == nil)
    }
    #expect(SessionToken.parse(text, secret: .ephemeral()) == nil)
  }

  @Test("A secret of more than 256 bits is refused though its checksum is right")
  func overflow() {
    let body = Array("gh_1\(Self.routingID)yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp2".utf8)
    let checksum = Base62.encode(Array(secret.key(.tokenChecksum).hmac(body).prefix(8)), length: 6)
    #expect(SessionToken.parse(body + checksum, secret: secret) == nil)
  }

  @Test("100,000 tokens are all different", .asvs("7.2.3", "11.5.1"))
  func unique() {
    var hashes: Set<Digest256> = []
    for _ in 1...100_000 { hashes.insert(SessionToken.mint(routingID: Self.routingID, secret: secret).hash) }
    #expect(hashes.count == 100_000)
  }

  @Test("Tokens minted by 32 callers at once are all different, and their secret bytes are spread evenly", .asvs("7.2.3", "11.5.2"))
  func spread() async throws {
    let (callers, each) = (32, 1_000)
    let secrets = try await withThrowingTaskGroup(of: [[UInt8]].self) { group in
      for _ in 1...callers {
        group.addTask {
          try (1...each).map { _ in
            let text = SessionToken.mint(routingID: Self.routingID, secret: secret).text
            let secretText = text.utf8.dropFirst("gh_1".utf8.count + Self.routingID.utf8.count).prefix(SessionToken.secretLength)
            return try #require(Base62.decode(Array(secretText)[...], byteCount: SessionToken.secretBytes))
          }
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(Set(secrets).count == callers * each)
    let expected = Double(callers * each) / 256
    for place in 0..<SessionToken.secretBytes {
      var counts = [Double](repeating: 0, count: 256)
      for bytes in secrets { counts[Int(bytes[place])] += 1 }
      var chiSquare = 0.0
      for count in counts { chiSquare += (count - expected) * (count - expected) / expected }
      // 255 degrees of freedom, standard deviation 22.6: ten of them are no accident.
      #expect(chiSquare < 480, "byte \(place)")
    }
  }

  @Test("Tokens of the previous key are accepted until its line is gone", .asvs("11.1.1", "13.3.4"))
  func overlap() {
    let old = ServerSecret.Root.random()
    let new = ServerSecret.Root.random()
    let token = SessionToken.mint(routingID: Self.routingID, secret: ServerSecret(newest: old, older: []))
    #expect(SessionToken.parse(token.text, secret: ServerSecret(newest: new, older: [old])) == token)
    #expect(SessionToken.parse(token.text, secret: ServerSecret(newest: new, older: [])) == nil)
  }

  @Test("A successor is the same for the same nonce and key, also after the server secret got a new key")
  func successor() throws {
    let old = ServerSecret.Root.random()
    let before = ServerSecret(newest: old, older: [])
    let after = ServerSecret(newest: .random(), older: [old])
    let token = SessionToken.mint(routingID: Self.routingID, secret: before)
    let nonce = SecureRandom.bytes(16)
    let first = try #require(token.successor(nonce: nonce, secret: before, keyID: before.currentKeyID))
    #expect(token.successor(nonce: nonce, secret: before, keyID: before.currentKeyID) == first)
    #expect(token.successor(nonce: nonce, secret: after, keyID: old.id)?.hash == first.hash)
    #expect(first.routingID == token.routingID)
    #expect(first.hash != token.hash)
    #expect(SessionToken.parse(first.text, secret: before) == first)
    #expect(token.successor(nonce: SecureRandom.bytes(16), secret: before, keyID: old.id)?.hash != first.hash)
    #expect(token.successor(nonce: nonce, secret: after, keyID: after.currentKeyID)?.hash != first.hash)
    #expect(token.successor(nonce: nonce, secret: before, keyID: "gone00") == nil)
  }

  @Test("Nothing that prints a token shows it", .asvs("16.2.5"))
  func redacted() {
    let token = SessionToken.mint(routingID: Self.routingID, secret: secret)
    let key = ServiceKeyToken.mint(keyID: Self.routingID)
    var dumped = "\(token) \(String(reflecting: token)) \([token]) \(Optional(token) as Any) \(key) \([key])"
    dump([token], to: &dumped)
    dump(key, to: &dumped)
    #expect(!dumped.contains(token.text.suffix(12)) && !dumped.contains(token.hash.hex))
    #expect(!dumped.contains(key.text.suffix(12)) && !dumped.contains(key.hash.hex))
  }

  @Test("A service key comes back from its text, and from no other text")
  func serviceKeys() throws {
    let key = ServiceKeyToken.mint(keyID: Self.routingID)
    #expect(key.text.hasPrefix("ghk_" + Self.routingID))
    #expect(key.text.utf8.count == ServiceKeyToken.length)
    let parsed = try #require(ServiceKeyToken.parse(key.text))
    #expect(parsed == key && parsed.keyID == Self.routingID)
    let text = Array(key.text.utf8)
    for at in text.indices {
      var forged = text
      forged[at] = text[at] == 0x61 ? 0x62 : 0x61
      #expect(ServiceKeyToken.parse(forged) == nil)
    }
    #expect(ServiceKeyToken.parse(text.dropLast()) == nil)
    #expect(SessionToken.parse(key.text, secret: secret) == nil)
    #expect(ServiceKeyToken.mint(keyID: Self.routingID).hash != key.hash)
  }
}
