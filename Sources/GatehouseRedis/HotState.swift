import GatehouseCore
import GatehouseCrypto
import NIOCore
import RedisClient
import Synchronization

/// The hot state in Redis: four scripts and one DEL. Every call uses the connection of the event loop it runs on, or of the next one.
public final class HotState: HotStore {
  private struct EpochCache {
    var era: Int64 = 0
    var epochs: [String: String] = [:]
  }

  private let redis: RedisClient
  private let group: any EventLoopGroup
  private let plans: @Sendable () -> AllowanceTable
  private let timeouts: @Sendable (Session.Class) -> SessionTimeouts
  private let clock: ServiceClock
  private let epochCache = Mutex(EpochCache())

  /// - Parameters:
  ///   - redis: a client that was built with `Scripts.all`.
  ///   - clock: hears every time that Redis says, and judges whether what was decided by it may be used.
  public init(
    redis: RedisClient, group: any EventLoopGroup, plans: @escaping @Sendable () -> AllowanceTable,
    timeouts: @escaping @Sendable (Session.Class) -> SessionTimeouts, clock: ServiceClock
  ) {
    self.redis = redis
    self.group = group
    self.plans = plans
    self.timeouts = timeouts
    self.clock = clock
  }

  public var isUsable: Bool { redis.isUp && clock.believesRedis }

  public func setEra(_ era: Int64) {
    epochCache.withLock { cache in
      if cache.era != era { cache = EpochCache(era: era) }
    }
  }

  public func gate(_ query: HotQuery, reply: @escaping @Sendable (Result<HotReply, HotFailure>) -> Void) {
    onLoop { connection in
      guard let epoch = self.epoch(connection) else { return reply(.failure(HotFailure(reason: "not_connected"))) }
      self.sendGate(query, epoch: epoch, on: connection, reply: reply)
    }
  }

  public func install(_ snapshot: HotSnapshot, ticket: String, then query: HotQuery) async -> Result<HotReply, HotFailure> {
    await withCheckedContinuation { continuation in
      onLoop { connection in
        guard let epoch = self.epoch(connection) else {
          return continuation.resume(returning: .failure(HotFailure(reason: "not_connected")))
        }
        let words = UserHash.installArguments(snapshot, epoch: epoch, ticket: ticket)
        connection.evaluate(Scripts.install, keys: [KeySpace.user(snapshot.user.id)], arguments: words) { _ in }
        self.sendGate(query, epoch: epoch, on: connection) { continuation.resume(returning: $0) }
      }
    }
  }

  public func settle(_ userID: UserID, holdID: String, thenDrop: Bool) {
    onLoop { connection in
      connection.evaluate(Scripts.settle, keys: [KeySpace.user(userID), KeySpace.windows(userID)], arguments: [holdID]) { _ in }
      if thenDrop { connection.send(["DEL", KeySpace.user(userID)]) { _ in } }
    }
  }

  public func keep(_ userID: UserID, holdID: String) {
    onLoop { connection in
      connection.send(["HDEL", KeySpace.user(userID), "h:" + holdID]) { result in
        if case .success(.integer(1)) = result { return }
        connection.send(["DEL", KeySpace.user(userID)]) { _ in }
      }
    }
  }

  public func time() async -> Int64? {
    await withCheckedContinuation { continuation in
      onLoop { connection in
        connection.send(["TIME"]) { result in
          guard case .success(.array(let parts)) = result, parts.count == 2, let seconds = parts[0].integerValue,
            let microseconds = parts[1].integerValue, let now = Self.milliseconds(seconds, microseconds)
          else { return continuation.resume(returning: nil) }
          continuation.resume(returning: now)
        }
      }
    }
  }

  public func mayForget() async -> Bool? {
    await withCheckedContinuation { continuation in
      onLoop { connection in
        connection.send(["INFO", "memory"]) { result in
          let lines = (try? result.get())?.text?.split(whereSeparator: \.isNewline)
          let policy = lines?.first { $0.hasPrefix("maxmemory_policy:") }
          continuation.resume(returning: policy.map { !$0.hasSuffix(":noeviction") })
        }
      }
    }
  }

  public func drop(_ routingIDs: [String]) async -> Bool {
    await withCheckedContinuation { continuation in
      onLoop { connection in
        let tally = DropTally(expected: routingIDs.count) { continuation.resume(returning: $0) }
        for routingID in routingIDs {
          connection.send(["DEL", KeySpace.user(routingID: routingID)]) { result in
            if case .success(.integer) = result { tally.answered(true) } else { tally.answered(false) }
          }
        }
      }
    }
  }

  public func forget(_ user: UserID) {
    onLoop { connection in connection.send(["DEL", KeySpace.windows(user)]) { _ in } }
  }

  public func check(_ subject: Subject, _ charges: [HotQuery.Charge], peek: Bool) async -> Result<[SubjectVerdict], HotFailure> {
    await withCheckedContinuation { continuation in
      onLoop { connection in
        let words = SubjectCheck.arguments(charges, peek: peek, at: self.clock.believable)
        connection.evaluate(Scripts.limitCheck, keys: [KeySpace.windows(subject)], arguments: words) { result in
          continuation.resume(returning: self.believed(result) { SubjectCheck.verdicts($0, charges, peek: peek) })
        }
      }
    }
  }

  private func sendGate(
    _ query: HotQuery, epoch: String, on connection: RedisConnection, reply: @escaping @Sendable (Result<HotReply, HotFailure>) -> Void
  ) {
    let table = plans()
    let words = GateCommand.arguments(query, epoch: epoch, table: table, timeouts: timeouts, at: clock.believable)
    connection.evaluate(
      Scripts.gate, keys: [KeySpace.user(query.userID), KeySpace.windows(query.userID)], arguments: words
    ) { [timeouts] result in
      reply(self.believed(result) { GateCommand.reply($0, query, table: table, timeouts: timeouts) })
    }
  }

  /// What a script answered, unless the time that it went by is not believed. A script says it first, or behind a word.
  private func believed<Value>(
    _ result: Result<RedisReply, RedisError>, _ read: (Result<RedisReply, RedisError>) -> Result<Value, HotFailure>
  ) -> Result<Value, HotFailure> {
    if case .success(.array(let parts)) = result, parts.count >= 2, let now = parts[0].integerValue ?? parts[1].integerValue {
      guard clock.heard(redisMilliseconds: now), parts[0].text != "CLOCK" else { return .failure(HotFailure(reason: "clock")) }
    }
    return read(result)
  }

  private static func milliseconds(_ seconds: Int64, _ microseconds: Int64) -> Int64? {
    let (whole, isTooLarge) = seconds.multipliedReportingOverflow(by: 1000)
    guard !isTooLarge else { return nil }
    let (sum, overflows) = whole.addingReportingOverflow(microseconds / 1000)
    return overflows ? nil : sum
  }

  /// The epoch of a connection: which Redis timeline it speaks to, and which era of the ledger is in force.
  private func epoch(_ connection: RedisConnection) -> String? {
    guard let replicationID = connection.replicationID else { return nil }
    return epochCache.withLock { cache in
      if let known = cache.epochs[replicationID] { return known }
      let epoch = String(Digest256.sha256(Array("\(replicationID) \(cache.era)".utf8)).hex.prefix(16))
      if cache.epochs.count >= 16 { cache.epochs.removeAll() }
      cache.epochs[replicationID] = epoch
      return epoch
    }
  }

  private func onLoop(_ body: @escaping @Sendable (RedisConnection) -> Void) {
    let loop = MultiThreadedLoop.current(in: group)
    let connection = redis.connection(on: loop)
    if loop.inEventLoop { body(connection) } else { loop.execute { body(connection) } }
  }
}
