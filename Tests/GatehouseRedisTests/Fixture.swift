import GatehouseCore
import GatehouseCrypto

@testable import GatehouseRedis

/// Users, sessions and calls that tests start from.
enum Fixture {
  static let day: Int64 = 86_400_000
  static let metric = "video_analysis"

  static let rules = {
    var settings = Settings()
    settings.metrics = [.init(name: metric, kind: .day)]
    settings.plans = [
      Settings.Plan(name: "free", sessionsMax: 10, allowances: [metric: 2]),
      Settings.Plan(name: "pro", sessionsMax: 10, allowances: [metric: nil]),
    ]
    settings.timeouts = Dictionary(uniqueKeysWithValues: SessionClass.allCases.map { ($0, timeouts($0)) })
    return LiveSettings(settings)
  }()
  static let table = rules.allowances

  static let api = Policy(name: "api", by: .user, windowSeconds: 60, cells: 60, limits: PlanLimits(3, byPlan: ["free": 3, "pro": 30]))
  static let upload = Policy(name: "upload", by: .user, windowSeconds: 3_600, cells: 60, limits: PlanLimits(5))

  static func timeouts(_ kind: SessionClass) -> SessionTimeouts {
    switch kind {
    case .web: SessionTimeouts(idleMilliseconds: day, absoluteMilliseconds: 7 * day)
    case .remember: SessionTimeouts(idleMilliseconds: 1_000_000, absoluteMilliseconds: 30 * day)
    case .mobile: SessionTimeouts(idleMilliseconds: 30 * day, absoluteMilliseconds: 90 * day)
    }
  }

  static func hash(_ text: String) -> Digest256 { .sha256(Array(text.utf8)) }

  static func user(_ change: (inout User) -> Void = { _ in }) -> User {
    var user = User(
      id: .random(), email: "mia@example.org", emailVerified: true, timeZone: "Europe/Berlin", plan: "free",
      createdAtMilliseconds: Frozen.start - 10 * day)
    change(&user)
    return user
  }

  static func session(
    _ user: UserID, _ token: String, kind: SessionClass = .web, seen: Int64 = Frozen.start, authenticated: Int64 = Frozen.start,
    end: Int64 = Frozen.start + 7 * day
  ) -> Session {
    Session(
      id: .random(), userID: user, sessionClass: kind, transport: .bearer, device: nil,
      userAgent: "Mobile Safari 26.1 on iPhone 17 Pro Max ", ip: "2001:db8:85a3:8d3:1319:8a2e:370:7344",
      createdAtMilliseconds: Frozen.start, authenticatedAtMilliseconds: authenticated, seenAtMilliseconds: seen,
      expiresAtMilliseconds: end, tokenHash: hash(token))
  }

  static func quota(used: Int64 = 0, held: Int64 = 0, lease: Int64? = nil, override: Int64?? = nil, bonus: Int64 = 0) -> HotSnapshot.Quota {
    HotSnapshot.Quota(
      metric: metric, period: Period(kind: .day, startMilliseconds: Frozen.start - day / 2, endMilliseconds: Frozen.start + day / 2),
      used: used, held: held, leaseEndsAtMilliseconds: lease, override: override, bonus: bonus)
  }

  static func snapshot(
    _ user: User, _ sessions: [Session] = [], quotas: [HotSnapshot.Quota] = [quota()], until: Int64 = Frozen.start + day / 2
  ) -> HotSnapshot {
    HotSnapshot(user: user, plan: user.plan, sessions: sessions, quotas: quotas, validUntilMilliseconds: until)
  }

  /// A call with the token `t` unless told otherwise.
  static func query(
    _ user: UserID, token: String? = "t", charges: [(Policy, Int64)] = [], _ needs: Requirements = Requirements(),
    hold: (id: String, amount: Int64)? = nil, lease: Int64 = 600_000, peek: Bool = false
  ) -> HotQuery {
    HotQuery(
      userID: user, tokenHash: token.map(hash), charges: charges.map { PolicyCharge(policy: $0.0, cost: $0.1) }, requirements: needs,
      hold: hold.map { HotQuery.Hold(holdID: $0.id, metric: metric, amount: $0.amount, leaseMilliseconds: lease) }, peek: peek)
  }
}
