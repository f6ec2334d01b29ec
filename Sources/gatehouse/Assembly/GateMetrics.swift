import GatehouseCore
import MetricTable
import Metrics

/// Counts the outcome of every question to the gate, through whatever metrics backend the process has.
struct GateMetrics: Sendable {
  private struct Labels: Hashable {
    let source: String
    let decision: String
  }

  private let counters: [Labels: Counter]

  /// All counters are made here: counting takes no lock of the backend's registry.
  init(factory: any MetricsFactory = MetricsSystem.factory) {
    let sources = [GateAnswer.Source.redis, .ledger].map(\.rawValue)
    let decisions = Decision.allCases.map(\.rawValue) + [Self.refused]
    var labels = sources.flatMap { source in decisions.map { Labels(source: source, decision: $0) } }
    labels.append(Self.unanswered)
    counters = Dictionary(
      uniqueKeysWithValues: labels.map { ($0, ServiceMetric.gateDecisions.counter($0.source, $0.decision, from: factory)) })
  }

  private static let unanswered = Labels(source: "none", decision: "none")
  private static let refused = "refused"

  /// The gate was asked and this came of it.
  func count(_ result: Result<GateAnswer, ServiceError>) { counters[Self.labels(result)]?.increment() }

  private static func labels(_ result: Result<GateAnswer, ServiceError>) -> Labels {
    switch result {
    case .success(let answer): return Labels(source: answer.source.rawValue, decision: answer.decision.rawValue)
    case .failure(let error):
      switch error.code {
      case .unavailable, .overloaded, .outcomeUnknown: return unanswered
      // Such as an idempotency key of another call, which the ledger knows.
      default: return Labels(source: GateAnswer.Source.ledger.rawValue, decision: refused)
      }
    }
  }
}
