import Foundation

/// An email address in the two forms that matter: as it was given, and the one canonical form that is unique.
public struct EmailAddress: Sendable, Equatable {
  /// RFC 5321's bound on a path.
  public static let bytesMax = 254
  private static let localBytesMax = 64

  public let text: String
  /// Trimmed, NFC, lower case.
  public let canonical: String

  /// nil unless there is one `@` with something on both sides, a dot in the domain, and no space or control character.
  public init?(_ text: String) {
    let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
    let parts = trimmed.split(separator: "@", omittingEmptySubsequences: false)
    guard trimmed.utf8.count <= Self.bytesMax, parts.count == 2, (1...Self.localBytesMax).contains(parts[0].utf8.count) else { return nil }
    let labels = parts[1].split(separator: ".", omittingEmptySubsequences: false)
    guard labels.count >= 2, labels.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 63 && !$0.hasPrefix("-") && !$0.hasSuffix("-") }) else {
      return nil
    }
    let isPlain = trimmed.unicodeScalars.allSatisfy { scalar in
      !scalar.properties.isWhitespace && scalar.properties.generalCategory != .control && scalar.properties.generalCategory != .format
        && !"<>()[]\\,;:\"".unicodeScalars.contains(scalar)
    }
    guard isPlain else { return nil }
    self.text = trimmed
    canonical = trimmed.precomposedStringWithCanonicalMapping.lowercased()
  }
}
