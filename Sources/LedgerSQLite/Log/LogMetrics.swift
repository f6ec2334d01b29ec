import MetricTable
import Metrics

/// The numbers that the ledger's log tells of itself, through whatever metrics backend the process has.
struct LogMetrics: Sendable {
  private let bytesGauge: Gauge
  private let copied: Counter
  private let held: Counter

  init(factory: any MetricsFactory = MetricsSystem.factory) {
    bytesGauge = ServiceMetric.ledgerLogBytes.gauge(from: factory)
    copied = ServiceMetric.ledgerCheckpoints.counter("copied", from: factory)
    held = ServiceMetric.ledgerCheckpoints.counter("held", from: factory)
  }

  func log(bytes: Int) { bytesGauge.record(bytes) }

  func took(_ step: CheckpointPace.Step, isCopied: Bool) { (isCopied ? copied : held).increment() }
}
