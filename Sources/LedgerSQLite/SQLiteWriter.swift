import GRDB
import GatehouseLedger

extension SQLiteTransaction: LedgerWriter {
  var isInTransaction: Bool { db.isInsideTransaction }

  func transaction(_ body: () throws -> Void) throws(LedgerFailure) {
    var commits = false
    do {
      try db.inTransaction(.immediate) {
        try body()
        // An operation may have swallowed the error that rolled everything back.
        guard db.isInsideTransaction else { throw LedgerFailure(.internal("The transaction was rolled back.")) }
        commits = true
        return .commit
      }
    } catch {
      // GRDB rolls back whatever a failure left open; what can't be rolled back must not be written to again.
      guard !db.isInsideTransaction else { throw LedgerFailure(.outcomeUnknown) }
      if commits { throw LedgerFailure(atCommit: error, systemErrno: db.logErrno) }
      throw LedgerFailure(error, systemErrno: db.logErrno) ?? LedgerFailure(.internal("The transaction was rolled back."))
    }
    try verify()
  }

  /// Looks after a commit whether it went where it belongs, before anybody is answered.
  private func verify() throws(LedgerFailure) {
    do throws(LedgerFailure) { try store.file.verify(db) } catch {
      if error.kind == .fileReplaced, store.file.rescue(db) {
        store.log.critical("The ledger's log was removed while it was open: all that was acknowledged has been copied into the file")
      }
      throw error
    }
  }

  func savepoint<T>(_ body: () throws -> T) throws -> T {
    try run("SAVEPOINT item", [])
    do {
      let value = try body()
      try run("RELEASE item", [])
      return value
    } catch {
      if db.isInsideTransaction {
        try run("ROLLBACK TO item", [])
        try run("RELEASE item", [])
      }
      throw error
    }
  }

  func upkeep() throws(LedgerFailure) -> Duration? { try store.keeper.goOn(db) }
}
