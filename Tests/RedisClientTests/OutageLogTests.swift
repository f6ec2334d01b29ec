import Logging
import NIOCore
import RedisClient
import Synchronization
import TestSupport
import Testing

/// Keeps what is logged at notice or above.
private struct Lines: LogHandler {
  let lines: @Sendable (String) -> Void
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .notice

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) { lines("\(event.message) \((event.metadata ?? [:]).keys.sorted())") }
}

@Suite("The log of an outage")
struct OutageLogTests {
  enum Outage: CaseIterable { case paused, killed }

  @Test(
    "However many connections and commands notice, an outage is one line and its end another, with its length", arguments: Outage.allCases)
  func twoLines(_ outage: Outage) async throws {
    let box = Box()
    var log = Logger(label: "test") { _ in Lines(lines: { box.add($0) }) }
    log.logLevel = .notice
    try await RedisServer.with { server in
      try await withClient(.unix(path: server.socketPath), loops: 4, log: log) {
        $0.commandDeadline = .milliseconds(50)
        $0.stallLimit = .milliseconds(100)
        $0.handshakeDeadline = .milliseconds(300)
      } _: { client in
        #expect(box.all == [])
        if outage == .paused { try await server.pause() } else { await server.kill() }
        // Until every connection has ended and tried again several times.
        try await eventually("many commands and attempts have failed") {
          for _ in 0..<20 { _ = await client.any().outcome(["PING"]) }
          return client.statistics.reconnects.load(ordering: .relaxed) >= 16
        }
        if outage == .paused { server.resume() } else { try await server.start() }
        try await eventually("Redis is back") { client.isUp && box.all.count > 1 }
        #expect(box.all == [#"Redis is away ["reason"]"#, #"Redis is back ["away_ms"]"#])
      }
    }
  }
}

private final class Box: Sendable {
  private let lines = Mutex<[String]>([])
  func add(_ line: String) { lines.withLock { $0.append(line) } }
  var all: [String] { lines.withLock { $0 } }
}
