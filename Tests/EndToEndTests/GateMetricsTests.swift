import GatehouseCore
import MetricTable
import MetricsTestKit
import Testing

@testable import gatehouse

@Suite("Metrics of the gate")
struct GateMetricsTests {
  @Test("Every question counts once: by who decided and how, or as unanswered")
  func questions() throws {
    let metrics = TestMetrics()
    let counted = GateMetrics(factory: metrics)
    func answer(_ decision: Decision, _ source: GateAnswer.Source) -> Result<GateAnswer, ServiceError> {
      .success(GateAnswer(decision: decision, source: source, nowMilliseconds: 0))
    }
    for result in [answer(.allow, .redis), answer(.allow, .redis), answer(.rateLimited, .redis), answer(.unauthenticated, .ledger)] {
      counted.count(result)
    }
    for code in [ServiceError.Code.unavailable, .overloaded, .outcomeUnknown, .idempotencyKeyReused] {
      counted.count(.failure(ServiceError(code, "x")))
    }
    func total(_ source: String, _ decision: String) throws -> Int64 {
      try metrics.expectCounter(ServiceMetric.gateDecisions.name, ServiceMetric.gateDecisions.dimensions([source, decision])).totalValue
    }
    #expect(try total("redis", "allow") == 2)
    #expect(try total("redis", "rate_limited") == 1)
    #expect(try total("ledger", "unauthenticated") == 1)
    #expect(try total("ledger", "allow") == 0)
    #expect(try total("ledger", "refused") == 1)
    #expect(try total("none", "none") == 3)
    // Every decision has its counter, whoever makes it.
    for source in ["redis", "ledger"] { for decision in Decision.allCases { _ = try total(source, decision.rawValue) } }
  }
}
