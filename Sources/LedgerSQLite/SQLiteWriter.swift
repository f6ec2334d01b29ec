import Synchronization
import GRDB
import GatehouseLedger

extension SQLiteTransaction: LedgerWriter {
  var isInTransaction: Bool { db.isInsideTransaction }
  var changedRows: Int { db.totalChangesCount }

  func transaction(_ body: () throws -> Void) throws(LedgerFailure) {
    // The frames of this transaction would hide that the log was cut.
    try store.look(db) { file throws(LedgerFailure) in try file.verifyLog(db) }
    var commits = false
    do {
      try db.inTransaction(.immediate) {
        // Under the lock, so that nothing is ever written by statements of another version.
        guard try hasVersion() else { throw LedgerFailure(.migrated) }
        try body()
        // An operation may have swallowed the error that rolled everything back.
        guard db.isInsideTransaction else { throw LedgerFailure.rolledBack }
        commits = true
        return .commit
      }
    } catch {
      // GRDB rolls back whatever a failure left open; what can't be rolled back must not be written to again.
      guard !db.isInsideTransaction else { throw LedgerFailure(.outcomeUnknown) }
      if commits { throw LedgerFailure(atCommit: error, systemErrno: db.logErrno) }
      throw LedgerFailure(error, systemErrno: db.logErrno) ?? .rolledBack
    }
    // Whether the commit went where it belongs, before anybody is answered.
    try store.look(db) { file throws(LedgerFailure) in try file.verify(db) }
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

  func upkeep() throws(LedgerFailure) -> Duration? {
    if store.isSuspect.exchange(false, ordering: .relaxed) {
      try store.look(db) { file throws(LedgerFailure) in try file.verify(db) }
    }
    return try store.keeper.goOn(db) { () throws(LedgerFailure) in try store.file.prepareCopy(db) }
  }
}
