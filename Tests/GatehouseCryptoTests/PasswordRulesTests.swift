import Testing

@testable import GatehouseCrypto

@Suite("Password rules")
struct PasswordRulesTests {
  let rules = PasswordRules()

  private func code(_ password: String, _ rules: PasswordRules = PasswordRules(), email: String? = nil, name: String? = nil)
    -> PasswordProblem.Code?
  { rules.check(password, email: email, name: name)?.code }

  @Test(
    "Length is counted in code points after NFC, at least 8",
    arguments: [
      ("", false), ("xk3vq9z", false), ("xk3vq9zp", true), ("        ", true), ("🦊🐻🐼🐨🐯🦁🐮", false), ("🦊🐻🐼🐨🐯🦁🐮🐷", true),
      // One flag and one family are several code points each.
      ("🇩🇪🇫🇷🇮🇹🇪🇸", true), ("👨‍👩‍👧‍👦", false), ("ü\u{308}öäxyz", false), ("u\u{308}o\u{308}a\u{308}wxyz", false),
      ("u\u{308}o\u{308}a\u{308}vwxyz", true), ("xk3vq9\0p", true), ("correct horse battery staple", true),
    ])
  func minimum(password: String, isLongEnough: Bool) { #expect(code(password) == (isLongEnough ? nil : .tooShort)) }

  @Test("A raised minimum holds at 14, 15 and 16 code points", arguments: [(14, false), (15, true), (16, true)])
  func raised(count: Int, isLongEnough: Bool) {
    let password = String("k4 v9 q2 x7 z1 b8".prefix(count))
    #expect(code(password, PasswordRules(minLength: 15)) == (isLongEnough ? nil : .tooShort))
  }

  @Test("A minimum below 8 or beyond what 1,024 bytes hold is drawn to the nearest sense")
  func clamped() {
    #expect(PasswordRules(minLength: -1).minLength == 8)
    #expect(PasswordRules(minLength: 8).minLength == 8)
    #expect(PasswordRules(minLength: .max).minLength == 256)
    #expect(code(String(repeating: "🦊", count: 256), PasswordRules(minLength: .max)) == nil)
  }

  @Test("1,024 bytes are allowed and one more is not, whatever they are made of")
  func maximum() {
    #expect(code(String(repeating: "k", count: 1_024)) == nil)
    #expect(code(String(repeating: "k", count: 1_025)) == .tooLong)
    #expect(code(String(repeating: "ü", count: 512)) == nil)
    #expect(code(String(repeating: "u\u{308}", count: 512)) == nil, "bytes count after NFC")
    #expect(code(String(repeating: "ü", count: 512) + "k") == .tooLong)
    #expect(code(String(repeating: "k", count: 1_000_000)) == .tooLong)
  }

  @Test("Each common password is refused, in any case")
  func common() {
    #expect(CommonPasswords.count == 3_000)
    for password in ["password", "12345678", "Qwertyuiop", "TRUSTNO1", "iloveyou", "1qaz2wsx", "baseball", "sunshine"] {
      #expect(code(password) == .common, "\(password)")
    }
  }

  @Test("The list of common passwords is lower-cased, free of repeats, of 8 code points or more")
  func listForm() {
    let lines = String(decoding: PackageResources.common_passwords_txt, as: UTF8.self).split(separator: "\n")
    #expect(lines.count == CommonPasswords.count)
    #expect(lines.allSatisfy { $0.unicodeScalars.count >= 8 && $0 == $0.lowercased() && !$0.contains(" ") })
    #expect(PackageResources.common_passwords_txt.count < 35_000)
  }

  @Test(
    "A near miss of a common password is accepted", arguments: ["password!x", "x12345678", "qwertyuiop ", "trustno1trustno1", "basebal1x"])
  func nearMiss(password: String) { #expect(code(password) == nil) }

  @Test(
    "The product's and the user's own words with padding are refused",
    arguments: [
      "gatehouse", "GateHouse1", "gatehouse2026!", "1gatehouse1", "gatehousegatehouse", "mia.schmidt", "Schmidt2026!", "miaschmidt99",
      "mia.schmidt@example.com", "mia-schmidt-1", "SCHMIDT-Mia", "zoe\u{308}zoë12", "lindenthal",
    ])
  func context(password: String) {
    #expect(code(password, email: "Mia.Schmidt@example.com", name: "Zoë Lindenthal") == .context)
  }

  @Test(
    "The same words with enough beside them are accepted, and so are other people's",
    arguments: ["gatehouse-kestrel-1", "schmidt kestrel ladder", "kowalski2026", "gate-house"])
  func beyondContext(password: String) {
    #expect(code(password, email: "mia.schmidt@example.com", name: "Zoë Lindenthal") == nil)
  }

  @Test("Names of one or two letters, empty ones and addresses without a local part refuse nothing")
  func shortNames() {
    #expect(code("boxkvq9z", email: "bo@example.com", name: "Bo") == nil)
    #expect(code("xk3vq9zp", email: "", name: "") == nil)
    #expect(code("xk3vq9zp", email: "@", name: " . ") == nil)
  }

  @Test("Every refusal has a sentence that does not repeat the password")
  func messages() throws {
    for password in ["zqx", String(repeating: "zqx", count: 400), "trustno1", "gatehouse7"] {
      let problem = try #require(rules.check(password, email: nil, name: nil))
      #expect(problem.message.hasSuffix(".") && !problem.message.contains(password))
    }
    #expect(
      PasswordProblem.Code.allCases.map(\.rawValue) == ["password_too_short", "password_too_long", "password_common", "password_context"])
  }

  @Test("Both spellings of an umlaut are hashed as the same bytes; case, spaces and zero bytes stay")
  func canonical() {
    #expect(canonicalPassword("gru\u{308}n") == Array("gr\u{fc}n".utf8))
    #expect(canonicalPassword(" Ab\0 ") == [0x20, 0x41, 0x62, 0, 0x20])
    #expect(canonicalPassword("ﬁ①") == Array("ﬁ①".utf8), "NFC, not NFKC")
  }
}
