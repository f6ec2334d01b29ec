import GatehouseLedger

extension SQLiteTransaction: LedgerReader {
  func refresh() throws(LedgerFailure) {
    do {
      try db.commit()
      try db.beginTransaction(.deferred)
    } catch {
      throw LedgerFailure(error) ?? LedgerFailure(.internal("The ledger can't be read: \(error)"))
    }
  }

  func mayBeReplaced() -> Bool { store.file.hasChanged(db) }

  func faults() throws(LedgerFailure) -> [String] {
    var faults: [String] = []
    for row in try rows("PRAGMA quick_check", []) {
      let text: String = try row["quick_check"]
      if text != "ok" { faults.append(text) }
    }
    return faults
  }
}
