import GRDB
import GatehouseLedger

/// The versions of a ledger's file, told by `PRAGMA user_version`.
struct Migrations: Sendable {
  /// The whole schema of `version`.
  let schema: String
  let version: Int
  /// For each version the SQL that leads to it from the one before; it may call `MigrationFunctions`.
  let steps: [Int: String]

  /// Makes a new file of `version`, or brings an older one to it: one transaction a version, so that a crash leaves one of them whole.
  /// Throws `internal` with a sentence for a newer file, a version that no step leads to, and a file of something else.
  /// - Parameter beforeMaking: called before a new file is made; what it throws leaves none.
  func run(_ db: Database, beforeMaking: () throws(LedgerFailure) -> Void = {}) throws(LedgerFailure) {
    do {
      let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
      guard found <= version else {
        throw LedgerFailure(.internal("The ledger has version \(found), newer than this program's \(version): start the newer program."))
      }
      guard found > 0 else { return try create(db, beforeMaking) }
      guard found < version else { return }
      for function in MigrationFunctions.all { db.add(function: function) }
      defer { for function in MigrationFunctions.all { db.remove(function: function) } }
      for next in found + 1...version {
        guard let sql = steps[next] else { throw LedgerFailure(.internal("There is no migration of the ledger to version \(next).")) }
        try apply(sql, version: next, db)
      }
    } catch { throw LedgerFailure(opening: error) }
  }

  private func create(_ db: Database, _ beforeMaking: () throws(LedgerFailure) -> Void) throws {
    guard try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") == 0 else {
      throw LedgerFailure(.internal("The file holds tables but no ledger (user_version 0): name another one."))
    }
    try beforeMaking()
    try apply(schema, version: version, db)
  }

  private func apply(_ sql: String, version: Int, _ db: Database) throws {
    try db.inTransaction(.immediate) {
      try db.execute(sql: sql)
      try db.execute(sql: "PRAGMA user_version = \(version)")
      return .commit
    }
  }
}
