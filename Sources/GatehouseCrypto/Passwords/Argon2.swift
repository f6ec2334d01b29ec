import CArgon2
import Foundation

/// The cost of an Argon2id hash.
public struct Argon2Parameters: Sendable, Equatable {
  /// 1 GiB.
  public static let memoryKiBMax = 1 << 20
  /// The most passes over the memory that a hash may cost.
  public static let passesMax = 64
  /// Each lane is a thread of its own.
  public static let lanesMax = 16

  /// Memory that one hash takes while it is computed, in KiB; at least 8 for each lane.
  public let memoryKiB: Int
  /// Times that the memory is gone over, 1 to `passesMax`; the time of a hash grows with it.
  public let passes: Int
  /// Parts of the memory that are worked on side by side, 1 to `lanesMax`.
  public let lanes: Int

  /// OWASP's minimum: 19 MiB, 2 passes, 1 lane.
  public static let standard = Argon2Parameters(unchecked: 19_456, passes: 2, lanes: 1)

  /// nil unless there are 1 to `lanesMax` lanes, 1 to `passesMax` passes, and 8 KiB a lane to `memoryKiBMax`.
  public init?(memoryKiB: Int, passes: Int, lanes: Int) {
    guard (1...Self.lanesMax).contains(lanes), (1...Self.passesMax).contains(passes),
      (8 * lanes...Self.memoryKiBMax).contains(memoryKiB)
    else { return nil }
    self.init(unchecked: memoryKiB, passes: passes, lanes: lanes)
  }

  private init(unchecked memoryKiB: Int, passes: Int, lanes: Int) {
    self.memoryKiB = memoryKiB
    self.passes = passes
    self.lanes = lanes
  }
}

/// `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`, both in base 64 without padding.
struct Argon2Hash: Sendable {
  static let saltBytes = 16
  static let hashBytes = 32

  let parameters: Argon2Parameters
  private let salt: [UInt8]
  private let hash: [UInt8]

  init?(_ text: String) {
    let fields = text.split(separator: "$", omittingEmptySubsequences: false)
    guard fields.count == 6, fields[0].isEmpty, fields[1] == "argon2id", fields[2] == "v=19" else { return nil }
    let costs = fields[3].split(separator: ",", omittingEmptySubsequences: false)
    guard costs.count == 3, let memory = Self.cost(costs[0], "m="), let passes = Self.cost(costs[1], "t="),
      let lanes = Self.cost(costs[2], "p="), let parameters = Argon2Parameters(memoryKiB: memory, passes: passes, lanes: lanes),
      let salt = Self.base64(fields[4]), (8...64).contains(salt.count),
      let hash = Self.base64(fields[5]), (16...64).contains(hash.count)
    else { return nil }
    self.parameters = parameters
    self.salt = salt
    self.hash = hash
  }

  init(hashing password: [UInt8], parameters: Argon2Parameters) throws(PasswordHash.NoMemory) {
    salt = SecureRandom.bytes(Self.saltBytes)
    hash = try Self.compute(password, salt: salt, parameters: parameters, hashBytes: Self.hashBytes)
    self.parameters = parameters
  }

  /// Random bytes in the place of the hash: to find a password for them is to break Argon2id.
  init(unknownWith parameters: Argon2Parameters) {
    self.parameters = parameters
    salt = SecureRandom.bytes(Self.saltBytes)
    hash = SecureRandom.bytes(Self.hashBytes)
  }

  var text: String {
    let costs = "m=\(parameters.memoryKiB),t=\(parameters.passes),p=\(parameters.lanes)"
    return "$argon2id$v=19$\(costs)$\(Self.unpadded(salt))$\(Self.unpadded(hash))"
  }

  func verify(_ password: [UInt8]) throws(PasswordHash.NoMemory) -> Bool {
    constantTimeEquals(try Self.compute(password, salt: salt, parameters: parameters, hashBytes: hash.count), hash)
  }

  private static func compute(
    _ password: [UInt8], salt: [UInt8], parameters: Argon2Parameters, hashBytes: Int
  ) throws(PasswordHash.NoMemory) -> [UInt8] {
    try HashMemory.shared.during(parameters.memoryBytes) { () throws(PasswordHash.NoMemory) -> [UInt8] in
      var hash = [UInt8](repeating: 0, count: hashBytes)
      let result = argon2id_hash_raw(
        UInt32(parameters.passes), UInt32(parameters.memoryKiB), UInt32(parameters.lanes), password, password.count, salt, salt.count,
        &hash, hashBytes)
      // Lengths and costs are within Argon2's bounds: nothing but memory, or a thread for a lane, can be missing.
      guard result == ARGON2_OK.rawValue else { throw PasswordHash.NoMemory() }
      return hash
    }
  }

  private static func cost(_ field: Substring, _ name: String) -> Int? {
    field.hasPrefix(name) ? decimal(field.dropFirst(name.count)) : nil
  }

  private static func unpadded(_ bytes: [UInt8]) -> String {
    let text = Data(bytes).base64EncodedString()
    return String(text.prefix { $0 != "=" })
  }

  private static func base64(_ text: Substring) -> [UInt8]? {
    guard let bytes = Data(base64Encoded: text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)).map(Array.init) else {
      return nil
    }
    // Spare bits that are set, or padding in the stored text, would give one hash a second spelling.
    return unpadded(bytes) == text ? bytes : nil
  }
}

/// The number that plain decimal digits spell, without sign, leading zero or overflow.
func decimal(_ text: Substring) -> Int? {
  guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text.utf8.count == 1 || text.utf8.first != 0x30 else {
    return nil
  }
  return Int(text)
}
