import Foundation
@testable import GatehouseCore
import GatehouseCrypto
import GatehouseLedger
import LedgerSQLite
import GatehouseRedis
import Logging
import NIOCore
import NIOPosix
import RedisClient
import Synchronization
import TestSupport

/// One process of the service without its HTTP face: its own connections to Redis, its own writer on the shared file.
final class Stack: Sendable {
  let ledger: SQLLedger
  let redis: RedisClient
  let hot: HookedHot
  let lease = Lease()
  let keys = KeyRing()
  let clock: ServiceClock
  let changes: Changes
  let gate: Gatekeeper
  let keeper: LeaseKeeper
  let limits = SubjectLimits(window: LocalWindow(processes: 1))

  init(file: String, redis: RedisClient, group: MultiThreadedEventLoopGroup, wallMilliseconds: Int64) throws {
    var log = Logger(label: "test")
    log.logLevel = .critical
    let clock = ServiceClock(wallMilliseconds: wallMilliseconds)
    let ledger = try SQLLedger(
      database: .sqlite(path: file, onFatal: { _ in }, log: log), secret: LiveSecret(.ephemeral()), rules: World.rules,
      isQuiet: { clock.isQuiet }, log: log
    )
    let hot = HookedHot(HotState(redis: redis, group: group, rules: World.rules, clock: clock))
    let changes = Changes(ledger: ledger, hot: hot, lease: lease)
    self.ledger = ledger
    self.redis = redis
    self.hot = hot
    self.clock = clock
    self.changes = changes
    let fallback = LedgerGate(ledger: ledger, clock: clock, limits: limits, rules: World.rules)
    gate = Gatekeeper(
      ledger: ledger, hot: hot, lease: lease, clock: clock, changes: changes, fallback: fallback, rules: World.rules, log: log)
    keeper = LeaseKeeper(
      ledger: ledger, hot: hot, lease: lease, changes: changes,
      follower: ServiceKeys(ledger: ledger, ring: keys, changes: changes, clock: clock), clock: clock, log: log)
  }

  /// Holds the lease for the rest of the test, as if polls went on and found nothing: for claims about Redis's answers, which a poll
  /// that a loaded machine delays must not spoil.
  func holdLease() async throws {
    try await keeper.poll()
    let end = ContinuousClock.now + .seconds(3_600)
    lease.with { ($0.end, $0.knownUntil) = (end, end) }
  }

  /// Asks the gate with a session's token.
  func ask(_ visitor: Visitor, charges: [PolicyCharge] = [], subjects: [SubjectCharge] = []) async throws -> GateAnswer {
    try await gate.decide(
      GateRequest(
        subject: .token(routingID: visitor.user.id.routingID, hash: visitor.token.hash), subjectCharges: subjects, charges: charges))
  }

  /// Reserves units of the metric for a user.
  func reserve(
    _ user: User, amount: Int64 = 1, leaseMilliseconds: Int64 = 600_000, commit: Bool = false, call: IdempotentCall? = nil
  ) async throws -> GateAnswer {
    let hold = call.map { "same-" + $0.key } ?? SecureRandom.identifier(length: 20)
    let reserve = GateRequest.Reserve(
      metric: World.metric, amount: amount, leaseMilliseconds: leaseMilliseconds, commit: commit, analysis: nil, holdID: hold, call: call,
      encode: ReservedAnswer { _, _ in { _ in StoredAnswer(status: 201, body: []) } })
    return try await gate.decide(GateRequest(subject: .user(user.id), reserve: reserve))
  }
}

/// A user with one session.
struct Visitor: Sendable {
  let user: User
  let session: Session
  let token: SessionToken
}

/// Several processes over one Redis and one file.
struct World: Sendable {
  static let metric = "scan"
  static let timeouts = SessionTimeouts(idleMilliseconds: 3_600_000, absoluteMilliseconds: 86_400_000)
  /// Plans `l1` to `l5` give as many units a day, `open` any number.
  static let settings = {
    var settings = Settings()
    settings.metrics = [.init(name: metric, kind: .day)]
    settings.plans = (1...5).map { Settings.Plan(name: "l\($0)", sessionsMax: 10, allowances: [metric: Int64($0)]) }
    settings.plans.append(Settings.Plan(name: "open", sessionsMax: 10, allowances: [metric: nil]))
    settings.timeouts = Dictionary(uniqueKeysWithValues: SessionClass.allCases.map { ($0, timeouts) })
    return settings
  }()
  static let rules = LiveSettings(settings)

  let stacks: [Stack]
  /// The ledger's path.
  let file: String
  let secret: ServerSecret
  let group: MultiThreadedEventLoopGroup
  /// A connection that may do everything, as redis-cli may.
  let admin: RedisClient

  /// Runs `body` with processes that share `server` and a new file.
  /// - Parameters:
  ///   - path: where the processes look for Redis, if not at the server's own socket.
  ///   - polls: whether each polls by itself, as a real process does.
  ///   - deadline: how long a reply is waited for; a loaded machine misses the real 50 ms.
  ///   - timelineMilliseconds: how often each connection asks whose timeline it is on; nil: never, for tests that count commands.
  ///   - stallSeconds: after how long without any reply a connection is made anew; the real one is given up after a second.
  static func with(
    _ server: RedisServer, path: String? = nil, processes: Int = 2, polls: Bool = false, deadline: Int64 = 20_000, stallSeconds: Int64 = 60,
    timelineMilliseconds: Int64? = 100,
    wallMilliseconds: Int64 = Int64(Date().timeIntervalSince1970 * 1000), _ body: (World) async throws -> Void
  ) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "gh-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    var quiet = Logger(label: "test")
    quiet.logLevel = .critical
    var configuration = RedisConfiguration(address: .unix(path: path ?? server.socketPath), username: "gatehouse", password: "nopass")
    configuration.timelineInterval = timelineMilliseconds.map { .milliseconds($0) }
    configuration.commandDeadline = .milliseconds(deadline)
    configuration.handshakeDeadline = .seconds(20)
    configuration.stallLimit = .seconds(stallSeconds)
    let clients = (0..<processes).map { _ in RedisClient(configuration: configuration, scripts: Scripts.all, group: group, logger: quiet) }
    configuration.username = nil
    configuration.password = nil
    configuration.address = .unix(path: server.socketPath)
    let admin = RedisClient(configuration: configuration, group: group, logger: quiet)
    let stacks = try clients.map {
      try Stack(file: folder.path() + "/ledger", redis: $0, group: group, wallMilliseconds: wallMilliseconds)
    }
    let result: Result<Void, any Error> = await withThrowingTaskGroup(of: Void.self) { tasks in
      for client in clients + [admin] { tasks.addTask { try await client.run() } }
      for stack in stacks where polls {
        tasks.addTask {
          while !Task.isCancelled {
            _ = try? await stack.keeper.poll()
            try? await Task.sleep(for: Lease.pollInterval)
          }
        }
      }
      defer { tasks.cancelAll() }
      do {
        try await eventually("every client is up", within: .seconds(60)) { (clients + [admin]).allSatisfy(\.isUp) }
        return .success(
          try await body(World(stacks: stacks, file: folder.path() + "/ledger", secret: .ephemeral(), group: group, admin: admin)))
      } catch { return .failure(error) }
    }
    for stack in stacks { await stack.ledger.close() }
    try await group.shutdownGracefully()
    try result.get()
  }

  /// A new account.
  func user(plan: String = "l1") async throws -> User {
    let id = UserID.random()
    let email = "\(id.body)@example.com"
    let user = User(id: id, email: email, timeZone: "UTC", plan: plan, createdAtMilliseconds: stacks[0].clock.now())
    return try await stacks[0].ledger.createUser(user, canonicalEmail: email, passwordHash: "hash")
  }

  /// A new session of a new user, or of `user`.
  func visitor(_ known: User? = nil, at stack: Int = 0) async throws -> Visitor {
    let user: User
    if let known { user = known } else { user = try await self.user() }
    let now = stacks[stack].clock.now()
    let token = SessionToken.mint(routingID: user.id.routingID, secret: secret)
    let session = Session(
      id: .random(), userID: user.id, sessionClass: .web, transport: .bearer, device: nil, userAgent: nil, ip: nil,
      createdAtMilliseconds: now, authenticatedAtMilliseconds: now, seenAtMilliseconds: now,
      expiresAtMilliseconds: now + Self.timeouts.absoluteMilliseconds, tokenHash: token.hash)
    let opened = try await stacks[stack].ledger.openSession(session, verifiedHash: "hash", rehash: nil, sessionsMax: 10)
    guard let opened else { throw NotInTime(description: "the session was not opened") }
    _ = await stacks[stack].changes.acknowledge(opened, takesRightsAway: false)
    return Visitor(user: user, session: session, token: token)
  }

  /// Ends a session; returns once that is acknowledged.
  func revoke(_ visitor: Visitor, at stack: Int = 0) async throws {
    let change = try await stacks[stack].ledger.endSession(
      visitor.session.id, of: visitor.user.id, by: .system, now: stacks[stack].clock.now())
    _ = await stacks[stack].changes.acknowledge(change, takesRightsAway: true)
  }

  /// Runs a command that ops may give.
  @discardableResult
  func redis(_ words: String...) async throws -> RedisReply { try await admin.any().send(words) }

  /// Units that the user's warm hash shows as taken; nil while it is not warm.
  func hotUnits(_ user: User) async throws -> Int64? {
    let reply = try await redis("HGET", KeySpace.user(user.id), "q:" + Self.metric)
    guard let parts = reply.text?.split(separator: "|", omittingEmptySubsequences: false), parts.count == 7 else { return nil }
    guard let used = Int64(parts[2]), let held = Int64(parts[3]) else { return nil }
    return used + held
  }

  /// Units that the ledger counts.
  func ledgerUnits(_ user: User) async throws -> Int64 {
    let standing = try await stacks[0].ledger.allowances(of: user.id, now: stacks[0].clock.now())?.first
    return standing.map { $0.used + $0.held } ?? 0
  }
}
