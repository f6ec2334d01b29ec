import GRDB
import GatehouseCore

/// What migrations compute that SQL can't: functions that their statements may call.
enum MigrationFunctions {
  static let all = [canonicalEmailForm]

  /// `canonical_email_form(text)`: the form of an address that is unique.
  private static let canonicalEmailForm = DatabaseFunction("canonical_email_form", argumentCount: 1, pure: true) { values in
    values.first.flatMap(String.fromDatabaseValue).map { EmailAddress.Forms($0).canonical }
  }
}
