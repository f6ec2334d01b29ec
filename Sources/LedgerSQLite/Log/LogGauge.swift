import CSQLite
import GRDB

/// How long the write-ahead log is, as SQLite tells after each commit of one connection: the length of its file says little, since a
/// log that was copied into the ledger is written over from its start.
final class LogGauge: @unchecked Sendable {
  // Invariant: only the connection that it watches and closures on that connection's serial queue touch it.
  var pages: Int = 0

  /// Watches `db`, whose automatic checkpoints this turns off. The gauge must outlive the connection.
  func watch(_ db: Database) {
    sqlite3_wal_hook(
      db.sqliteConnection,
      { context, _, _, pages in
        if let context { Unmanaged<LogGauge>.fromOpaque(context).takeUnretainedValue().pages = Int(pages) }
        return SQLITE_OK
      }, Unmanaged.passUnretained(self).toOpaque())
  }
}
