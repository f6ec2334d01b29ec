import COpenSSL

/// `<method>$<salt>$<hexadecimal hash>` as Werkzeug writes it: the salt is used as its text's bytes.
private struct WerkzeugFields {
  static let saltBytesMax = 128

  let method: [Substring]
  let salt: [UInt8]
  let hash: [UInt8]

  init?(_ text: String, hashBytes: Int) {
    let fields = text.split(separator: "$", omittingEmptySubsequences: false)
    guard fields.count == 3, (1...Self.saltBytesMax).contains(fields[1].utf8.count),
      let hash = Hexadecimal.decode(fields[2]), hash.count == hashBytes
    else { return nil }
    method = fields[0].split(separator: ":", omittingEmptySubsequences: false)
    salt = Array(fields[1].utf8)
    self.hash = hash
  }
}

/// Both methods use the password as a key of HMAC, which fills keys up with zero bytes: `secret` and `secret\0` would be one password.
private func endsInZero(_ password: [UInt8]) -> Bool { password.last == 0 }

/// `pbkdf2:sha256:600000$<salt>$<64 digits>`.
struct PBKDF2Hash: Sendable {
  static let iterationsMax = 10_000_000
  static let hashBytes = 32

  let iterations: Int
  private let salt: [UInt8]
  private let hash: [UInt8]

  init?(_ text: String) {
    guard let fields = WerkzeugFields(text, hashBytes: Self.hashBytes), fields.method.count == 3, fields.method[1] == "sha256",
      let iterations = decimal(fields.method[2]), (1...Self.iterationsMax).contains(iterations)
    else { return nil }
    self.iterations = iterations
    salt = fields.salt
    hash = fields.hash
  }

  func verify(_ password: [UInt8]) throws(PasswordHash.NoMemory) -> Bool {
    guard !endsInZero(password) else { return false }
    var computed = [UInt8](repeating: 0, count: hash.count)
    let done = password.withUnsafeBytes { password in
      PKCS5_PBKDF2_HMAC(
        // A nil password stands for an empty one.
        password.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(password.count), salt, Int32(salt.count), Int32(iterations),
        Algorithms.shared.sha256, Int32(computed.count), &computed)
    }
    // The parameters are within OpenSSL's bounds: nothing but memory can be missing.
    guard done == 1 else { throw PasswordHash.NoMemory() }
    return constantTimeEquals(computed, hash)
  }
}

/// `scrypt:32768:8:1$<salt>$<128 digits>`: N, r and p.
struct ScryptHash: Sendable {
  static let costMax = 1 << 20
  static let blockSizeMax = 32
  static let lanesMax = 16
  /// 128 * N * r bytes are worked on, plus a little.
  static let memoryBytesMax = 1 << 30
  static let memoryBytesSpare = 1 << 20
  /// N * r * p: four times the work of the largest memory.
  static let workMax = 1 << 25
  static let hashBytes = 64

  let cost: Int
  let blockSize: Int
  let lanes: Int
  private let salt: [UInt8]
  private let hash: [UInt8]

  init?(_ text: String) {
    guard let fields = WerkzeugFields(text, hashBytes: Self.hashBytes), fields.method.count == 4,
      let cost = decimal(fields.method[1]), (2...Self.costMax).contains(cost), cost & (cost - 1) == 0,
      let blockSize = decimal(fields.method[2]), (1...Self.blockSizeMax).contains(blockSize),
      let lanes = decimal(fields.method[3]), (1...Self.lanesMax).contains(lanes),
      128 * cost * blockSize <= Self.memoryBytesMax, cost * blockSize * lanes <= Self.workMax
    else { return nil }
    self.cost = cost
    self.blockSize = blockSize
    self.lanes = lanes
    salt = fields.salt
    hash = fields.hash
  }

  func verify(_ password: [UInt8]) throws(PasswordHash.NoMemory) -> Bool {
    guard !endsInZero(password) else { return false }
    var computed = [UInt8](repeating: 0, count: hash.count)
    // OpenSSL's own limit of 32 MiB is just too small for Werkzeug's parameters.
    let memoryBytes = 128 * blockSize * (cost + lanes) + Self.memoryBytesSpare
    let done = try HashMemory.shared.during(memoryBytes) {
      password.withUnsafeBytes { bytes in
        // Here a nil password asks whether the parameters are allowed, so an empty one needs an address.
        withUnsafeBytes(of: UInt8(0)) { nothing in
          EVP_PBE_scrypt(
            (bytes.baseAddress ?? nothing.baseAddress)?.assumingMemoryBound(to: CChar.self), bytes.count, salt, salt.count, UInt64(cost),
            UInt64(blockSize), UInt64(lanes), UInt64(memoryBytes), &computed, computed.count)
        }
      }
    }
    guard done == 1 else { throw PasswordHash.NoMemory() }
    return constantTimeEquals(computed, hash)
  }
}
