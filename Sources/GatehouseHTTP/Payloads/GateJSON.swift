import GatehouseCore
import HTTPTypes
import StrictJSON

extension GateAnswer {
  /// The whole answer of `POST /v1/gate`, with the header fields and the problem to forward.
  func json(timeouts: (SessionClass) -> SessionTimeouts, requestID: String) -> [UInt8] {
    // Room for an answer about one policy, in a block of memory of the sizes that cost least.
    var writer = JSONWriter(capacity: 960)
    writer.object { writer in
      writer.string("decision", decision.rawValue)
      writer.bool("allowed", decision == .allow)
      writer.string("source", source.rawValue)
      writer.int("retry_after_seconds", retryAfterSeconds)
      writeCaller(&writer)
      writeSession(&writer, timeouts)
      writer.array("limits") { writer in for standing in standings { writer.standing(standing) } }
      writer.array("allowances") { writer in if let allowance { writer.allowance(allowance) } }
      switch reserved {
      case .first(let reserved):
        writer.name("reservation")
        writer.heldReservation(reserved.reservation)
      case .replay(let stored): writer.raw("reservation", Optional(stored.body))
      case nil: writer.null("reservation")
      }
      writer.object("headers") { writer in
        eachHeaderField { name, value in
          writer.string(name, value)
        }
      }
      if let problem {
        writer.name("problem")
        problem.write(into: &writer, requestID: requestID)
      } else {
        writer.null("problem")
      }
    }
    return writer.bytes
  }

  private func writeCaller(_ writer: inout JSONWriter) {
    guard let caller, decision != .unauthenticated else { return writer.null("user") }
    writer.object("user") { writer in
      writer.string("id", caller.id.text)
      writer.string("external_id", caller.externalID)
      writer.string("plan", caller.plan)
      writer.string("status", caller.status.rawValue)
      writer.bool("email_verified", caller.emailVerified)
    }
  }

  private func writeSession(_ writer: inout JSONWriter, _ timeouts: (SessionClass) -> SessionTimeouts) {
    guard let sessionFacts, decision != .suspended else { return writer.null("session") }
    let idle = timeouts(sessionFacts.sessionClass).idleMilliseconds
    writer.object("session") { writer in
      writer.string("id", sessionFacts.id.text)
      writer.string("class", sessionFacts.sessionClass.rawValue)
      writer.instant("authenticated_at", sessionFacts.authenticatedAtMilliseconds)
      writer.instant("idle_expires_at", min(sessionFacts.seenAtMilliseconds + idle, sessionFacts.expiresAtMilliseconds))
      writer.instant("expires_at", sessionFacts.expiresAtMilliseconds)
    }
  }

  /// The fields that tell the client where it stands, in the order of the answer.
  var headerFields: [(String, String)] {
    var fields: [(String, String)] = []
    eachHeaderField { fields.append(("\($0)", $1)) }
    return fields
  }

  private func eachHeaderField(_ take: (StaticString, String) -> Void) {
    let limits = RateLimitFields(standings: standings, allowances: allowance.map { [$0] } ?? [], nowMilliseconds: nowMilliseconds)
    if !limits.policy.isEmpty {
      take("RateLimit-Policy", limits.policy)
      take("RateLimit", limits.limit)
    }
    if let retryAfterSeconds { take("Retry-After", String(retryAfterSeconds)) }
    if decision == .unauthenticated { take("WWW-Authenticate", #"Bearer realm="gatehouse", error="invalid_token""#) }
  }

  /// The refusal as a problem, nil for `allow`.
  var problem: Problem? {
    guard decision != .allow, let code = ProblemCode(rawValue: decision.rawValue) else { return nil }
    var extras: JSONObject = [:]
    switch decision {
    case .rateLimited:
      extras.append("violated-policies", .array(standings.filter { $0.exceeded && !$0.shadow }.map { .string($0.policy) }))
    case .allowanceExhausted:
      guard let allowance else { break }
      extras.append("violated-policies", [.string(allowance.metric)])
      extras.append(allowance)
    case .reauthenticationRequired:
      extras.append("max_age_seconds", .optional(requirements.authenticatedWithinMilliseconds.map { $0 / 1000 }))
    case .planRequired: extras.append("plans", .array((requirements.plans ?? []).map { .string($0) }))
    default: break
    }
    let title = decision == .allowanceExhausted ? allowance?.exhaustedTitle : nil
    var problem = Problem(code, detail ?? code.title, title: title, extras: extras)
    for (name, value) in headerFields { if let name = HTTPField.Name(name) { problem.headers[name] = value } }
    return problem
  }
}

extension JSONObject {
  /// The members that an exhausted allowance adds to its problem.
  mutating func append(_ allowance: Allowance) {
    append("metric", .string(allowance.metric))
    append("limit", .optional(allowance.limit.map { $0 + allowance.bonus }))
    append("used", .int64(allowance.used))
    append("held", .int64(allowance.held))
    append("resets_at", .string(Instants.text(allowance.resetsAtMilliseconds)))
  }
}

extension JSONWriter {
  mutating func standing(_ standing: PolicyStanding) {
    object { writer in
      writer.string("policy", standing.policy)
      writer.int64("limit", standing.limit)
      writer.int64("window_seconds", standing.windowSeconds)
      writer.int64("remaining", standing.remaining)
      writer.int("reset_seconds", standing.resetSeconds)
      writer.bool("exceeded", standing.exceeded)
      writer.bool("shadow", standing.shadow)
    }
  }
}
