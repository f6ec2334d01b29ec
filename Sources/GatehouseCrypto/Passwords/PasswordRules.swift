import Foundation

/// A password as it is hashed: its bytes in UTF-8 after normalisation to NFC, nothing cut off and no case changed.
///
/// Two keyboards that write an umlaut in two ways thus make one password. A hash of another application may have been made without
/// normalisation: where it fails, verify the text's own bytes too.
public func canonicalPassword(_ password: String) -> [UInt8] { Array(password.precomposedStringWithCanonicalMapping.utf8) }

/// Why a password may not be chosen.
public struct PasswordProblem: Error, Sendable, Equatable {
  /// Why a password is refused: the `code` of its field error.
  public enum Code: String, Sendable, CaseIterable {
    /// It has fewer characters than `minLength`.
    case tooShort = "password_too_short"
    /// It has more bytes than are hashed.
    case tooLong = "password_too_long"
    /// It is in the list of common passwords.
    case common = "password_common"
    /// It is little more than the user's name, the address or the product's name.
    case context = "password_context"
  }

  /// The rule that is broken, as the API names it.
  public let code: Code
  /// A sentence for the user, without the password.
  public let message: String
}

/// The rules for new passwords. There are no rules about kinds of characters.
public struct PasswordRules: Sendable, Equatable {
  /// No shorter password is ever allowed, whatever the settings say: code points, and so bytes.
  public static let lengthFloor = 8
  /// The most bytes of UTF-8 that a password may have after normalisation.
  public static let bytesMax = 1_024

  /// The least number of code points after normalisation.
  public let minLength: Int

  /// `minLength` is raised to `lengthFloor` if it is less, and lowered to 256 (1,024 bytes of the longest code points) if it is more.
  public init(minLength: Int = PasswordRules.lengthFloor) { self.minLength = min(max(minLength, Self.lengthFloor), Self.bytesMax / 4) }

  /// The first problem of `password` for the user of this email and name, nil if there is none. The first of too long, too short, common,
  /// made of context words.
  public func check(_ password: String, email: String?, name: String?) -> PasswordProblem? {
    // NFC makes a text at most three times shorter; what is longer than that needs no normalising.
    guard password.utf8.count <= 3 * Self.bytesMax else { return Self.tooLong }
    let canonical = password.precomposedStringWithCanonicalMapping
    guard canonical.utf8.count <= Self.bytesMax else { return Self.tooLong }
    guard canonical.unicodeScalars.count >= minLength else {
      return PasswordProblem(code: .tooShort, message: "The password needs at least \(minLength) characters.")
    }
    let folded = canonical.lowercased()
    guard !CommonPasswords.contain(folded) else {
      return PasswordProblem(code: .common, message: "The password is one of the most common ones. Choose another.")
    }
    guard !ContextWords(email: email, name: name).carry(folded) else {
      return PasswordProblem(
        code: .context, message: "The password is little more than your name, your email or the product's name. Choose another.")
    }
    return nil
  }

  private static let tooLong = PasswordProblem(code: .tooLong, message: "The password may have at most \(bytesMax) bytes.")
}
