import GatehouseCrypto
import Testing

@Suite("The cost of a password hash")
struct PasswordCostTests {
  @Test("The cost of a stored hash is what stands before its salt, and that alone names it", arguments: PasswordHashTests.known)
  func before(_ known: PasswordHashTests.Known) throws {
    let cost = try #require(PasswordHash.parse(known.hash)).cost
    #expect(cost.scheme == known.scheme && cost.work > 0)
    // `$2a$` and `$2y$` take as long as `$2b$`.
    let text = known.scheme == .bcrypt ? "$2b$" + known.hash.dropFirst(4) : known.hash
    #expect(text.hasPrefix(cost.text) && cost.text.hasSuffix("$"))
    #expect(PasswordCost(cost.text) == cost)
  }

  @Test(
    "A hash that no password is verified against costs nothing",
    arguments: [
      "", "$", "pbkdf2:sha1:1000$", "scrypt:7:8:1$", "$2b$31$", "$argon2i$v=19$m=64,t=1,p=1$", "$argon2id$v=19$m=4294967295,t=1,p=1$",
    ])
  func none(_ text: String) { #expect(PasswordCost(text) == nil) }

  @Test("More work of a scheme is more work, whatever its digits")
  func order() throws {
    func work(_ text: String) throws -> Int { try #require(PasswordCost(text)).work }
    #expect(try work("pbkdf2:sha256:90000$") < work("pbkdf2:sha256:600000$"))
    #expect(try work("$2b$09$") < work("$2b$10$"))
    #expect(try work("scrypt:16384:8:2$") < work("scrypt:32768:8:3$"))
    #expect(try work("$argon2id$v=19$m=9216,t=4,p=1$") < work("$argon2id$v=19$m=19456,t=2,p=1$"))
  }

  /// Both measured on this machine, the whole by its user.
  @Test("The time measured on a part of the work tells that of the whole", arguments: ["pbkdf2:sha256:1200000$", "scrypt:131072:8:1$"])
  func parts(_ text: String) throws {
    let cost = try #require(PasswordCost(text))
    let completion = String(repeating: "0", count: cost.scheme == .pbkdf2 ? 64 : 128)
    let hash = try #require(PasswordHash.parse("\(text)salt$\(completion)"))
    func fastest(_ body: () -> Duration) -> Duration { (0..<5).map { _ in body() }.min() ?? .zero }
    let whole = fastest {
      let start = ContinuousClock.now
      #expect((try? hash.verify(Array("anything".utf8))) == false)
      return start.duration(to: .now)
    }
    let ratio = fastest(cost.measured) / whole
    #expect((0.5...2).contains(ratio), "\(ratio)")
  }

  @Test("Measuring the dearest parameters takes a small part of what they take", arguments: ["pbkdf2:sha256:10000000$", "$2b$16$"])
  func bounded(_ text: String) throws {
    let cost = try #require(PasswordCost(text))
    let start = ContinuousClock.now
    let measured = cost.measured()
    #expect(start.duration(to: .now) * 10 < measured)
  }
}
