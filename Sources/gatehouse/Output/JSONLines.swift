import Foundation
import GatehouseCore
import Logging
import StrictJSON
import Synchronization

/// Logs one JSON object a line on standard error, through a `LogSink`: `at`, `level`, `message`, then what belongs to the event, by name. No value can
/// begin a line of its own: control characters are escaped.
struct JSONLines: LogHandler {
  /// The level of all loggers that were made with it; it may change while they are used.
  final class Level: Sendable {
    private let level: Mutex<Logger.Level>
    init(_ level: Logger.Level) { self.level = Mutex(level) }
    var now: Logger.Level {
      get { level.withLock { $0 } }
      set { level.withLock { $0 = newValue } }
    }
  }

  var metadata: Logger.Metadata = [:]
  private let shared: Level
  private var own: Logger.Level?

  private let sink: LogSink

  init(level: Level, sink: LogSink = .standardError) {
    shared = level
    self.sink = sink
  }

  var logLevel: Logger.Level {
    get { own ?? shared.now }
    set { own = newValue }
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    sink.add(Self.line(event, context: metadata, at: Self.now))
  }

  /// The line that says how many were dropped before it, since nobody read the log.
  @Sendable static func dropped(_ count: Int) -> [UInt8] {
    let event = LogEvent(
      level: .warning, message: "Lines of the log were dropped, since nobody read it for a while", metadata: ["dropped": "\(count)"],
      source: nil, file: #fileID, function: #function, line: #line)
    return line(event, context: [:], at: now)
  }

  /// A line for a time that is not known yet, and where its 24 bytes stand in it.
  static func lineToStamp(_ event: LogEvent) -> (line: [UInt8], stamp: Int) {
    (line(event, context: [:], at: 0), #"{"at":""#.utf8.count)
  }

  private static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

  static func line(_ event: LogEvent, context: Logger.Metadata, at milliseconds: Int64) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.string("at", Instants.text(milliseconds))
      writer.string("level", event.level.rawValue)
      writer.string("message", event.message.description)
      if let error = event.error { writer.string("error", "\(error)") }
      let all = context.merging(event.metadata ?? [:]) { $1 }
      for (key, value) in all.sorted(by: { $0.key < $1.key }) {
        let taken = ["at", "level", "message"].contains(key) || (key == "error" && event.error != nil)
        writer.member(taken ? key + "_" : key, json(value))
      }
    }
    return writer.bytes + [UInt8(ascii: "\n")]
  }

  private static func json(_ value: Logger.Metadata.Value) -> JSONValue {
    switch value {
    case .string(let text): .string(text)
    case .stringConvertible(let value): .string(value.description)
    case .array(let values): .array(values.map(json))
    case .dictionary(let members): .object(JSONObject(members.sorted { $0.key < $1.key }.map { ($0.key, json($0.value)) }))
    }
  }
}
