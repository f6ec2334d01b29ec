import Logging

/// What the connections of one file share: its identity, and what keeps its log bounded.
final class SQLiteStore: Sendable {
  let file: FileAndLog
  let keeper: LogKeeper
  let log: Logger

  init(file: FileAndLog, keeper: LogKeeper, log: Logger) {
    self.file = file
    self.keeper = keeper
    self.log = log
  }
}
