import GatehouseCore
import HTTPTypes
import StrictJSON

extension Problem {
  /// The problem that stands for a refusal of the domain: the one place where the two vocabularies meet.
  init(_ error: ServiceError) {
    let code = error.code == .outcomeUnknown ? .unavailable : ProblemCode(rawValue: error.code.rawValue) ?? .unavailable
    var extras: JSONObject = [:]
    if !error.violated.isEmpty { extras.append("violated-policies", .array(error.violated.map { .string($0) })) }
    if let allowance = error.allowance { extras.append(allowance) }
    if !error.fields.isEmpty {
      extras.append(
        "errors",
        .array(
          error.fields.map {
            ["field": .string($0.field), "pointer": .string("/" + $0.field), "code": .string($0.code), "message": .string($0.message)]
          }))
    }
    var headers: HTTPFields = [:]
    if let seconds = error.retryAfterSeconds { headers[.retryAfter] = String(seconds) }
    if code == .rateLimited, !error.standings.isEmpty {
      let fields = RateLimitFields(standings: error.standings, allowances: [], nowMilliseconds: 0)
      if let name = HTTPField.Name("RateLimit-Policy") { headers[name] = fields.policy }
      if let name = HTTPField.Name("RateLimit") { headers[name] = fields.limit }
    }
    self.init(
      code, error.detail, title: code == .allowanceExhausted ? error.allowance?.exhaustedTitle : nil, extras: extras, headers: headers)
  }
}
