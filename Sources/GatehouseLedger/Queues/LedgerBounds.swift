/// The bounds of a ledger's queues.
public struct LedgerBounds: Sendable {
  /// Reads of decisions that share the connections at once.
  public var readersMax = 2
  /// The readers of lists, and of exports: those of decisions never wait for them.
  public var listReadersMax = 2
  /// Connections for whole exports, which hold their snapshot the longest.
  public var exportReadersMax = 1
  /// Writes that wait; more are refused.
  public var queueDepthMax = 4_096
  /// Writes that share one commit.
  public var batchMax = 256
  /// A write that has waited this long for the writer is refused, and nothing of it was written: a process that is stopped while it
  /// writes, or a program that holds the file, holds the writers up until it goes on or ends.
  public var writeWaitMax: Duration = .seconds(3)
  /// The default bounds: five connections that read, and 4,096 writes that wait.
  public init() {}

  /// Connections that read.
  public var connectionsMax: Int { readersMax + listReadersMax + exportReadersMax }
}
