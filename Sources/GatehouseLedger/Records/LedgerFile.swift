import Foundation
import GatehouseCore
import GatehouseCrypto
import Logging

/// The open file of a ledger before it serves: what it knows of the server secret tells whether the secret that is there is the right one.
public struct LedgerFile: Sendable {
  let database: LedgerDatabase

  /// Opens the ledger at `path`, making it if it is new. Blocks the thread.
  /// - Parameter onFatal: called when the outcome of a commit is unknown: stop the process.
  public init(
    path: String, options: LedgerDatabase.Options = .init(), onFatal: @escaping @Sendable (LedgerFailure) -> Void, log: Logger
  ) throws {
    let schema = String(decoding: PackageResources.schema_sql, as: UTF8.self)
    database = try LedgerDatabase(
      path: path, schema: schema, version: SQLiteLedger.version, migrations: LedgerSteps.all, options: options, onFatal: onFatal, log: log)
  }

  /// The line of the secret that made tokens last; nil for a ledger that no program has served which writes it down. Blocks the thread.
  public func firstLine() throws -> ServerSecret.Line? {
    try database.prepare { db in try db.row(SecretRecord.last, []).flatMap(ServerSecret.Line.init(row:)) }
  }

  /// How many sessions live at `now`. Blocks the thread.
  public func sessionsLive(now: Int64) throws -> Int {
    try database.prepare { db in Int(try db.number(SessionRecord.countLive, [now, try SessionRecord.validFrom(db)]) ?? 0) }
  }

  /// Writes down the lines of the secret that the ledger is served with. Gives the key for the subjects of limits.
  func adopt(_ secret: ServerSecret) throws -> MacKey {
    let now = Int64(Date().timeIntervalSince1970 * 1000)
    return try database.prepare { db in
      // A ledger from before there was this table may hold what any of the lines has made.
      let isFirstTime = try db.row(SecretRecord.last, []) == nil
      for line in secret.lines.dropFirst() { try SecretRecord.note(line, firstUntil: isFirstTime ? now - 1 : 0, db) }
      if let first = secret.lines.first { try SecretRecord.note(first, firstUntil: now, db) }
      try db.run(SecretRecord.makeSubjectKey, [secret.subjectSeed])
      return MacKey(try db.row(SecretRecord.subjectKey, [])?["key"] ?? secret.subjectSeed)
    }
  }
}
