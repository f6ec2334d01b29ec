import Foundation
import TextForms

/// Which accounts have an address that begins with a text, however both are spelled.
public struct AddressSearch: Sendable {
  /// The start of the canonical forms of all of them.
  public let canonicalStart: String
  /// The start of their older forms, where canonical forms of others have it too: a part of a domain has no ASCII form.
  private let olderStart: String?

  /// The search for a text of any length and shape: a whole address, its beginning, or the empty text, which every address begins with.
  public init(_ text: String) {
    let forms = EmailAddress.Forms(text)
    let folded = caseFolded(Substring(text.trimmingCharacters(in: .whitespacesAndNewlines))) ?? forms.older
    let parts = folded.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    let isPartial = EmailAddress(text) == nil && parts.count == 2 && !parts[1].utf8.allSatisfy { $0 < 0x80 }
    canonicalStart = isPartial ? "\(parts[0])@" : EmailAddress(text)?.canonical ?? folded
    olderStart = isPartial ? forms.older : nil
  }

  /// Whether an account with `email` is one of them, if its canonical form begins with `canonicalStart`.
  public func isMatch(_ email: String) -> Bool {
    olderStart.map { EmailAddress.Forms(email).older.utf8.starts(with: $0.utf8) } ?? true
  }
}
