import GatehouseCore
import MetricTable
import Metrics

/// Counts the outcome of every question to the gate, through whatever metrics backend the process has.
struct GateMetrics: Sendable {
  /// By whom and how; without a source nobody answered, without a decision the call was refused.
  private struct Labels: Hashable {
    let source: GateAnswer.Source?
    let decision: Decision?

    var words: (source: String, decision: String) {
      guard let source else { return ("none", "none") }
      return (source.rawValue, decision?.rawValue ?? "refused")
    }
  }

  private let counters: [Labels: Counter]

  /// All counters are made here: counting takes no lock of the backend's registry.
  init(factory: any MetricsFactory = MetricsSystem.factory) {
    let sources: [GateAnswer.Source] = [.redis, .ledger]
    let decisions = Decision.allCases.map(Optional.some) + [nil]
    let labels = sources.flatMap { source in decisions.map { Labels(source: source, decision: $0) } } + [Self.unanswered]
    counters = Dictionary(
      uniqueKeysWithValues: labels.map { labels in
        let words = labels.words
        return (labels, ServiceMetric.gateDecisions.counter(words.source, words.decision, from: factory))
      })
  }

  private static let unanswered = Labels(source: nil, decision: nil)

  /// The gate was asked and this came of it.
  func count(_ result: Result<GateAnswer, ServiceError>) { counters[Self.labels(result)]?.increment() }

  private static func labels(_ result: Result<GateAnswer, ServiceError>) -> Labels {
    switch result {
    case .success(let answer): return Labels(source: answer.source, decision: answer.decision)
    case .failure(let error):
      switch error.code {
      case .unavailable, .overloaded, .outcomeUnknown: return unanswered
      // Such as an idempotency key of another call, which the ledger knows.
      default: return Labels(source: .ledger, decision: nil)
      }
    }
  }
}
