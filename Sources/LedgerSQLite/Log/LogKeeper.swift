import CSQLite
import GRDB
import GatehouseLedger
import Logging

/// Keeps the log bounded: copies it into the ledger after batches, as `CheckpointPace` decides, and says who is in the way.
///
/// Runs under the turnstile: SQLite before 3.51.3 can corrupt a log that is copied while another connection begins it anew. All writers of
/// all processes wait for it, so it waits for readers only to cut the log, for a moment, and rarely.
final class LogKeeper: @unchecked Sendable {
  // Invariant: only closures on GRDB's serial writer queue use it, but for the thread that opens the ledger, before there are any.

  /// How long a cut waits for the readers of the log that it finds. Those that come meanwhile read the ledger alone, so readers that
  /// overlap without end don't keep the log for ever.
  static let cutPatience: Duration = .milliseconds(10)

  private let gauge = LogGauge()
  private var pace: CheckpointPace
  private let path: String
  private let metrics: LogMetrics
  private let log: Logger

  /// - Parameter path: the ledger's.
  init(path: String, pace: CheckpointPace, metrics: LogMetrics = LogMetrics(), log: Logger) {
    self.path = path
    self.metrics = metrics
    self.log = log
    self.pace = pace
  }

  /// Begins with `db`, the writer's connection.
  func watch(_ db: Database) { gauge.watch(db) }

  /// Does what is due after a batch. Gives in how long it must be called again even if no batch comes. Throws when the disk failed to sync
  /// the ledger, which it says only once: a log that is written over after that would lose what was acknowledged.
  /// - Parameter prepare: called before the log is copied, in the same turn.
  func goOn(_ db: Database, prepare: () throws(LedgerFailure) -> Void) throws(LedgerFailure) -> Duration? {
    if let step = pace.step(logBytes: gauge.pages * SQLitePage.bytes, at: .now) {
      try prepare()
      let outcome = try copy(db, step)
      gauge.pages = outcome.logPages
      pace.took(step, logBytes: outcome.logPages * SQLitePage.bytes, isCopied: outcome.isCopied, at: .now)
      metrics.took(step, isCopied: outcome.isCopied)
    }
    metrics.log(bytes: gauge.pages * SQLitePage.bytes)
    tell(pace.news(at: .now))
    return pace.looksAgain(at: .now)
  }

  private func copy(_ db: Database, _ step: CheckpointPace.Step) throws(LedgerFailure) -> (logPages: Int, isCopied: Bool) {
    var (logPages, copiedPages): (Int32, Int32) = (-1, -1)
    // Else the connection waits for nobody: whatever a reader keeps in the log is passed over.
    if step == .cut { sqlite3_busy_timeout(db.sqliteConnection, Int32(Self.cutPatience.wholeMilliseconds)) }
    defer { sqlite3_busy_timeout(db.sqliteConnection, 0) }
    let code = sqlite3_wal_checkpoint_v2(
      db.sqliteConnection, "main", step == .cut ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, &logPages, &copiedPages)
    if code != SQLITE_OK, code & 0xFF != SQLITE_BUSY {
      let failure = LedgerFailure(code: code, systemErrno: db.fileErrno)
      if failure.isFatal { throw failure }
    }
    guard logPages >= 0 else { return (gauge.pages, false) }
    return (Int(logPages), copiedPages == logPages)
  }

  private func tell(_ news: CheckpointPace.News?) {
    switch news {
    case nil: break
    case .held(let since):
      let readers = LockHolders.of(path + "-shm", .readsLog)
      log.warning(
        """
        The ledger's log can't be copied into the ledger and grows: a program reads an old state of it. End its transaction. \
        Without a reader in the list it is in another container, or the disk has no room.
        """,
        metadata: [
          "readers": .array(readers.map { .string($0.description) }), "held_ms": "\(since.wholeMilliseconds)",
          "log_bytes": "\(gauge.pages * SQLitePage.bytes)",
        ])
    case .free(let after):
      log.notice("The ledger's log is copied into the ledger again", metadata: ["held_ms": "\(after.wholeMilliseconds)"])
    }
  }
}

extension Duration {
  var wholeMilliseconds: Int64 { Int64(self / .milliseconds(1)) }
}
