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
  private static let never = "Amount 9 is more render than plan free has in a month (3). Retrying will not help."
  private static let none = "Plan free has no video_analysis. Retrying will not help."

  @Test("An amount beyond the whole allowance is cost_exceeds_limit on every route, by Redis and by the ledger", arguments: [true, false])
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
        #expect(answer.text("decision") == "cost_exceeds_limit" && answer.text("problem.code") == "cost_exceeds_limit")
        #expect(answer.text("source") == (withRedis ? "redis" : "ledger"))
        #expect(answer.number("problem.status") == 422 && answer.text("problem.detail") == detail, "\(answer.text("problem.detail") ?? "")")
        #expect(answer.number("retry_after_seconds") == nil && answer.text("headers.Retry-After") == nil)
      }
      for peek in ["", #","peek":true"#] {
        told(try await gate("render", 9, peek), Self.never)
        told(try await gate("video_analysis", 1, peek), Self.none)
      }
      let shown = try await gate("render", 9)
      #expect(String(decoding: shown.body, as: UTF8.self).contains(#""metric":"render","limit":3,"used":0,"held":0,"remaining":3"#))
      // The refusal comes before one that a wait would end, and costs nothing.
      let full = #","limits":[{"policy":"upload","cost":10}]"#
      told(try await gate("render", 9, full), Self.never)
      #expect(try await gate("render", 1, full).text("decision") == "allow")
      told(try await gate("render", 9, full), Self.never)
      #expect(try await gate("render", 3).text("decision") == "allowance_exhausted")

      func refused(_ answer: RunningService.Answer, _ detail: String) {
        #expect(answer.status == 422 && answer.text("code") == "cost_exceeds_limit" && answer.text("detail") == detail, "\(answer)")
        #expect(answer.headers["retry-after"] == nil && answer.text("violated-policies") == nil)
      }
      func reserve(_ metric: String, _ amount: Int) async throws -> RunningService.Answer {
        try await service.ask(
          "POST", "/v1/reservations", bearer: key, headers: ["Idempotency-Key": "\(UUID())"],
          body: #"{"user_id":"\#(user.id)","metric":"\#(metric)","amount":\#(amount)}"#)
      }
      refused(try await reserve("render", 9), Self.never)
      refused(try await reserve("export", 2), "Plan free has no export. Retrying will not help.")
      #expect(try await reserve("render", 3).text("code") == "allowance_exhausted")
      let job = #"{"metric":"video_analysis"}"#
      let started = try await service.ask(
        "POST", "/v1/analyses", bearer: user.token, headers: ["Idempotency-Key": "a"], body: job)
      refused(started, Self.none)
      let vouched = try await service.ask(
        "POST", "/v1/analyses", bearer: key, headers: ["Idempotency-Key": "b"],
        body: #"{"metric":"video_analysis","user_id":"\#(user.id)"}"#)
      refused(vouched, Self.none)
      if !withRedis { try service.startRedis() }
    }
  }
}
