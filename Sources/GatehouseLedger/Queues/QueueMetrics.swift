import MetricTable
import Metrics

/// The numbers that the write queue tells of itself, through whatever metrics backend the process has.
struct QueueMetrics: Sendable {
  private let depthGauge: Gauge
  private let waitTimer: Metrics.Timer
  private let batchRecorder: Recorder
  private let commitTimer: Metrics.Timer

  init(factory: any MetricsFactory = MetricsSystem.factory) {
    depthGauge = ServiceMetric.writeQueueDepth.gauge(from: factory)
    waitTimer = ServiceMetric.writeQueueWait.timer(from: factory)
    batchRecorder = ServiceMetric.writeBatchOperations.recorder(from: factory)
    commitTimer = ServiceMetric.writeCommit.timer(from: factory)
  }

  /// A batch leaves the queue, whose first operation waited since `since`; `left` wait on.
  func taken(since: ContinuousClock.Instant, left: Int) {
    depthGauge.record(left)
    waitTimer.recordNanoseconds(since.duration(to: .now).nanoseconds)
  }

  /// `count` operations were answered by a batch that began at `start`.
  func committed(_ count: Int, since start: ContinuousClock.Instant) {
    batchRecorder.record(count)
    commitTimer.recordNanoseconds(start.duration(to: .now).nanoseconds)
  }
}

extension Duration {
  fileprivate var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ attoseconds / 1_000_000_000
  }
}
