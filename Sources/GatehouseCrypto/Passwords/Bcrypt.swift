import CCrypt

/// `$2b$<cost>$` with 22 characters of salt and 31 of hash; `$2a$` and `$2y$` are verified alike.
struct BcryptHash: Sendable {
  static let length = 60
  /// One step more doubles the time: 16 takes four to five seconds.
  static let costs = 4...16
  static let passwordBytesMax = 72
  private static let alphabet = Set("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)

  /// The number of rounds is 2 to the power of this.
  let cost: Int
  private let text: [UInt8]

  init?(_ text: String) {
    let bytes = Array(text.utf8)
    guard bytes.count == Self.length, ["$2a$", "$2b$", "$2y$"].contains(where: text.hasPrefix), bytes[6] == UInt8(ascii: "$"),
      let cost = Int(String(decoding: bytes[4..<6], as: UTF8.self)), bytes[4...5].allSatisfy({ (0x30...0x39).contains($0) }),
      Self.costs.contains(cost), bytes.dropFirst(7).allSatisfy(Self.alphabet.contains)
    else { return nil }
    self.cost = cost
    self.text = bytes
  }

  func verify(_ password: [UInt8]) -> Bool {
    // crypt reads up to the first zero byte: `secret` and `secret\0x` would be one password.
    guard !password.contains(0) else { return false }
    // Every bcrypt ignores what is behind 72 bytes; libcrypt refuses more than 511 outright.
    let key = password.prefix(Self.passwordBytesMax).map(CChar.init(bitPattern:)) + [0]
    let setting = text.map(CChar.init(bitPattern:)) + [0]
    // 32 KB, too much for a thread's stack, and zero as libcrypt asks.
    let data = UnsafeMutablePointer<crypt_data>.allocate(capacity: 1)
    data.initialize(to: crypt_data())
    defer {
      data.deinitialize(count: 1)
      data.deallocate()
    }
    guard let output = crypt_r(key, setting, data) else { return false }
    let computed = String(cString: output)
    return constantTimeEquals(Array(computed.utf8), text)
  }
}
