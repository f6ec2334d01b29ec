/// SQLite's page, whose size `schema.sql` leaves at its default.
enum SQLitePage {
  static let bytes = 4_096
}
