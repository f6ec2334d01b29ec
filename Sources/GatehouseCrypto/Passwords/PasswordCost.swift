/// The cost of verifying a stored password hash: its scheme and parameters, without the salt and the hash.
public struct PasswordCost: Sendable, Hashable {
  /// A sample of more work than this is measured on less of it: some 60 ms of Argon2id, 100 ms of the others.
  private static let sampleWorkMax: [PasswordHash.Scheme: Int] = [
    .argon2id: 65_536, .pbkdf2: 262_144, .scrypt: 262_144, .bcrypt: 1_024,
  ]

  /// The method of the hash: `work` compares only within one.
  public let scheme: PasswordHash.Scheme
  /// The stored hash up to its salt, such as `pbkdf2:sha256:600000$`.
  public let text: String
  /// Grows with the time that a hash takes; hashes of other schemes do not compare.
  public let work: Int
  private let parameters: Parameters

  private enum Parameters: Hashable, Sendable {
    case argon2id(memoryKiB: Int, passes: Int, lanes: Int)
    case pbkdf2(iterations: Int)
    case scrypt(cost: Int, blockSize: Int, lanes: Int)
    case bcrypt(cost: Int)
  }

  /// The cost that the beginning of a stored hash names, up to its salt; nil for what no password is ever verified against.
  public init?(_ text: String) {
    guard let hash = Self.completions.lazy.compactMap({ PasswordHash.parse(text + $0) }).first else { return nil }
    self = hash.cost
  }

  /// The cost of a hash that is made today.
  public init(_ parameters: Argon2Parameters) {
    self.init(.argon2id(memoryKiB: parameters.memoryKiB, passes: parameters.passes, lanes: parameters.lanes))
  }

  init(_ kind: PasswordHash.Kind) {
    switch kind {
    case .argon2id(let hash): self.init(hash.parameters)
    case .pbkdf2(let hash): self.init(.pbkdf2(iterations: hash.iterations))
    case .scrypt(let hash): self.init(.scrypt(cost: hash.cost, blockSize: hash.blockSize, lanes: hash.lanes))
    case .bcrypt(let hash): self.init(.bcrypt(cost: hash.cost))
    }
  }

  private init(_ parameters: Parameters) {
    self.parameters = parameters
    switch parameters {
    case .argon2id(let memory, let passes, let lanes):
      (scheme, text, work) = (.argon2id, "$argon2id$v=19$m=\(memory),t=\(passes),p=\(lanes)$", memory * passes)
    case .pbkdf2(let iterations): (scheme, text, work) = (.pbkdf2, "pbkdf2:sha256:\(iterations)$", iterations)
    case .scrypt(let cost, let size, let lanes):
      (scheme, text, work) = (.scrypt, "scrypt:\(cost):\(size):\(lanes)$", cost * size * lanes)
    case .bcrypt(let cost): (scheme, text, work) = (.bcrypt, "$2b$\(cost < 10 ? "0" : "")\(cost)$", 1 << cost)
    }
  }

  /// How long one verification takes here, by the clock on the wall: it works on the calling thread, so call it on a `HashPool`.
  /// A high cost is measured on a part of its work, so this is over within about a second whatever the parameters.
  public func measured() -> Duration {
    let (sample, factor) = sample()
    guard let hash = PasswordHash.parse(sample.text + Self.completion(scheme)) else { return .zero }
    let start = ContinuousClock.now
    _ = try? hash.verify(Array("how long does this take".utf8))
    return start.duration(to: .now) * factor
  }

  /// A cost of the same scheme with less of the work that grows evenly, and how many times that work makes the whole.
  private func sample() -> (PasswordCost, factor: Int) {
    var sample = self
    var factor = 1
    while sample.work > Self.sampleWorkMax[scheme] ?? .max, let half = sample.halved() { (sample, factor) = (half, factor * 2) }
    return (sample, factor)
  }

  private func halved() -> PasswordCost? {
    switch parameters {
    case .argon2id(let memory, let passes, let lanes):
      // Less memory would fit into caches that the whole does not fit into.
      passes < 2 ? nil : PasswordCost(.argon2id(memoryKiB: memory, passes: (passes + 1) / 2, lanes: lanes))
    case .pbkdf2(let iterations): PasswordCost(.pbkdf2(iterations: (iterations + 1) / 2))
    case .scrypt(let cost, let size, let lanes): cost < 4 ? nil : PasswordCost(.scrypt(cost: cost / 2, blockSize: size, lanes: lanes))
    case .bcrypt(let cost): cost < 5 ? nil : PasswordCost(.bcrypt(cost: cost - 1))
    }
  }

  /// Salts and hashes that no password is known for, one for each form.
  private static let completions = PasswordHash.Scheme.allCases.map(completion)

  private static func completion(_ scheme: PasswordHash.Scheme) -> String {
    switch scheme {
    case .argon2id: String(repeating: "A", count: 22) + "$" + String(repeating: "A", count: 43)
    case .pbkdf2: "salt$" + String(repeating: "0", count: 2 * PBKDF2Hash.hashBytes)
    case .scrypt: "salt$" + String(repeating: "0", count: 2 * ScryptHash.hashBytes)
    case .bcrypt: String(repeating: ".", count: 53)
    }
  }
}

extension PasswordHash {
  /// The cost of verifying it.
  public var cost: PasswordCost { PasswordCost(kind) }
}
