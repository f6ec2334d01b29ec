import Foundation
import TestSupport

/// Sends a request twice: as it is, for the channel to take, and so that its route must answer it.
struct BothWays {
  enum Way: Sendable, CaseIterable {
    case channel
    /// The channel takes nothing that begins with an empty line, which the parser skips.
    case route
  }

  /// A request that the channel can't read leaves all that follow on its connection to the parser: connections are renewed.
  private static let requestsOfConnection = 8

  private let service: RunningService
  private var connections: [Way: (open: RawHTTP, asked: Int)] = [:]

  init(_ service: RunningService) { self.service = service }

  /// The answers to a request, one by each way.
  mutating func answers(_ request: String) async throws -> (channel: RawHTTP.Answer, route: RawHTTP.Answer) {
    (try await ask(request, by: .channel), try await ask(request, by: .route))
  }

  mutating func ask(_ request: String, by way: Way) async throws -> RawHTTP.Answer {
    if let used = connections[way], used.asked == Self.requestsOfConnection {
      await used.open.close()
      connections[way] = nil
    }
    let known = connections[way]
    let connection = if let known { known.open } else { try await RawHTTP.connect(port: service.port()) }
    try await connection.send(way == .channel ? request : "\r\n" + request)
    let answer = try await connection.answer(head: request.hasPrefix("HEAD"))
    connections[way] = (open: connection, asked: (known?.asked ?? 0) + 1)
    if answer["Connection"] == "close" {
      await connection.close()
      connections[way] = nil
    }
    return answer
  }

  /// An answer without what differs from one call to the next: names of requests, times, and what is left of a limit.
  static func bare(_ answer: RawHTTP.Answer) -> String {
    let fields = answer.headers.filter { $0.name != "Date" }.map { "\($0.name): \($0.value)" }
    var text = "\(answer.statusLine)\n\(fields.joined(separator: "\n"))\n\n\(answer.body)"
    for (pattern, mask) in [
      (#"req_[0-9a-z]{12}"#, "req"), (#"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"#, "instant"), (#"([rt]=)\d+"#, "$1n"),
      (#"("(?:remaining|reset_seconds|retry_after_seconds)":)\d+"#, "$1n"), (#"(Retry-After"?: ?"?)\d+"#, "$1n"),
      (#"(ago|Try again in) \d+"#, "$1 n"), (#"Password entered \d+ \w+"#, "Password entered n"), (#"rsv_[0-9a-z]{14}"#, "rsv"),
      (#"Content-Length: \d+"#, "Content-Length: n"), (#""(redis|ledger)""#, "source"),
    ] { text = text.replacingOccurrences(of: pattern, with: mask, options: .regularExpression) }
    return text
  }

  /// The same of an answer that tells of a user of its own.
  static func nameless(_ answer: RawHTTP.Answer) -> String {
    bare(answer).replacingOccurrences(of: #"(usr|ses)_[0-9a-z]{14}"#, with: "$1", options: .regularExpression)
  }
}
