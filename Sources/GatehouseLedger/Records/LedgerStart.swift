import Foundation
import GatehouseCore
import GatehouseCrypto

/// A ledger before it serves: what it knows of the server secret tells whether the secret that is there is the right one.
extension LedgerDatabase {
  /// The line of the secret that made tokens last; nil for a ledger that no program has served which writes it down. Blocks the thread.
  public func firstLine() throws -> ServerSecret.Line? {
    try prepare { db in try db.row(SecretRecord.last, []).flatMap(ServerSecret.Line.init(row:)) }
  }

  /// How many sessions live at `now`. Blocks the thread.
  public func sessionsLive(now: Int64) throws -> Int {
    try prepare { db in Int(try db.number(SessionRecord.countLive, [now, try SessionRecord.validFrom(db)]) ?? 0) }
  }

  /// Writes down the lines of the secret that the ledger is served with. Gives the key for the subjects of limits.
  func adopt(_ secret: ServerSecret) throws -> MacKey {
    let now = Int64(Date().timeIntervalSince1970 * 1000)
    return try prepare { db in
      // A ledger from before there was this table may hold what any of the lines has made.
      let isFirstTime = try db.row(SecretRecord.last, []) == nil
      for line in secret.lines.dropFirst() { try SecretRecord.note(line, firstUntil: isFirstTime ? now - 1 : 0, db) }
      if let first = secret.lines.first { try SecretRecord.note(first, firstUntil: now, db) }
      try db.run(SecretRecord.makeSubjectKey, [secret.subjectSeed])
      return MacKey(try db.row(SecretRecord.subjectKey, [])?["key"] ?? secret.subjectSeed)
    }
  }
}
