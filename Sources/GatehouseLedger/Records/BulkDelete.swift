/// Deletes rows in steps that leave the writer free: so many rows at most, and so many bytes, since one row may be a thousand times as
/// large as another and an engine writes over what it frees.
package struct BulkDelete {
  /// Rows of one statement: after each it is seen how much they were.
  package static let rowsAtOnce = 4
  /// After so many bytes a step ends; the rows of one statement may go beyond it.
  static let bytesMax: Int64 = 262_144

  private let db: any LedgerTransaction
  private let rowsMax: Int
  private let freeAtFirst: Int64
  private(set) var removed = 0

  init(_ db: any LedgerTransaction, rowsMax: Int) throws {
    self.db = db
    self.rowsMax = rowsMax
    freeAtFirst = try db.freeBytes()
  }

  /// Whether this step may go on.
  func goesOn() throws -> Bool { try removed < rowsMax && db.freeBytes() - freeAtFirst < Self.bytesMax }

  /// Runs `sql`, which takes `key` and how many rows may go, until it finds none or the step is over.
  mutating func run(_ sql: String, _ key: any LedgerConvertible) throws {
    while try goesOn() {
      let wanted = min(Self.rowsAtOnce, rowsMax - removed)
      let gone = try db.run(sql, [key, wanted])
      removed += gone
      guard gone == wanted else { return }
    }
  }
}
