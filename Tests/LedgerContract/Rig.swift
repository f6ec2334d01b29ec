import Foundation
@testable import GatehouseCore
import GatehouseCrypto
import GatehouseLedger
import Logging
import Testing

/// A store with what tests of it need over and over.
package struct Rig: Sendable {
  package enum Exception: String, Sendable { case limit, bonus }

  package static let now: Int64 = 1_795_608_000_000  // 2026-11-25T12:00:00Z
  package static let hour: Int64 = 3_600_000
  package static let day: Int64 = 24 * hour
  package static let lease: Int64 = 600_000
  package static let secret = LiveSecret(.ephemeral())
  package static let timeouts = SessionTimeouts(idleMilliseconds: 10 * hour, absoluteMilliseconds: 10 * day)
  package static let settings = {
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
  package static let rules = LiveSettings(settings)
  package static let table = rules.allowances

  package let ledger: any Ledger
  /// The same store as another process has it open.
  package let other: any Ledger
  private let database: LedgerDatabase
  private let everything: @Sendable () async throws -> [String]

  /// - Parameters:
  ///   - database: a new, empty store of the engine that is tried.
  ///   - other: the same store, opened once more.
  ///   - everything: all rows of all tables, each as `table: column=value column=value`, bytes as the text that they are in UTF-8.
  package init(
    _ database: LedgerDatabase, other: LedgerDatabase,
    everything: @escaping @Sendable () async throws -> [String]
  ) throws {
    func open(_ database: LedgerDatabase) throws -> SQLLedger {
      try SQLLedger(
        database: database, secret: Self.secret, rules: Self.rules,
        log: Logger(label: "ledger contract") { _ in SwiftLogNoOpLogHandler() })
    }
    ledger = try open(database)
    self.other = try open(other)
    self.database = database
    self.everything = everything
  }

  /// Another view of a ledger whose store nobody looks into.
  package init(_ ledger: any Ledger, _ database: LedgerDatabase) {
    self.ledger = ledger
    other = ledger
    self.database = database
    everything = { throw Unexpected("a look at all rows") }
  }

  /// The rows of all tables that hold one of `texts`, as table and row.
  package func rows(with texts: [String]) async throws -> [String] {
    try await everything().filter { row in texts.contains(where: row.contains) }
  }

  /// Writes a user's own limit, or units on top, for a span of time.
  package func except(_ user: UserID, _ metric: String, _ kind: Exception, _ units: Int64?, _ starts: Int64, _ ends: Int64) async throws {
    try await database.write { db in
      _ = try db.run(
        "INSERT INTO overrides (user_id, metric, kind, units, starts_at, ends_at) VALUES (?, ?, ?, ?, ?, ?)",
        [user.text, metric, kind.rawValue, units, starts, ends])
    }
  }

  /// A new account with the password hash `hash`.
  package func signUp(_ name: String = "mia", zone: String = "UTC", plan: String = "free", at now: Int64 = Rig.now) async throws -> User {
    let email = "\(name)@example.com"
    let user = User(id: .random(), email: email, name: name, timeZone: zone, plan: plan, createdAtMilliseconds: now)
    return try await ledger.createUser(user, canonicalEmail: email, passwordHash: "hash")
  }

  package func session(of user: User, token: String, at now: Int64 = Rig.now) -> Session {
    Session(
      id: .random(), userID: user.id, sessionClass: .web, transport: .bearer, device: "laptop", userAgent: nil, ip: "192.0.2.1",
      createdAtMilliseconds: now, authenticatedAtMilliseconds: now, seenAtMilliseconds: now,
      expiresAtMilliseconds: now + Self.timeouts.absoluteMilliseconds, tokenHash: .token(token))
  }

  /// A login that is let in.
  @discardableResult
  package func open(_ user: User, token: String, at now: Int64 = Rig.now, sessionsMax: Int = 10) async throws -> Session {
    let session = session(of: user, token: token, at: now)
    _ = try #require(try await ledger.openSession(session, verifiedHash: "hash", rehash: nil, sessionsMax: sessionsMax))
    return session
  }

  package func found(_ token: String, at now: Int64 = Rig.now) async throws -> FoundSession {
    try await ledger.session(tokenHash: .token(token), now: now)
  }

  package func isLive(_ token: String, at now: Int64 = Rig.now) async throws -> Bool {
    if case .live = try await found(token, at: now) { return true }
    return false
  }

  package func reserve(
    _ user: User, _ amount: Int64 = 1, metric: String = "video_analysis", lease: Int64 = Rig.lease, commit: Bool = false,
    isHeld: Bool = true,
    period: Period? = nil, analysis: NewAnalysis? = nil, call: IdempotentCall? = nil, at now: Int64 = Rig.now
  ) async throws -> Unacknowledged<Once<Reserved>> {
    let request = ReservationRequest(
      id: .random(), userID: user.id, metric: metric, amount: amount, leaseMilliseconds: lease, commit: commit, period: period,
      isHeld: isHeld, analysis: analysis)
    return try await ledger.reserve(request, call: call, now: now, encode: Self.answer)
  }

  /// A reservation that is granted for the first time.
  package func granted(
    _ user: User, _ amount: Int64 = 1, metric: String = "video_analysis", lease: Int64 = Rig.lease, commit: Bool = false,
    period: Period? = nil, analysis: NewAnalysis? = nil, at now: Int64 = Rig.now
  ) async throws -> Reserved {
    let change = try await reserve(
      user, amount, metric: metric, lease: lease, commit: commit, period: period, analysis: analysis, at: now)
    guard case .first(let reserved) = change.value else { throw Unexpected("a replay") }
    return reserved
  }

  /// Says which reservation it is, and how many units are held after it.
  package static let answer = ReservedAnswer { reservation, _ in
    { StoredAnswer(status: 201, body: Array("\(reservation.id) \($0.held)".utf8)) }
  }

  package func standing(_ user: User, _ metric: String = "video_analysis", at now: Int64 = Rig.now) async throws -> Allowance {
    let all = try #require(try await ledger.allowances(of: user.id, now: now))
    return try #require(all.first { $0.metric == metric })
  }

  /// Stores a mailed token for where such mails of the user go now; its hash.
  @discardableResult
  package func keep(_ kind: Mail.Purpose, _ user: User, token: String, expires: Int64 = Rig.hour, at now: Int64 = Rig.now) async throws
    -> Digest256
  {
    let user = try #require(try await ledger.user(user.id))
    let address = kind == .passwordReset ? user.email : user.addressToVerify ?? ""
    let stored = SingleUse(
      hash: .token(token), kind: kind, userID: user.id, canonicalEmail: address, expiresAtMilliseconds: now + expires)
    #expect(try await ledger.keep(stored, by: .operations, now: now) == !address.isEmpty)
    return stored.hash
  }

  /// Verifies where mails of the user go now.
  package func verify(_ user: User, token: String) async throws -> User? {
    try await ledger.verifyEmail(token: keep(.emailVerification, user, token: token), now: Rig.now)?.value
  }

  /// Has an address wait to be verified.
  package func askFor(_ email: String?, _ user: User) async throws {
    var changes = UserChanges()
    changes.pendingEmail = .set(email.flatMap { EmailAddress($0) })
    _ = try await ledger.changeUser(user.id, changes, by: .user(user.id), now: Rig.now)
  }

  /// The types of all events, the oldest first.
  package func told(of user: User? = nil) async throws -> [String] {
    try await ledger.feed(of: user?.id, after: 0, limit: 1_000).map(\.type)
  }

  /// The users whose hot state waits to be dropped.
  package func pending() async throws -> Set<String> { Set(try await ledger.leasePoll().pending.map(\.routingID)) }

  /// A drop that was counted, of no term that is registered.
  package static let count = HotCount(term: 0, process: "p", number: 1, count: 1, sequence: 0)

  /// Drops what is pending, as a process does when Redis has answered.
  package func settle() async throws {
    ledger.settled(try await ledger.leasePoll().pending, by: Self.count)
    while try await !pending().isEmpty { await Task.yield() }
  }
}

package struct Unexpected: Error {
  package let what: String
  package init(_ what: String) { self.what = what }
}

extension Digest256 {
  package static func token(_ name: String) -> Digest256 { .sha256(name.utf8) }
}

extension NewAnalysis {
  package static func video(_ name: String = "serve.mp4") -> NewAnalysis { NewAnalysis(id: .random(), filename: name, metadata: "{}") }
}

/// The code of the `ServiceError` that `body` throws; nil if it returns.
package func refusal(_ body: () async throws -> Void) async throws -> ServiceError.Code? {
  do { try await body() } catch let error as ServiceError { return error.code }
  return nil
}
