/// Every metric of the service. docs/operations.md has the same table, and a test compares the two.
extension ServiceMetric {
  /// `source` is `redis`, `ledger`, or `none` for a question that was answered 503. `decision` is the decision's name, `none` with a 503,
  /// `refused` for a call that is wrong in itself.
  ///
  /// Decision availability is what was answered (`source` is not `none`) of all. Protection availability is what Redis decided
  /// (`source` is `redis`) of all but `unauthenticated`, which only the ledger says.
  public static let gateDecisions = ServiceMetric(
    "gatehouse_gate_decisions", .counter, by: ["source", "decision"], "the outcome of every question to the gate")
  /// Of one process, as each batch leaves.
  public static let writeQueueDepth = ServiceMetric("gatehouse_write_queue_depth", .gauge, "writes that wait")
  /// Of the first write of each batch, which waited longest.
  public static let writeQueueWait = ServiceMetric("gatehouse_write_queue_wait", .timer, "how long a write waited for its batch")
  /// Writes that share one commit.
  public static let writeBatchOperations = ServiceMetric("gatehouse_write_batch_operations", .recorder, "writes of a batch")
  /// From the moment at which the writer is free.
  public static let writeCommit = ServiceMetric("gatehouse_write_commit", .timer, "how long a batch took, its commit included")
  /// The file of the log may be longer.
  public static let ledgerLogBytes = ServiceMetric("gatehouse_ledger_log_bytes", .gauge, "the part of the ledger's log that is in use")
  /// A reader that holds the log for long makes `held` rise and the log grow.
  public static let ledgerCheckpoints = ServiceMetric(
    "gatehouse_ledger_checkpoints", .counter, by: ["outcome"],
    "attempts to copy the log into the ledger: `copied`, or `held` by a reader")
  /// Of the public listener.
  public static let connectionsRefused = ServiceMetric(
    "gatehouse_connections_refused", .counter, by: ["reason"],
    "connections that were closed: `address`, since their client has too many")
  /// Since whoever reads the log is too slow.
  public static let logLinesDropped = ServiceMetric("gatehouse_log_lines_dropped", .counter, "lines of the log that found no room")

  /// All of them, in the order of the table.
  public static let all = [
    gateDecisions, writeQueueDepth, writeQueueWait, writeBatchOperations, writeCommit, ledgerLogBytes, ledgerCheckpoints,
    connectionsRefused, logLinesDropped,
  ]
}
