import Metrics

/// The numbers that the ledger's log tells of itself, through whatever metrics backend the process has.
struct LogMetrics: Sendable {
  /// The length of the log that is in use; its file may be longer.
  static let bytes = "gatehouse_ledger_log_bytes"
  /// Attempts to copy the log into the ledger, by `outcome`: `copied`, or `held` by a reader.
  static let checkpoints = "gatehouse_ledger_checkpoints"
  static let outcome = "outcome"

  private let bytesGauge: Gauge
  private let copied: Counter
  private let held: Counter

  init(factory: any MetricsFactory = MetricsSystem.factory) {
    bytesGauge = Gauge(label: Self.bytes, factory: factory)
    copied = Counter(label: Self.checkpoints, dimensions: [(Self.outcome, "copied")], factory: factory)
    held = Counter(label: Self.checkpoints, dimensions: [(Self.outcome, "held")], factory: factory)
  }

  func log(bytes: Int) { bytesGauge.record(bytes) }

  func took(_ step: CheckpointPace.Step, isCopied: Bool) { (isCopied ? copied : held).increment() }
}
