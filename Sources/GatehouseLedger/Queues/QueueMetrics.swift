import Metrics

/// The numbers that the write queue tells of itself, through whatever metrics backend the process has.
struct QueueMetrics: Sendable {
  /// Operations that wait.
  static let depth = "gatehouse_write_queue_depth"
  /// How long an operation waited for its batch.
  static let wait = "gatehouse_write_queue_wait"
  /// Operations of a batch.
  static let batch = "gatehouse_write_batch_operations"
  /// How long a batch took, its commit included.
  static let commit = "gatehouse_write_commit"

  private let depthGauge: Gauge
  private let waitTimer: Metrics.Timer
  private let batchRecorder: Recorder
  private let commitTimer: Metrics.Timer

  init(factory: any MetricsFactory = MetricsSystem.factory) {
    depthGauge = Gauge(label: Self.depth, factory: factory)
    waitTimer = Metrics.Timer(label: Self.wait, factory: factory)
    batchRecorder = Recorder(label: Self.batch, factory: factory)
    commitTimer = Metrics.Timer(label: Self.commit, factory: factory)
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
