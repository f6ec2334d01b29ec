import GatehouseLedger

/// The bounds and sizes of a ledger in a file.
public struct SQLiteOptions: Sendable {
  /// The bounds of its queues, and with them how many connections read the file.
  public var bounds = LedgerBounds()
  /// Memory for pages: half of it the writer's, half of it shared by the connections that read. The file is not mapped into memory beside
  /// that: a mapped page that can't be read, or is cut off by whoever replaces the file, ends the process in place of a call.
  public var cacheBytes = 32 << 20
  /// The log is copied into the file beyond this size, and its file cut to nothing beyond the next, both as far as readers allow. Every
  /// write waits for a copy: one of 4 MiB takes few times as long as a commit, one of 16 MiB fifty times.
  public var checkpointBytes = 4 << 20
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
  /// The default sizes: a log that is copied beyond 4 MiB and cut beyond 128 MiB.
  public init() {}

  /// A log that begins anew keeps so much of its file: what is cut off must be given blocks again by the next commits.
  var logKeptBytes: Int { 4 * checkpointBytes }

  /// The pages of one connection, in KiB.
  func cacheKibibytes(reads: Bool) -> Int { max(cacheBytes / 1_024 / 2 / (reads ? bounds.connectionsMax : 1), 1) }
}
