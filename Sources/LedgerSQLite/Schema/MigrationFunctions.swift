import GRDB
import GatehouseCore

/// Functions that the statements of migrations may call, for what SQL can't compute.
enum MigrationFunctions {
  static let all = [canonicalEmailForm]

  /// `canonical_email_form(text)`: the form of an address that is unique.
  private static let canonicalEmailForm = DatabaseFunction("canonical_email_form", argumentCount: 1, pure: true) { values in
    values.first.flatMap(String.fromDatabaseValue).map { EmailAddress.Forms($0).canonical }
  }
}
