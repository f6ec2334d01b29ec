import Testing

/// The requirements of OWASP ASVS that a test or a suite meets. `scripts/asvs.py` reads them from the source and makes the table of
/// docs/security.md of them.
public struct Requirements: TestTrait, SuiteTrait {
  /// Numbers of requirements, such as `7.4.1`.
  public let ids: [String]

  /// The words that a report has beside the test.
  public var comments: [Comment] { [Comment(rawValue: "ASVS " + ids.joined(separator: ", "))] }
}

extension Trait where Self == Requirements {
  /// Names the requirements that this test meets, by their numbers as they stand in docs/security-checklist.txt.
  public static func asvs(_ ids: String...) -> Self { Self(ids: ids) }
}
