import Foundation
import StrictJSON
import TestSupport
import Testing

/// More units than a plan ever has: no waiting helps, and nobody is told to wait.
@Suite(.serialized) struct AmountTests {
  private static let environment = [
    "GATEHOUSE_METRICS_NAMES": "render,export,video_analysis", "GATEHOUSE_METRICS_RENDER_PERIOD": "month",
    "GATEHOUSE_METRICS_EXPORT_PERIOD": "day", "GATEHOUSE_PLANS_FREE_ALLOWANCES_RENDER": "3",
    "GATEHOUSE_PLANS_FREE_ALLOWANCES_VIDEO_ANALYSIS": "0",
  ]

  @Test("An amount beyond the whole allowance names no time to retry on any route, by Redis and by the ledger", arguments: [true, false])
  func everywhere(withRedis: Bool) async throws {
    try await RunningService.with(environment: Self.environment) { service in
      let (user, key) = (try await service.newUser(), try service.serviceKey("gate,work"))
      if !withRedis { try service.killRedis() }
      func gate(_ metric: String, _ amount: Int, _ more: String = "") async throws -> RunningService.Answer {
        let reserve = #"{"metric":"\#(metric)","amount":\#(amount),"idempotency_key":"\#(UUID())"}"#
        return try await service.ask(
          "POST", "/v1/gate", bearer: key, body: #"{"token":"\#(user.token)","reserve":\#(reserve)\#(more)}"#)
      }
      func told(_ answer: RunningService.Answer, _ detail: String) {
        #expect(answer.text("decision") == "allowance_exhausted" && answer.text("problem.code") == "allowance_exhausted")
        #expect(answer.text("source") == (withRedis ? "redis" : "ledger"))
        #expect(answer.number("problem.status") == 429 && answer.text("problem.detail") == detail, "\(answer.text("problem.detail") ?? "")")
        #expect(answer.number("retry_after_seconds") == nil && answer.text("headers.Retry-After") == nil)
      }
      let never = "Plan free has 3 render a month, and 9 are asked for. Waiting will not help."
      for peek in ["", #","peek":true"#] {
        told(try await gate("render", 9, peek), never)
        told(
          try await gate("video_analysis", 1, peek),
          "Plan free has 0 video_analysis a day, and 1 is asked for. Waiting will not help.")
      }
      let shown = try await gate("render", 9)
      #expect(String(decoding: shown.body, as: UTF8.self).contains(#""metric":"render","limit":3,"used":0,"held":0,"remaining":3"#))
      #expect(try await gate("render", 3).text("decision") == "allow")
      told(try await gate("render", 9), never)
      let later = try await gate("render", 3)
      #expect(later.text("decision") == "allowance_exhausted" && later.number("retry_after_seconds") != nil)

      func refused(_ answer: RunningService.Answer, _ detail: String) {
        let said = answer.text("detail") ?? ""
        #expect(answer.status == 429 && answer.text("code") == "allowance_exhausted" && said.hasPrefix(detail), "\(answer)")
        #expect(said.hasSuffix("Waiting will not help.") && answer.headers["retry-after"] == nil, "\(answer)")
      }
      func reserve(_ metric: String, _ amount: Int) async throws -> RunningService.Answer {
        try await service.ask(
          "POST", "/v1/reservations", bearer: key, headers: ["Idempotency-Key": "\(UUID())"],
          body: #"{"user_id":"\#(user.id)","metric":"\#(metric)","amount":\#(amount)}"#)
      }
      refused(try await reserve("render", 9), "Plan free has 3 render a ")
      refused(try await reserve("export", 2), "Plan free has 0 export a ")
      let exhausted = try await reserve("render", 3)
      #expect(exhausted.text("code") == "allowance_exhausted" && exhausted.headers["retry-after"] != nil)
      let started = try await service.ask(
        "POST", "/v1/analyses", bearer: user.token, headers: ["Idempotency-Key": "a"], body: #"{"metric":"video_analysis"}"#)
      refused(started, "Plan free has 0 video_analysis a ")
      let vouched = try await service.ask(
        "POST", "/v1/analyses", bearer: key, headers: ["Idempotency-Key": "b"],
        body: #"{"metric":"video_analysis","user_id":"\#(user.id)"}"#)
      refused(vouched, "Plan free has 0 video_analysis a ")
      if !withRedis { try service.startRedis() }
    }
  }
}
