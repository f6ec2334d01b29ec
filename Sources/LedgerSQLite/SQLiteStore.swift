import GRDB
import GatehouseLedger
import Logging
import Synchronization

/// The state that the connections of one file share: its identity, and what keeps its log bounded.
final class SQLiteStore: Sendable {
  let file: FileAndLog
  /// The version that this process's statements are for.
  let version: Int
  let keeper: LogKeeper
  let log: Logger
  /// Whether the writer is to look at file and log even if it could commit nothing.
  let isSuspect = Atomic(false)

  init(file: FileAndLog, version: Int, keeper: LogKeeper, log: Logger) {
    self.file = file
    self.version = version
    self.keeper = keeper
    self.log = log
  }

  /// Runs a look of the writer at file and log. All that was acknowledged is rescued if only the log's name is gone.
  func look(_ db: Database, _ body: (FileAndLog) throws(LedgerFailure) -> Void) throws(LedgerFailure) {
    do throws(LedgerFailure) { try body(file) } catch {
      if error.kind == .fileReplaced, file.rescue(db) {
        log.critical("The ledger's log was removed while it was open: all that was acknowledged has been copied into the file")
      }
      throw error
    }
  }
}
