import GatehouseCore
import RedisClient

/// The subject check's arguments and replies; the layout is written in `limit_check.lua`.
enum SubjectCheck {
  static func arguments(_ charge: SubjectCharge, peek: Bool) -> [String] {
    let policy = charge.policy
    return [
      peek ? "1" : "0", policy.fieldName, String(policy.windowSeconds * 1000), String(policy.cells),
      policy.shadow ? "" : String(policy.limits.limit(plan: nil)), String(charge.cost),
    ]
  }

  static func verdict(
    _ result: Result<RedisReply, RedisError>, _ charge: SubjectCharge, peek: Bool
  ) -> Result<SubjectVerdict, HotFailure> {
    let policy = charge.policy
    let limit = policy.limits.limit(plan: nil)
    switch result {
    case .failure(let error): return .failure(HotFailure(reason: error.reason))
    case .success(.array(let parts)):
      guard parts.count == 4, let now = parts[1].integerValue, let verdict = parts[2].integerValue, let packed = parts[3].byteValues
      else { return .failure(HotFailure(reason: "unreadable_reply")) }
      let window = PackedWindow(bytes: packed)
      let exceeded =
        policy.shadow ? !window.admits(peek ? charge.cost : 0, nowMilliseconds: now, policy: policy, limit: limit) : verdict != 1
      return .success(
        SubjectVerdict(
          standing: window.standing(nowMilliseconds: now, policy: policy, limit: limit, exceeded: exceeded), allowed: verdict == 1,
          retryAfterSeconds: verdict == 0
            ? window.retryAfterSeconds(charge.cost, nowMilliseconds: now, policy: policy, limit: limit) : nil))
    case .success: return .failure(HotFailure(reason: "unreadable_reply"))
    }
  }
}
