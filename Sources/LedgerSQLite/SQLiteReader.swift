import GRDB
import GatehouseLedger

extension SQLiteTransaction: LedgerReader {
  func refresh() throws(LedgerFailure) {
    try run("COMMIT", [])
    try begin()
  }

  func mayBeReplaced() -> Bool { store.file.hasChanged(db) || (try? hasVersion()) != true }

  func faults() throws(LedgerFailure) -> [String] {
    do throws(LedgerFailure) {
      let rows = try rows("PRAGMA quick_check", [])
      return try rows.map { row throws(LedgerFailure) in try row["quick_check"] }.filter { $0 != "ok" }
    } catch {
      // Damage can be such that the check itself ends.
      guard error.kind == .damaged else { throw error }
      return [db.lastErrorMessage ?? "it can't be read"]
    }
  }
}
