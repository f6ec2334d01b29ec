import Metrics

/// A metric: its name, kind and labels are said in the table and nowhere else. The code that counts takes its counter from here.
public struct ServiceMetric: Sendable {
  /// The ways of recording.
  public enum Kind: String, Sendable {
    /// A number of events since the process began.
    case counter
    /// A number as it is now.
    case gauge
    /// Durations.
    case timer
    /// Sizes.
    case recorder
  }

  /// As a metrics backend has it.
  public let name: String
  /// How it is recorded.
  public let kind: Kind
  /// The names of its labels, in the order in which their values are given.
  public let labels: [String]
  /// A phrase that says what it counts.
  public let meaning: String

  init(_ name: String, _ kind: Kind, by labels: [String] = [], _ meaning: String) {
    self.name = name
    self.kind = kind
    self.labels = labels
    self.meaning = meaning
  }

  /// A counter of these events. Made once and kept: it takes a lock of the backend's registry.
  /// - Parameters:
  ///   - values: one for each label, in their order.
  ///   - factory: the backend; that of the process unless a test gives another.
  public func counter(_ values: String..., from factory: any MetricsFactory = MetricsSystem.factory) -> Counter {
    Counter(label: name, dimensions: dimensions(values), factory: factory)
  }

  /// A holder of the number. As `counter`.
  public func gauge(_ values: String..., from factory: any MetricsFactory = MetricsSystem.factory) -> Gauge {
    Gauge(label: name, dimensions: dimensions(values), factory: factory)
  }

  /// A recorder of durations. As `counter`.
  public func timer(_ values: String..., from factory: any MetricsFactory = MetricsSystem.factory) -> Timer {
    Timer(label: name, dimensions: dimensions(values), factory: factory)
  }

  /// A recorder of sizes. As `counter`.
  public func recorder(_ values: String..., from factory: any MetricsFactory = MetricsSystem.factory) -> Recorder {
    Recorder(label: name, dimensions: dimensions(values), factory: factory)
  }

  /// Its labels with these values.
  public func dimensions(_ values: [String]) -> [(String, String)] { Array(zip(labels, values)) }
}
