import GRDB

/// Deletes rows in steps that leave the writer free: so many rows at most, and so many bytes, since one row may be a thousand times as
/// large as another and SQLite writes every page over that it frees.
struct BulkDelete {
  /// Rows of one statement: after each it is seen how much they were.
  static let rowsAtOnce = 4
  /// After so many pages of 4 KiB a step ends; the rows of one statement may go beyond it.
  static let pagesMax: Int64 = 64

  private let db: Database
  private let rowsMax: Int
  private let freeAtFirst: Int64
  private(set) var removed = 0

  init(_ db: Database, rowsMax: Int) throws {
    self.db = db
    self.rowsMax = rowsMax
    freeAtFirst = try Self.freePages(db)
  }

  /// Whether this step may go on.
  func goesOn() throws -> Bool { try removed < rowsMax && Self.freePages(db) - freeAtFirst < Self.pagesMax }

  /// Runs `sql`, which takes `arguments` and how many rows may go, until it finds none or the step is over.
  mutating func run(_ sql: String, _ arguments: [any DatabaseValueConvertible]) throws {
    while try goesOn() {
      let wanted = min(Self.rowsAtOnce, rowsMax - removed)
      try db.run(sql, StatementArguments(arguments + [wanted]))
      removed += db.changesCount
      guard db.changesCount == wanted else { return }
    }
  }

  private static func freePages(_ db: Database) throws -> Int64 { try db.number("PRAGMA freelist_count", []) ?? 0 }
}
