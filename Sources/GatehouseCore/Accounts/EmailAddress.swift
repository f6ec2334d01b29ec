import Foundation
import TextForms

/// An email address in the two forms that matter: as it was given, and the one canonical form that is unique.
public struct EmailAddress: Sendable, Equatable {
  /// RFC 5321's bound on a path.
  public static let bytesMax = 254
  private static let localBytesMax = 64

  /// The forms of an address, the same however it is spelled.
  public struct Forms: Sendable, Hashable {
    /// The local part case-folded and in NFC, the domain in ASCII; `older` of a text that is no address.
    public let canonical: String
    /// Trimmed, NFC, lower case: what was canonical before domains became ASCII. It still finds an account that shares its canonical
    /// form with an older one.
    public let older: String

    /// The forms of any text, an address or not.
    public init(_ text: String) {
      let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
      older = trimmed.precomposedStringWithCanonicalMapping.lowercased()
      canonical = EmailAddress(trimmed)?.canonical ?? older
    }
  }

  public let text: String
  /// See `Forms.canonical`.
  public let canonical: String

  /// nil unless there is one `@` with something on both sides, a domain that has a dot and an ASCII form, and no space or control
  /// character.
  public init?(_ text: String) {
    let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
    let parts = trimmed.split(separator: "@", omittingEmptySubsequences: false)
    guard trimmed.utf8.count <= Self.bytesMax, parts.count == 2, (1...Self.localBytesMax).contains(parts[0].utf8.count) else { return nil }
    let isPlain = trimmed.unicodeScalars.allSatisfy { scalar in
      !scalar.properties.isWhitespace && scalar.properties.generalCategory != .control && scalar.properties.generalCategory != .format
        && !"<>()[]\\,;:\"".unicodeScalars.contains(scalar)
    }
    guard isPlain, let local = caseFolded(parts[0]), let domain = asciiDomain(parts[1]) else { return nil }
    let labels = domain.split(separator: ".", omittingEmptySubsequences: false)
    guard labels.count >= 2, labels.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 63 && !$0.hasPrefix("-") && !$0.hasSuffix("-") }) else {
      return nil
    }
    self.text = trimmed
    canonical = "\(local)@\(domain)"
  }
}
