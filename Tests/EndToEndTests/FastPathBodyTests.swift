import Foundation
import TestSupport
import Testing

/// The channel and the route read a body by the same code, and answer batches and reservations by the same functions; here their whole
/// answers are compared, byte by byte.
@Suite("Batches and reservations in the channel and by their route", .serialized) struct FastPathBodyTests {
  /// The bytes of a batch that the channel takes; beyond them the route answers.
  private static let channelBytesMax = 16_384, channelQuestionsMax = 64

  /// A batch with the status of its answer, and how many decisions stand in that.
  private struct Batch {
    let name: String
    let request: String
    let status: Int
    let decisions: Int
  }

  @Test("A batch has the same answer both ways: with every decision, with faults, at and beyond the bounds of the channel, and refused")
  func batches() async throws {
    try await RunningService.with(environment: ["GATEHOUSE_POLICIES_API_LIMIT_BY_PLAN_PRO": "1000000"]) { service in
      var ways = BothWays(service)
      for batch in try await Self.batches(service) {
        let (channel, route) = try await ways.answers(batch.request)
        #expect(channel.status == batch.status, "\(batch.name): \(channel)")
        #expect(channel.body.components(separatedBy: #"{"decision":"#).count == batch.decisions + 1, "\(batch.name): \(channel)")
        #expect(BothWays.bare(channel) == BothWays.bare(route), "\(batch.name)")
      }
    }
  }

  private static func batches(_ service: RunningService) async throws -> [Batch] {
    let key = try service.serviceKey("gate")
    let token = try await service.proUser().token
    let full = try await service.newUser().token
    let upload = #""limits":[{"policy":"upload"}]"#
    try await eventually("a limit is used up") {
      try await service.gate(full, upload).text("decision") == "rate_limited"
    }
    let ended = try await service.newUser().token
    guard try await service.ask("DELETE", "/v1/session", bearer: ended).status == 204 else {
      throw RunningService.Failure(description: "the session did not end")
    }
    let one = question(token)
    let every = [
      one, question(token, #""limits":[{"policy":"api","cost":2},{"policy":"upload"}],"client_ip":"203.0.113.7","user_agent":"x/1""#),
      question(token, #""peek":true,"limits":[]"#), question(full, upload), question(token, #""require":{"plan":"coach"}"#),
      question(ended), question("gh_1forged"), question(key), question(token, #""limits":[{"policy":"upload","cost":1000}]"#),
    ]
    let faulty = question(token, #""peek":1"#), none = question(token, #""limits":[{"policy":"none"}]"#)
    let reserving = question(token, #""reserve":{"metric":"video_analysis","idempotency_key":"k"}"#)
    let json = "Content-Type: application/json\r\n", mine = "Authorization: Bearer \(key)\r\n"
    func padded(_ bytes: Int) -> String {
      let text = body([one, one])
      return text + String(repeating: " ", count: bytes - text.utf8.count)
    }
    func batch(_ name: String, _ fields: String, _ body: String, _ status: Int, _ decisions: Int = 0) -> Batch {
      Batch(name: name, request: post("/v1/gate/batch", fields, body), status: status, decisions: decisions)
    }
    let accounts = try service.serviceKey("accounts")
    return [
      batch("valid", mine + json, body([one, one, one]), 200, 3),
      batch("every decision", mine + json, body(every), 200, every.count),
      batch("one bad question", mine + json, body([one, faulty, one]), 200, 2),
      batch("bad questions alone", mine + json, body([faulty, none, reserving, "7", "{}"]), 200),
      batch("as many questions as the channel takes", mine + json, body(many(one, channelQuestionsMax)), 200, channelQuestionsMax),
      batch("one more", mine + json, body(many(one, channelQuestionsMax + 1)), 200, channelQuestionsMax + 1),
      batch("as many bytes as the channel takes", mine + json, padded(channelBytesMax), 200, 2),
      batch("one byte more", mine + json, padded(channelBytesMax + 1), 200, 2),
      batch("no question", mine + json, body([]), 422),
      batch("no list", mine + json, #"{"requests":{}}"#, 422),
      batch("an unknown member", mine + json, #"{"requests":[\#(one)],"x":1}"#, 422),
      batch("malformed JSON", mine + json, #"{"requests":[\#(one)"#, 400),
      batch("no object", mine + json, "[\(one)]", 422),
      batch("another content type", mine + "Content-Type: text/plain\r\n", body([one]), 415),
      batch("no content type", mine, body([one]), 415),
      batch("a coded body", mine + json + "Content-Encoding: gzip\r\n", body([one]), 415),
      batch("no key", json, body([one]), 401),
      batch("a key that is none", "Authorization: Bearer ghk_1forged\r\n" + json, body([one]), 401),
      batch("a key of another scope", "Authorization: Bearer \(accounts)\r\n" + json, body([one]), 403),
    ]
  }

  /// A question with reserve, with the status of its answer and a part of its body.
  private struct Step {
    let name: String
    let more: String
    let status: Int
    let says: String
    var isReplay = false
  }

  @Test("A reservation has the same answer both ways: granted, replayed, refused, and beyond the allowance")
  func reservations() async throws {
    try await RunningService.with { service in
      let key = try service.serviceKey("gate")
      // Each way reserves for a user of its own: one unit is all that plan free has.
      let tokens = [BothWays.Way.channel: try await service.newUser().token, .route: try await service.newUser().token]
      var ways = BothWays(service)
      for step in Self.steps {
        var answers: [BothWays.Way: RawHTTP.Answer] = [:]
        for way in BothWays.Way.allCases {
          let body = Self.question(try #require(tokens[way]), step.more)
          let fields = "Authorization: Bearer \(key)\r\nContent-Type: application/json\r\n"
          answers[way] = try await ways.ask(Self.post("/v1/gate", fields, body), by: way)
        }
        let (channel, route) = (try #require(answers[.channel]), try #require(answers[.route]))
        #expect(channel.status == step.status && channel.body.contains(step.says), "\(step.name): \(channel)")
        #expect((channel["Idempotency-Replayed"] == "true") == step.isReplay, "\(step.name): \(channel)")
        #expect(BothWays.nameless(channel) == BothWays.nameless(route), "\(step.name)")
      }
    }
  }

  private static let steps: [Step] = [
    Step(name: "peeked", more: reserve("k1") + #","peek":true"#, status: 200, says: #""reservation":null"#),
    Step(name: "refused by a requirement", more: reserve("k1") + #","require":{"plan":"coach"}"#, status: 200, says: #""plan_required""#),
    Step(
      name: "refused by a limit", more: reserve("k1") + #","limits":[{"policy":"api","cost":61}]"#, status: 200,
      says: #""cost_exceeds_limit""#),
    Step(name: "more than the plan has", more: reserve("k1", amount: 2), status: 200, says: #""allowance_exhausted""#),
    Step(name: "granted", more: reserve("k1"), status: 200, says: #""status":"held""#),
    Step(name: "replayed", more: reserve("k1"), status: 200, says: #""status":"held""#, isReplay: true),
    Step(name: "another amount under its key", more: reserve("k1", amount: 2), status: 422, says: #""idempotency_key_reused""#),
    Step(name: "beyond the allowance", more: reserve("k2"), status: 200, says: #""allowance_exhausted""#),
    Step(name: "a key that is none", more: reserve("two words"), status: 400, says: #""idempotency_key_invalid""#),
    Step(name: "an unknown metric", more: reserve("k3", metric: "none"), status: 422, says: #""unknown_metric""#),
    Step(name: "replayed after all that", more: reserve("k1"), status: 200, says: #""status":"held""#, isReplay: true),
  ]

  private static func reserve(_ key: String, amount: Int = 1, metric: String = "video_analysis") -> String {
    #""reserve":{"metric":"\#(metric)","amount":\#(amount),"idempotency_key":"\#(key)"}"#
  }

  private static func question(_ token: String, _ more: String = "") -> String {
    #"{"token":"\#(token)"\#(more.isEmpty ? "" : "," + more)}"#
  }

  private static func body(_ questions: [String]) -> String { #"{"requests":[\#(questions.joined(separator: ","))]}"# }

  private static func many(_ question: String, _ count: Int) -> [String] { Array(repeating: question, count: count) }

  private static func post(_ path: String, _ fields: String, _ body: String) -> String {
    "POST \(path) HTTP/1.1\r\nHost: a\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }
}
