import GRDB
import MetricsTestKit
import Testing

@testable import GatehouseLedger

@Suite("Metrics of the write queue")
struct QueueMetricsTests {
  @Test("every batch tells how many waited, for how long, how many it held and how long it took")
  func batches() async throws {
    let metrics = TestMetrics()
    let database = try DatabaseQueue()
    let queue = WriteQueue(
      depthMax: 100, batchMax: 3, metrics: QueueMetrics(factory: metrics),
      begin: { body in database.asyncWriteWithoutTransaction { body($0) } },
      commit: { db, batch throws(LedgerFailure) in
        for item in batch {
          do { try item.run(db)() } catch { item.fail(error) }
        }
        return batch.count
      }, onStop: { Issue.record("stopped: \($0)") })
    // The writer is busy until all have been handed over.
    try await database.write { _ in
      for _ in 0..<7 { try queue.add(WriteQueue.Item(run: { _ in {} }, fail: { Issue.record("failed: \($0)") })) }
    }
    #expect(await queue.close())
    #expect(try metrics.expectRecorder(QueueMetrics.batch).values == [3, 3, 1])
    #expect(try metrics.expectTimer(QueueMetrics.commit).values.count == 3)
    #expect(try metrics.expectTimer(QueueMetrics.wait).values.allSatisfy { $0 > 0 })
    #expect(try metrics.expectGauge(QueueMetrics.depth).lastValue == 0)
  }
}
