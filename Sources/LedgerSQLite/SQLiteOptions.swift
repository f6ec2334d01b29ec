import GatehouseLedger

/// The bounds and sizes of a ledger in a file.
public struct SQLiteOptions: Sendable {
  /// The bounds of its queues, and with them how many connections read the file.
  public var bounds = LedgerBounds()
  /// The log is copied into the file beyond this size, and its file cut to nothing beyond the next, both as far as readers allow.
  public var checkpointBytes = 16 << 20
  /// The size of the log, in bytes, beyond which its file is cut to nothing.
  public var truncateBytes = 128 << 20
  /// A reader that keeps the log from being copied for so long is told of.
  public var readerToldAfter: Duration = .seconds(10)
  /// How long opening the file waits for other processes that write to it.
  public var openWaitMax: Duration = .seconds(5)
  /// The names of what is made in the file's folder only after a ledger: where one of them is, a missing file is a lost one.
  public var companions: [String] = []
  /// Whether a new ledger is made though something shows that there was one.
  public var acceptsNew = false
  /// The default sizes: a log that is copied beyond 16 MiB and cut beyond 128 MiB.
  public init() {}
}
