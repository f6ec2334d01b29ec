import MetricTable
import MetricsTestKit
import Testing

@testable import GatehouseLedger
@testable import LedgerSQLite

@Suite("Metrics of the write queue")
struct QueueMetricsTests {
  @Test("Every batch tells how many waited, for how long, how many it held and how long it took")
  func batches() async throws {
    try await withPath { path in
      let metrics = TestMetrics()
      let engine = try SQLiteEngine(path: path, Migrations(schema: rowsSchema, version: 1, steps: [:]), SQLiteOptions(), log: quiet)
      var bounds = LedgerBounds()
      bounds.queueDepthMax = 100
      bounds.batchMax = 3
      let queue = WriteQueue(engine: engine, bounds: bounds, metrics: QueueMetrics(factory: metrics)) { Issue.record("stopped: \($0)") }
      // The writer is busy until all have been handed over.
      await withCheckedContinuation { continuation in
        engine.write { _ in
          for _ in 0..<7 { try? queue.add(WriteQueue.Item(run: { _ in {} }, fail: { Issue.record("failed: \($0)") })) }
          continuation.resume()
        }
      }
      #expect(await queue.close())
      #expect(try metrics.expectRecorder(ServiceMetric.writeBatchOperations.name).values == [3, 3, 1])
      #expect(try metrics.expectTimer(ServiceMetric.writeCommit.name).values.count == 3)
      #expect(try metrics.expectTimer(ServiceMetric.writeQueueWait.name).values.allSatisfy { $0 > 0 })
      #expect(try metrics.expectGauge(ServiceMetric.writeQueueDepth.name).lastValue == 0)
      try engine.close()
    }
  }
}
