/// The two header fields that tell a client where it stands (draft-ietf-httpapi-ratelimit-headers-11, list form).
public struct RateLimitFields: Sendable, Equatable {
  /// `"api";q=60;w=60`, one item a policy and allowance; empty if nothing applied.
  public let policy: String
  /// `"api";r=59;t=61`, the same items.
  public let limit: String

  /// The fields for an answer at `nowMilliseconds`; shadow policies and unlimited allowances are left out.
  public init(standings: [PolicyStanding], allowances: [Allowance], nowMilliseconds: Int64) {
    var policy: [UInt8] = []
    var limit: [UInt8] = []
    // One item fits.
    policy.reserveCapacity(Self.itemBytes)
    limit.reserveCapacity(Self.itemBytes)
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
    self.policy = String(decoding: policy, as: UTF8.self)
    self.limit = String(decoding: limit, as: UTF8.self)
  }

  private static let itemBytes = 64

  private static func add(
    _ name: String, _ first: StaticString, _ amount: Int64, _ second: StaticString, _ seconds: Int64, to list: inout [UInt8]
  ) {
    func put(_ text: StaticString) {
      list.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
    put(list.isEmpty ? "\"" : ", \"")
    list.append(contentsOf: name.utf8)
    put("\"")
    put(first)
    list.append(contentsOf: String(amount).utf8)
    put(second)
    list.append(contentsOf: String(seconds).utf8)
  }
}
