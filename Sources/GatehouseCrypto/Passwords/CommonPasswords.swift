import Foundation

/// The 3,000 most frequent passwords of 8 code points or more, lower-cased. Ranks: the frequency list of the zxcvbn project.
enum CommonPasswords {
  private static let words = Set(PackageResources.common_passwords_txt.split(separator: UInt8(ascii: "\n")).map(Array.init))

  static var count: Int { words.count }

  /// Whether a password, in NFC and lower-cased, is one of them as a whole.
  static func contain(_ folded: String) -> Bool { words.contains(Array(folded.utf8)) }
}

/// The words that somebody who attacks one user would try first: the product's name and the user's own.
struct ContextWords {
  static let product = "gatehouse"
  /// Shorter names are parts of too many good words.
  static let wordLengthMin = 3
  /// With so many code points beside the words, a password no longer rests on them.
  static let restLengthMin = PasswordRules.lengthFloor

  /// Lower-cased, in NFC, longest first, so that a whole name goes before its parts.
  private let words: [String]

  init(email: String?, name: String?) {
    var words: Set<String> = [Self.product]
    let email = email?.precomposedStringWithCanonicalMapping.lowercased()
    let localPart = email.map { String($0.prefix { $0 != "@" }) }
    let name = name?.precomposedStringWithCanonicalMapping.lowercased()
    if let email { words.insert(email) }
    for text in [localPart, name] {
      guard let text else { continue }
      words.insert(text)
      for part in text.split(whereSeparator: { !$0.isLetter && !$0.isNumber }) { words.insert(String(part)) }
    }
    self.words = words.filter { $0.unicodeScalars.count >= Self.wordLengthMin }.sorted { ($1.count, $0) < ($0.count, $1) }
  }

  /// Whether a password, in NFC and lower-cased, holds one of the words and little else.
  func carry(_ folded: String) -> Bool {
    var rest = folded
    for word in words { rest = rest.replacingOccurrences(of: word, with: "") }
    return rest != folded && rest.unicodeScalars.count < Self.restLengthMin
  }
}
