/// The two header fields that tell a client where it stands (draft-ietf-httpapi-ratelimit-headers-11, list form).
public struct RateLimitFields: Sendable, Equatable {
  /// `"api";q=60;w=60`, one item a policy and allowance; empty if nothing applied.
  public let policy: String
  /// `"api";r=59;t=61`, the same items.
  public let limit: String

  /// The fields for an answer at `nowMilliseconds`; shadow policies and unlimited allowances are left out.
  public init(standings: [PolicyStanding], allowances: [Allowance], nowMilliseconds: Int64) {
    var policies: [String] = []
    var limits: [String] = []
    for standing in standings where !standing.shadow {
      policies.append("\"\(standing.policy)\";q=\(standing.limit);w=\(standing.windowSeconds)")
      limits.append("\"\(standing.policy)\";r=\(standing.remaining);t=\(standing.resetSeconds)")
    }
    for allowance in allowances {
      guard let quota = allowance.limit, let remaining = allowance.remaining else { continue }
      let seconds = (allowance.resetsAtMilliseconds - allowance.periodStartsAtMilliseconds) / 1000
      policies.append("\"\(allowance.metric)\";q=\(quota + allowance.bonus);w=\(seconds)")
      limits.append("\"\(allowance.metric)\";r=\(remaining);t=\(allowance.secondsToReset(nowMilliseconds))")
    }
    policy = policies.joined(separator: ", ")
    limit = limits.joined(separator: ", ")
  }
}
