import Dispatch
import GatehouseCrypto
import Synchronization
import TestSupport
import Testing

@Suite("Digests, keys, random values")
struct DigestTests {
  @Test(
    "SHA-256 gives the values of FIPS 180-4",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func sha256(message: String, hex: String) {
    #expect(Digest256.sha256(message.utf8).hex == hex)
    #expect(Digest256.sha256(Array(message.utf8)).hex == hex)
  }

  @Test("A digest is made of 32 bytes and of no other number")
  func digestLength() {
    #expect(Digest256(bytes: [UInt8](repeating: 7, count: 32))?.hex == String(repeating: "07", count: 32))
    for count in [0, 31, 33, 64] { #expect(Digest256(bytes: [UInt8](repeating: 7, count: count)) == nil) }
  }

  struct MacVector: Sendable {
    let key: [UInt8]
    let message: [UInt8]
    let hex: String
  }

  static let rfc4231 = [
    MacVector(
      key: .init(repeating: 0x0b, count: 20), message: Array("Hi There".utf8),
      hex: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    MacVector(
      key: Array("Jefe".utf8), message: Array("what do ya want for nothing?".utf8),
      hex: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    MacVector(
      key: .init(repeating: 0xaa, count: 20), message: .init(repeating: 0xdd, count: 50),
      hex: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    MacVector(
      key: .init(repeating: 0xaa, count: 131), message: Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
      hex: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
    MacVector(key: [], message: [], hex: "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
  ]

  @Test("HMAC gives the values of RFC 4231, at every use of a key", arguments: rfc4231)
  func hmac(vector: MacVector) {
    let key = MacKey(vector.key)
    for _ in 1...3 { #expect(Digest256(bytes: key.hmac(vector.message))?.hex == vector.hex) }
  }

  @Test("One key serves 24 callers at once")
  func hmacFromManyThreads() {
    let key = MacKey(SecureRandom.bytes(32))
    let messages = (0..<24).map { [UInt8](repeating: UInt8($0), count: 50 + $0) }
    let expected = messages.map(key.hmac)
    let wrong = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 24) { index in
      for _ in 1...2_000 where key.hmac(messages[index]) != expected[index] { wrong.wrappingAdd(1, ordering: .relaxed) }
    }
    #expect(wrong.load(ordering: .relaxed) == 0)
  }

  @Test("Bytes are equal only in all places and the same number", .asvs("11.2.4"))
  func equality() {
    let bytes = SecureRandom.bytes(32)
    #expect(constantTimeEquals(bytes, bytes))
    #expect(constantTimeEquals([], []))
    #expect(!constantTimeEquals(bytes, Array(bytes.dropLast())))
    for at in bytes.indices {
      var other = bytes
      other[at] ^= 1
      #expect(!constantTimeEquals(bytes, other))
    }
  }

  @Test("Identifiers have the length asked for, the alphabet without look-alikes, and don't repeat")
  func identifiers() {
    let ids = (1...10_000).map { _ in SecureRandom.identifier(length: 14) }
    #expect(Set(ids).count == ids.count)
    #expect(ids.allSatisfy { $0.utf8.count == 14 })
    #expect(Set(ids.joined()) == Set("0123456789abcdefghjkmnpqrstvwxyz"))
  }
}

@Suite("Base 62")
struct Base62Tests {
  @Test(
    "Known numbers are written as they are elsewhere",
    arguments: [
      ([UInt8](repeating: 255, count: 32), 43, "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1"),
      (Array(1...32), 43, "0Eoh211G4c8wtVWM00my5rsNSFlKgaWqQ4mb8gdEqno"),
      ([0xde, 0xad, 0xbe, 0xef], 6, "44pZgF"),
      ([0, 0], 3, "000"),
    ])
  func vectors(bytes: [UInt8], length: Int, text: String) {
    #expect(String(decoding: Base62.encode(bytes, length: length), as: UTF8.self) == text)
    #expect(Base62.decode(text.utf8, byteCount: bytes.count) == bytes)
  }

  @Test("Random bytes of any count come back", arguments: [1, 3, 4, 5, 16, 31, 32, 33])
  func roundTrip(count: Int) {
    for _ in 1...200 {
      let bytes = SecureRandom.bytes(count)
      #expect(Base62.decode(Base62.encode(bytes, length: (count * 8 + 4) / 5), byteCount: count) == bytes)
    }
  }

  @Test("A number too large, or any character but letters and digits, is no text of ours")
  func refused() {
    #expect(Base62.decode("yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp2".utf8, byteCount: 32) == nil)
    #expect(Base62.decode("48".utf8, byteCount: 1) == nil)
    #expect(Base62.decode("47".utf8, byteCount: 1) == [255])
    for character in ["-", "_", "/", ":", "@", "[", "`", "{", " ", "\0", "é"] {
      #expect(Base62.decode("0\(character)".utf8, byteCount: 8) == nil)
    }
  }
}
