import Foundation
import Testing

@testable import GatehouseCore
@testable import GatehouseCrypto
@testable import GatehouseLedger

/// The stores that keep the contract of `Ledger`.
enum Engine: String, CaseIterable, CustomTestStringConvertible, Sendable {
  case sqlite

  var testDescription: String { rawValue }

  /// Runs `body` over a new, empty store of this engine.
  func run(_ body: (Rig) async throws -> Void) async throws {
    switch self {
    case .sqlite:
      try await withPath { path in
        let ledger = try SQLiteLedger(
          file: LedgerFile(path: path, onFatal: { Issue.record("the ledger stopped: \($0)") }, log: quiet), secret: Rig.secret,
          rules: Rig.rules, log: quiet)
        let rig = Rig(ledger: ledger) { user, metric, kind, units, starts, ends in
          try await ledger.database.write { db in
            try db.run(
              "INSERT INTO overrides (user_id, metric, kind, units, starts_at, ends_at) VALUES (?, ?, ?, ?, ?, ?)",
              [user.text, metric, kind.rawValue, units, starts, ends])
          }
        }
        try await body(rig)
        await ledger.close()
      }
    }
  }
}

/// A server secret with a new line in front of an older one.
let twoLines = ServerSecret(newest: .random(), older: [oldLine])
let oldLine = ServerSecret.Root.random()

/// A store with what tests of it need over and over.
struct Rig: Sendable {
  enum Exception: String, Sendable { case limit, bonus }

  static let now: Int64 = 1_795_608_000_000  // 2026-11-25T12:00:00Z
  static let hour: Int64 = 3_600_000
  static let day: Int64 = 24 * hour
  static let lease: Int64 = 600_000
  static let secret = LiveSecret(ServerSecret(newest: oldLine, older: []))
  static let timeouts = SessionTimeouts(idleMilliseconds: 10 * hour, absoluteMilliseconds: 10 * day)
  static let settings = {
    var settings = Settings()
    settings.metrics = [.init(name: "video_analysis", kind: .day), .init(name: "report", kind: .month)]
    settings.plans = [
      Settings.Plan(name: "free", sessionsMax: 10, allowances: ["video_analysis": 1, "report": 5]),
      Settings.Plan(name: "pro", sessionsMax: 10, allowances: ["video_analysis": nil, "report": nil]),
    ]
    settings.timeouts = Dictionary(uniqueKeysWithValues: SessionClass.allCases.map { ($0, timeouts) })
    settings.retention.usageEventDays = 30
    settings.retention.auditDays = 60
    return settings
  }()
  static let rules = LiveSettings(settings)
  static let table = rules.allowances

  let ledger: any Ledger
  /// Writes a user's own limit, or units on top, for a span of time.
  let except: @Sendable (UserID, String, Exception, Int64?, _ starts: Int64, _ ends: Int64) async throws -> Void

  /// A new account with the password hash `hash`.
  func signUp(_ name: String = "mia", zone: String = "UTC", plan: String = "free", at now: Int64 = Rig.now) async throws -> User {
    let email = "\(name)@example.com"
    let user = User(id: .random(), email: email, name: name, timeZone: zone, plan: plan, createdAtMilliseconds: now)
    return try await ledger.createUser(user, canonicalEmail: email, passwordHash: "hash")
  }

  func session(of user: User, token: String, at now: Int64 = Rig.now) -> Session {
    Session(
      id: .random(), userID: user.id, sessionClass: .web, transport: .bearer, device: "laptop", userAgent: nil, ip: "192.0.2.1",
      createdAtMilliseconds: now, authenticatedAtMilliseconds: now, seenAtMilliseconds: now,
      expiresAtMilliseconds: now + Self.timeouts.absoluteMilliseconds, tokenHash: .token(token))
  }

  /// A login that is let in.
  @discardableResult
  func open(_ user: User, token: String, at now: Int64 = Rig.now, sessionsMax: Int = 10) async throws -> Session {
    let session = session(of: user, token: token, at: now)
    _ = try #require(try await ledger.openSession(session, verifiedHash: "hash", rehash: nil, sessionsMax: sessionsMax))
    return session
  }

  func found(_ token: String, at now: Int64 = Rig.now) async throws -> FoundSession {
    try await ledger.session(tokenHash: .token(token), now: now)
  }

  func isLive(_ token: String, at now: Int64 = Rig.now) async throws -> Bool {
    if case .live = try await found(token, at: now) { return true }
    return false
  }

  func reserve(
    _ user: User, _ amount: Int64 = 1, metric: String = "video_analysis", lease: Int64 = Rig.lease, commit: Bool = false,
    isHeld: Bool = true,
    period: Period? = nil, analysis: NewAnalysis? = nil, call: IdempotentCall? = nil, at now: Int64 = Rig.now
  ) async throws -> Unacknowledged<Once<Reserved>> {
    let request = ReservationRequest(
      id: .random(), userID: user.id, metric: metric, amount: amount, leaseMilliseconds: lease, commit: commit, period: period,
      isHeld: isHeld, analysis: analysis)
    return try await ledger.reserve(request, call: call, now: now) { Self.answer($0) }
  }

  /// A reservation that is granted for the first time.
  func granted(
    _ user: User, _ amount: Int64 = 1, metric: String = "video_analysis", lease: Int64 = Rig.lease, commit: Bool = false,
    period: Period? = nil, analysis: NewAnalysis? = nil, at now: Int64 = Rig.now
  ) async throws -> Reserved {
    let change = try await reserve(
      user, amount, metric: metric, lease: lease, commit: commit, period: period, analysis: analysis, at: now)
    guard case .first(let reserved) = change.value else { throw Unexpected("a replay") }
    return reserved
  }

  static func answer(_ reserved: Reserved) -> StoredAnswer { StoredAnswer(status: 201, body: Array(reserved.reservation.id.text.utf8)) }

  func standing(_ user: User, _ metric: String = "video_analysis", at now: Int64 = Rig.now) async throws -> Allowance {
    let all = try #require(try await ledger.allowances(of: user.id, now: now))
    return try #require(all.first { $0.metric == metric })
  }

  /// Stores a mailed token for where such mails of the user go now; its hash.
  @discardableResult
  func keep(_ kind: Mail.Purpose, _ user: User, token: String, expires: Int64 = Rig.hour, at now: Int64 = Rig.now) async throws -> Digest256
  {
    let user = try #require(try await ledger.user(user.id))
    let address = kind == .passwordReset ? user.email : user.addressToVerify ?? ""
    let stored = SingleUse(
      hash: .token(token), kind: kind, userID: user.id, canonicalEmail: address, expiresAtMilliseconds: now + expires)
    #expect(try await ledger.keep(stored, by: .operations, now: now) == !address.isEmpty)
    return stored.hash
  }

  /// Verifies where mails of the user go now.
  func verify(_ user: User, token: String) async throws -> User? {
    try await ledger.verifyEmail(token: keep(.emailVerification, user, token: token), now: Rig.now)?.value
  }

  /// Has an address wait to be verified.
  func askFor(_ email: String?, _ user: User) async throws {
    var changes = UserChanges()
    changes.pendingEmail = .set(email.flatMap { EmailAddress($0) })
    _ = try await ledger.changeUser(user.id, changes, by: .user(user.id), now: Rig.now)
  }

  /// The types of all events, the oldest first.
  func told(of user: User? = nil) async throws -> [String] {
    try await ledger.feed(of: user?.id, after: 0, limit: 1_000).map(\.type)
  }

  /// The users whose hot state waits to be dropped.
  func pending() async throws -> Set<String> { Set(try await ledger.leasePoll().pending.map(\.routingID)) }

  /// A drop that was counted, of no term that is registered.
  static let count = HotCount(term: 0, process: "p", number: 1, count: 1, sequence: 0)

  /// Drops what is pending, as a process does when Redis has answered.
  func settle() async throws {
    ledger.settled(try await ledger.leasePoll().pending, by: Self.count)
    while try await !pending().isEmpty { await Task.yield() }
  }
}

struct Unexpected: Error {
  let what: String
  init(_ what: String) { self.what = what }
}

extension Digest256 {
  static func token(_ name: String) -> Digest256 { .sha256(name.utf8) }
}

extension NewAnalysis {
  static func video(_ name: String = "serve.mp4") -> NewAnalysis { NewAnalysis(id: .random(), filename: name, metadata: "{}") }
}

/// The code of the `ServiceError` that `body` throws; nil if it returns.
func refusal(_ body: () async throws -> Void) async throws -> ServiceError.Code? {
  do { try await body() } catch let error as ServiceError { return error.code }
  return nil
}
