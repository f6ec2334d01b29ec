import Logging

/// The lines that a log was told, with their metadata.
struct LogLines: LogHandler {
  let lines: Collected<String>
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.info

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    lines.add("\(event.level) \(event.message) \(event.metadata ?? [:])")
  }

  /// A log, and what it is told.
  static func make() -> (log: Logger, lines: Collected<String>) {
    let lines = Collected<String>()
    return (Logger(label: "ledger tests") { _ in LogLines(lines: lines) }, lines)
  }
}
