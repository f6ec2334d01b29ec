/// The two header fields that tell a client where it stands (draft-ietf-httpapi-ratelimit-headers-11, list form).
public struct RateLimitFields: Sendable, Equatable {
  /// `"api";q=60;w=60`, one item a policy and allowance; empty if nothing applied.
  public let policy: String
  /// `"api";r=59;t=61`, the same items.
  public let limit: String

  /// The fields for an answer at `nowMilliseconds`; shadow policies and unlimited allowances are left out.
  public init(standings: [PolicyStanding], allowances: [Allowance], nowMilliseconds: Int64) {
    var policy = ""
    var limit = ""
    for standing in standings where !standing.shadow {
      Self.add(standing.policy, ";q=", standing.limit, ";w=", standing.windowSeconds, to: &policy)
      Self.add(standing.policy, ";r=", standing.remaining, ";t=", Int64(standing.resetSeconds), to: &limit)
    }
    for allowance in allowances {
      guard let quota = allowance.limit, let remaining = allowance.remaining else { continue }
      let seconds = (allowance.resetsAtMilliseconds - allowance.periodStartsAtMilliseconds) / 1000
      Self.add(allowance.metric, ";q=", quota + allowance.bonus, ";w=", seconds, to: &policy)
      Self.add(allowance.metric, ";r=", remaining, ";t=", Int64(allowance.secondsToReset(nowMilliseconds)), to: &limit)
    }
    self.policy = policy
    self.limit = limit
  }

  private static func add(
    _ name: String, _ first: String, _ amount: Int64, _ second: String, _ seconds: Int64, to list: inout String
  ) {
    list += list.isEmpty ? "\"" : ", \""
    list += name
    list += "\""
    list += first
    list += String(amount)
    list += second
    list += String(seconds)
  }
}
