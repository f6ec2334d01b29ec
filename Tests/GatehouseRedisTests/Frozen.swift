import GatehouseCore
import GatehouseCrypto
import Logging
import NIOCore
import NIOPosix
import RedisClient
import TestSupport
import Testing

@testable import GatehouseRedis

/// The product's scripts on a real Redis, through the service's own account, with their clock held still: Redis's can't be moved.
///
/// The script that runs is the embedded text with one expression replaced, the reading of the time.
struct Frozen {
  static let clockRead = "redis.call('TIME')"
  static let epoch = "0123456789abcdef"
  /// A whole hour, so that cells begin here.
  static let start: Int64 = 1_795_600_800_000

  let server: RedisServer
  /// As the service's account.
  let connection: RedisConnection
  /// As the user who may do everything.
  let root: RedisConnection
  var table = Fixture.table
  /// The times that the check of a subject may decide at: any, for tests of something else.
  var span: ClosedRange<Int64> = 0...Instants.millisecondsMax
  /// The time of those who ask the gate; nil is that of the script.
  var asked: Int64?

  /// Runs `body` with a connection to the suite's server.
  static func with(_ body: (Frozen) async throws -> Void) async throws {
    let server = try RedisServer.required()
    try await withRedis(server) { client in
      try await withRedis(server, username: nil) { root in
        try await body(Frozen(server: server, connection: client.any(), root: root.any()))
      }
    }
  }

  static func evaluated(_ script: RedisScript, at now: Int64) -> String {
    script.source.replacing(clockRead, with: "{\(now / 1000), \(now % 1000 * 1000)}")
  }

  /// The raw reply of a script.
  func run(_ script: RedisScript, _ keys: [String], _ arguments: [String], at now: Int64 = start) async throws -> RedisReply {
    try await connection.send(["EVAL", Self.evaluated(script, at: now), String(keys.count)] + keys + arguments)
  }

  func gate(_ query: HotQuery, at now: Int64 = start, epoch: String = epoch) async throws -> HotReply {
    let words = GateWords(edition: 0, epoch: epoch, table: table, timeouts: Fixture.timeouts)
    let ticket = GateTicket(process: Array(SecureRandom.identifier(length: GateTicket.characters / 2).utf8), number: 1)
    let command = GateCommand(query, words, ticket: ticket, now: asked ?? now)
    let script = RedisScript(name: "gate at \(now)", source: Self.evaluated(Scripts.gate, at: now))
    let reply = await withCheckedContinuation { continuation in
      connection.eventLoop.execute {
        connection.evaluate(script, keys: 2, words: command.wordCount, write: command.write) { continuation.resume(returning: $0) }
      }
    }
    return try GateReply.read(reply, query, table: table).get()
  }

  /// The decision of a warm user.
  func decide(
    _ query: HotQuery, at now: Int64 = start, epoch: String = epoch, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> HotDecision {
    let reply = try await gate(query, at: now, epoch: epoch)
    guard case .decided(let decision) = reply else {
      Issue.record("no decision but \(reply)", sourceLocation: sourceLocation)
      throw HotFailure(reason: "undecided")
    }
    return decision
  }

  /// The ticket of a cold user; a failed test if the user is warm.
  func ticket(
    _ query: HotQuery, at now: Int64 = start, epoch: String = epoch, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> String {
    let reply = try await gate(query, at: now, epoch: epoch)
    guard case .cold(let ticket, _) = reply else {
      Issue.record("not cold but \(reply)", sourceLocation: sourceLocation)
      throw HotFailure(reason: "warm")
    }
    return ticket
  }

  func install(_ snapshot: HotSnapshot, ticket: String, epoch: String = epoch) async throws -> Int64? {
    let words = UserHash.installArguments(snapshot, epoch: epoch, ticket: ticket)
    return try await run(Scripts.install, [KeySpace.user(snapshot.user.id)], words).integerValue
  }

  /// Makes a user warm in the way of the service: by a ticket.
  func warm(_ snapshot: HotSnapshot, at now: Int64 = start) async throws {
    let ticket = try await ticket(Fixture.query(snapshot.user.id), at: now)
    #expect(try await install(snapshot, ticket: ticket) == 1)
  }

  func giveBack(_ user: UserID, _ holdID: String) async throws -> Int64? {
    try await run(Scripts.giveBack, [KeySpace.user(user), KeySpace.windows(user)], [holdID]).integerValue
  }

  func check(_ charge: SubjectCharge, peek: Bool = false, at now: Int64 = start) async throws -> SubjectVerdict {
    try await check(charge.subject, [PolicyCharge(policy: charge.policy, cost: charge.cost)], peek: peek, at: now)[0]
  }

  func check(_ subject: Subject, _ charges: [PolicyCharge], peek: Bool = false, at now: Int64 = start) async throws -> [SubjectVerdict] {
    let words = SubjectCheck.arguments(charges, peek: peek, at: span)
    let reply = try await run(Scripts.limitCheck, [KeySpace.windows(subject)], words, at: now)
    return try SubjectCheck.check(.success(reply), charges, peek: peek).get().verdicts
  }

  /// A digest of everything that Redis holds of a user, times to live included.
  func state(_ user: UserID) async throws -> String {
    try await admin(
      "EVAL",
      """
      local all = ''
      for _, key in ipairs(KEYS) do all = all .. (redis.call('DUMP', key) or '-') .. redis.call('PEXPIRETIME', key) end
      return redis.sha1hex(all)
      """, "2", KeySpace.user(user), KeySpace.windows(user))
  }

  /// Redis's answer to a command of its owner, as text.
  @discardableResult func admin(_ words: String...) async throws -> String { try await admin(words) }

  @discardableResult func admin(_ words: [String]) async throws -> String {
    let reply = try await root.send(words)
    return reply.text ?? reply.integerValue.map(String.init) ?? ""
  }

  func field(_ key: String, _ name: String) async throws -> String? {
    try await connection.send(["HGET", key, name]).text
  }

  /// The name of the field that holds a user's account.
  func account(_ user: UserID) -> String { UserHash.accountHead(epoch: Self.epoch) + user.routingID }

  func timeToLive(_ key: String) async throws -> Int64 {
    try await connection.send(["PTTL", key]).integerValue ?? -3
  }
}

/// A client with the service's account and scripts, and deadlines far above what a loaded machine takes.
func withRedis(_ server: RedisServer, username: String? = "gatehouse", _ body: (RedisClient) async throws -> Void) async throws {
  try await withRedis(server, username: username) { client, _ in try await body(client) }
}

func withRedis(
  _ server: RedisServer, username: String? = "gatehouse", _ body: (RedisClient, any EventLoopGroup) async throws -> Void
) async throws {
  var configuration = RedisConfiguration(address: .unix(path: server.socketPath), username: username)
  configuration.commandDeadline = .seconds(30)
  configuration.handshakeDeadline = .seconds(30)
  configuration.stallLimit = .seconds(60)
  configuration.replyBytesMax = 64 << 20
  var quiet = Logger(label: "test")
  quiet.logLevel = .critical
  let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  let client = RedisClient(configuration: configuration, scripts: Scripts.all, group: group, logger: quiet)
  let result: Result<Void, any Error> = await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await client.run() }
    defer { tasks.cancelAll() }
    do {
      try await eventually("the client is up") { client.isUp }
      return .success(try await body(client, group))
    } catch {
      return .failure(error)
    }
  }
  try await group.shutdownGracefully()
  try result.get()
}

extension String {
  /// Every occurrence replaced; a text that does not occur is a test of nothing, and stops it.
  func replacingText(_ text: String, _ other: String) -> String {
    precondition(contains(text), "the script no longer holds \(text)")
    return replacing(text, with: other)
  }
}
