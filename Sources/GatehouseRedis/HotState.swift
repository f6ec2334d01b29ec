import GatehouseCore
import GatehouseCrypto
import NIOCore
import RedisClient
import Synchronization

/// The hot state in Redis: six scripts, and one that tries them. Every call uses the connection of the event loop it runs on, or of another that can be used, and
/// only if that is on the timeline of the term.
public final class HotState: HotStore {
  private struct Epoch {
    let term: HotTerm
    let era: Int64
    let digits: String
  }

  private let redis: RedisClient
  private let group: any EventLoopGroup
  private let rules: any LiveRules
  private let clock: ServiceClock
  private let epoch = Mutex<(era: Int64, newest: Epoch?)>((0, nil))
  private let words = Mutex<GateWords?>(nil)
  private let process = Array(SecureRandom.identifier(length: GateTicket.characters / 2).utf8)
  private let calls = Atomic<UInt32>(0)

  /// - Parameters:
  ///   - redis: a client that was built with `Scripts.all`.
  ///   - clock: hears every time that Redis says, and judges whether what was decided by it may be used.
  public init(redis: RedisClient, group: any EventLoopGroup, rules: any LiveRules, clock: ServiceClock) {
    self.redis = redis
    self.group = group
    self.rules = rules
    self.clock = clock
  }

  /// Whether a connection can be used and Redis's clock is believed.
  public var isUsable: Bool { redis.isUsable && clock.believesRedis }

  /// Whether Redis has refused a command or a connection lately; no round trip.
  public var refuses: Bool { redis.refusals.isRefused() }

  /// The address in the form that a person writes it: a path, or host and port.
  public var address: String { redis.address.text }

  /// The timelines of the connections that can be used, in the order of the event loops; no round trip.
  public func timelines() async -> [String] { await redis.replicationIDs() }

  /// Has the connections that are on another timeline closed and made anew, without waiting; commands that wait on them get no answer.
  public func leaveStrays(of term: HotTerm) { redis.reconnect(unlessOn: term.replicationID) }

  /// Makes the era part of every epoch from this call on, so that all hashes of another era are cold.
  public func setEra(_ era: Int64) { epoch.withLock { $0.era = era } }

  /// Asks the gate script about one call, in one round trip; `reply` comes once, on an event loop. A command without an answer may have
  /// been carried out.
  public func gate(_ query: HotQuery, under term: HotTerm, reply: @escaping @Sendable (Result<HotReply, HotFailure>) -> Void) {
    onLoop { connection in
      if let failure = Self.failure(connection, term) { return reply(.failure(failure)) }
      self.sendGate(query, epoch: self.epoch(term), on: connection, reply: reply)
    }
  }

  /// Runs `ask` on the next event loop of the group: the commands that it sends leave in one flush. While its connection is full it waits
  /// for a millisecond at a time; once a command's deadline is over it runs all the same.
  public func together(_ ask: @escaping @Sendable (_ room: Int) -> Void) {
    let loop = group.next()
    loop.execute { self.ask(ask, on: loop, triesLeft: Lease.commandDeadlineMilliseconds) }
  }

  private func ask(_ ask: @escaping @Sendable (Int) -> Void, on loop: any EventLoop, triesLeft: Int64) {
    let connection = redis.usableConnection(near: loop)
    // Of a connection of another loop the room is not known here.
    let room = connection.eventLoop.inEventLoop ? connection.room : 1
    guard room == 0, connection.wasUsable, triesLeft > 0 else { return ask(max(1, room)) }
    loop.scheduleTask(in: .milliseconds(1)) { self.ask(ask, on: loop, triesLeft: triesLeft - 1) }
  }

  /// Writes the user's hash, unless a change has made the ticket void, and asks the gate script, in one round trip.
  public func install(
    _ snapshot: HotSnapshot, ticket: String, under term: HotTerm, then query: HotQuery
  ) async -> Result<HotReply, HotFailure> {
    await withCheckedContinuation { continuation in
      onLoop { connection in
        if let failure = Self.failure(connection, term) { return continuation.resume(returning: .failure(failure)) }
        let epoch = self.epoch(term)
        let words = UserHash.installArguments(snapshot, epoch: epoch, ticket: ticket)
        connection.evaluate(Scripts.install, keys: [KeySpace.user(snapshot.user.id)], arguments: words) { _ in }
        self.sendGate(query, epoch: epoch, on: connection) { continuation.resume(returning: $0) }
      }
    }
  }

  /// Gives back what a hold has taken, once, and deletes the user's hash if told to; sent without waiting, and lost if Redis can't be
  /// reached.
  public func giveBack(_ userID: UserID, holdID: String, thenDrop: Bool) {
    onLoop { connection in
      connection.evaluate(Scripts.giveBack, keys: [KeySpace.user(userID), KeySpace.windows(userID)], arguments: [holdID]) { _ in }
      if thenDrop { connection.send(["DEL", KeySpace.user(userID)]) { _ in } }
    }
  }

  /// Removes the mark of a hold whose units the ledger has; without the mark, or an answer, the user's hash is deleted. Sent without
  /// waiting.
  public func keep(_ userID: UserID, holdID: String) {
    onLoop { connection in
      connection.send(["HDEL", KeySpace.user(userID), "h:" + holdID]) { result in
        if case .success(.integer(1)) = result { return }
        connection.send(["DEL", KeySpace.user(userID)]) { _ in }
      }
    }
  }

  /// Redis's own clock in milliseconds since 1970, in one round trip; nil without an answer.
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

  /// Whether `maxmemory_policy` is another than `noeviction`, by one `INFO`; nil without an answer.
  public func mayForget() async -> Bool? {
    await withCheckedContinuation { continuation in
      onLoop { connection in
        connection.send(["INFO", "memory"]) { result in
          let policy = (try? result.get())?.information("maxmemory_policy")
          continuation.resume(returning: policy.map { $0 != "noeviction" })
        }
      }
    }
  }

  /// Deletes users' hashes and counts that in one script, over the first connection that is on the mark's timeline. It may have happened
  /// even if the result is `noAnswer`.
  public func drop(_ routingIDs: [String], _ mark: HotMark) async -> HotDrop {
    // Any connection that is on the timeline will do: the others' loops may be between two.
    for connection in redis.all(first: MultiThreadedLoop.current(in: group)) {
      let answer: HotDrop? = await withCheckedContinuation { continuation in
        connection.eventLoop.execute {
          guard connection.replicationID == mark.term.replicationID else { return continuation.resume(returning: nil) }
          connection.evaluate(Scripts.drop, keys: DropCommand.keys(routingIDs), arguments: DropCommand.arguments(mark)) { result in
            continuation.resume(returning: DropCommand.reply(result, mark))
          }
        }
      }
      if let answer { return answer }
    }
    return .noAnswer
  }

  /// Deletes the rate windows of a user, without waiting for the answer.
  public func forget(routingID: String) {
    onLoop { connection in connection.send(["DEL", KeySpace.windows(routingID: routingID)]) { _ in } }
  }

  /// Charges one subject under several policies, or looks only if `peek`, in one script and round trip. A failure says nothing of whether
  /// it counted.
  public func check(
    _ subject: Subject, _ charges: [PolicyCharge], peek: Bool, under term: HotTerm
  ) async -> Result<HotCheck, HotFailure> {
    await withCheckedContinuation { continuation in
      onLoop { connection in
        if let failure = Self.failure(connection, term) { return continuation.resume(returning: .failure(failure)) }
        let words = SubjectCheck.arguments(charges, peek: peek, at: self.clock.believable)
        connection.evaluate(Scripts.limitCheck, keys: [KeySpace.windows(subject)], arguments: words) { result in
          continuation.resume(returning: self.believed(result) { SubjectCheck.check($0, charges, peek: peek) })
        }
      }
    }
  }

  /// Gives back units that a check of the subject has taken, in one script and round trip, sent once. A failure says nothing of whether
  /// they went back.
  public func giveBack(_ subject: Subject, _ taken: [TakenCell], under term: HotTerm) async -> Result<HotWindows, HotFailure> {
    await withCheckedContinuation { continuation in
      onLoop { connection in
        if let failure = Self.failure(connection, term) { return continuation.resume(returning: .failure(failure)) }
        let words = SubjectCheck.giveBackArguments(taken, at: self.clock.believable)
        connection.evaluate(Scripts.limitGiveBack, keys: [KeySpace.windows(subject)], arguments: words) { result in
          continuation.resume(returning: self.believed(result) { SubjectCheck.windows($0, count: taken.count) })
        }
      }
    }
  }

  private func sendGate(
    _ query: HotQuery, epoch: String, on connection: RedisConnection, reply: @escaping @Sendable (Result<HotReply, HotFailure>) -> Void
  ) {
    let words = gateWords(epoch: epoch)
    let ticket = GateTicket(process: process, number: calls.wrappingAdd(1, ordering: .relaxed).newValue)
    let command = GateCommand(query, words, ticket: ticket, now: clock.now())
    connection.evaluate(Scripts.gate, keys: 2, words: command.wordCount, write: command.write) { result in
      reply(self.believed(result) { GateReply.read($0, query, table: words.table) })
    }
  }

  /// The gate's arguments that do not change from call to call, encoded anew after a reload and in each new epoch.
  private func gateWords(epoch: String) -> GateWords {
    let edition = rules.edition
    return words.withLock { words in
      if let words, words.edition == edition, words.epoch == epoch { return words }
      let made = GateWords(edition: edition, epoch: epoch, table: rules.allowances, timeouts: rules.timeouts)
      words = made
      return made
    }
  }

  /// The answer of a script, unless the time that it went by is not believed.
  private func believed<Value>(
    _ result: Result<RedisReply, RedisError>, _ read: (Result<RedisReply, RedisError>) -> Result<Value, HotFailure>
  ) -> Result<Value, HotFailure> {
    if case .success(let reply) = result, let (now, isAll) = GateReply.time(reply) {
      guard clock.heard(redisMilliseconds: now), !isAll else { return .failure(HotFailure(reason: "clock")) }
    }
    return read(result)
  }

  private static func milliseconds(_ seconds: Int64, _ microseconds: Int64) -> Int64? {
    let (whole, isTooLarge) = seconds.multipliedReportingOverflow(by: 1000)
    guard !isTooLarge else { return nil }
    let (sum, overflows) = whole.addingReportingOverflow(microseconds / 1000)
    return overflows ? nil : sum
  }

  /// Why a connection can't be asked under a term; nil if it can.
  private static func failure(_ connection: RedisConnection, _ term: HotTerm) -> HotFailure? {
    guard let replicationID = connection.replicationID else { return HotFailure(reason: "not_connected") }
    return replicationID == term.replicationID ? nil : HotFailure(reason: "other_timeline")
  }

  /// The epoch: which timeline, for which term of it, and which era of the ledger. A hash with another one is cold.
  private func epoch(_ term: HotTerm) -> String {
    epoch.withLock { epoch in
      if let newest = epoch.newest, newest.era == epoch.era, newest.term == term { return newest.digits }
      let words = "\(term.replicationID) \(epoch.era) \(term.lineage) \(term.number)"
      let digits = String(Digest256.sha256(Array(words.utf8)).hex.prefix(16))
      epoch.newest = Epoch(term: term, era: epoch.era, digits: digits)
      return digits
    }
  }

  private func onLoop(_ body: @escaping @Sendable (RedisConnection) -> Void) {
    let loop = MultiThreadedLoop.current(in: group)
    let connection = redis.usableConnection(near: loop)
    if connection.eventLoop.inEventLoop { body(connection) } else { connection.eventLoop.execute { body(connection) } }
  }
}
