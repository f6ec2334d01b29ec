import GatehouseCore
import RedisClient

/// The subject check's arguments and replies; the layout is written in `limit_check.lua` and `limit_give_back.lua`.
enum SubjectCheck {
  static func arguments(_ charges: [PolicyCharge], peek: Bool, at span: ClosedRange<Int64>) -> [String] {
    var words = [peek ? "1" : "0"]
    for charge in charges {
      let policy = charge.policy
      words += [
        policy.fieldName, String(policy.windowSeconds * 1000), String(policy.cells),
        policy.shadow ? "" : String(policy.limits.limit(plan: nil)), String(charge.cost), String(charge.besides),
      ]
    }
    return words + [String(span.lowerBound), String(span.upperBound)]
  }

  static func check(
    _ result: Result<RedisReply, RedisError>, _ charges: [PolicyCharge], peek: Bool
  ) -> Result<HotCheck, HotFailure> {
    switch result {
    case .failure(let error): return .failure(HotFailure(reason: error.reason))
    case .success(let reply):
      guard let check = read(reply, charges, peek: peek) else { return .failure(HotFailure(reason: "unreadable_reply")) }
      return .success(check)
    }
  }

  static func giveBackArguments(_ taken: [TakenCell], at span: ClosedRange<Int64>) -> [String] {
    taken.flatMap { [$0.policy.fieldName, String($0.cell), String($0.units)] } + [String(span.lowerBound), String(span.upperBound)]
  }

  static func windows(_ result: Result<RedisReply, RedisError>, count: Int) -> Result<HotWindows, HotFailure> {
    switch result {
    case .failure(let error): return .failure(HotFailure(reason: error.reason))
    case .success(let reply):
      guard let parts = reply.elements, parts.count == 1 + count, let now = parts[0].integerValue else {
        return .failure(HotFailure(reason: "unreadable_reply"))
      }
      let windows = parts.dropFirst().compactMap { $0.byteValues.map(PackedWindow.init(bytes:)) }
      guard windows.count == count else { return .failure(HotFailure(reason: "unreadable_reply")) }
      return .success(HotWindows(windows: windows, nowMilliseconds: now))
    }
  }

  private static func read(_ reply: RedisReply, _ charges: [PolicyCharge], peek: Bool) -> HotCheck? {
    guard let parts = reply.elements, parts.count == 1 + 2 * charges.count, let now = parts[0].integerValue else { return nil }
    let words = stride(from: 1, to: parts.count, by: 2).compactMap { parts[$0].integerValue }
    guard words.count == charges.count else { return nil }
    let isTaken = !peek && words.allSatisfy { $0 == PackedWindow.Verdict.passes.rawValue }
    var verdicts: [SubjectVerdict] = []
    var windows: [PackedWindow] = []
    for (index, charge) in charges.enumerated() {
      guard let packed = parts[2 + 2 * index].byteValues, let word = PackedWindow.Verdict(rawValue: words[index]) else { return nil }
      let (policy, limit) = (charge.policy, charge.policy.limits.limit(plan: nil))
      let window = PackedWindow(bytes: packed)
      windows.append(window)
      let exceeded =
        policy.shadow
        ? !window.admits(isTaken ? 0 : charge.cost, nowMilliseconds: now, policy: policy, limit: limit) : word != .passes
      verdicts.append(
        SubjectVerdict(
          standing: window.standing(nowMilliseconds: now, policy: policy, limit: limit, exceeded: exceeded), allowed: word == .passes,
          retryAfterSeconds: word == .full
            ? window.retryAfterSeconds(charge.cost, nowMilliseconds: now, policy: policy, limit: limit) : nil))
    }
    return HotCheck(verdicts: verdicts, windows: windows, nowMilliseconds: now)
  }
}
