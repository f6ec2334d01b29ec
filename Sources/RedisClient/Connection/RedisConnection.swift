import Logging
import NIOCore
import NIOPosix
import Synchronization

/// One event loop's connection. Commands of one turn of the loop are written with one flush; replies come in order, each to its own
/// caller, exactly once. It connects again by itself for as long as its client runs.
///
/// Health needs no probe: once a command is overdue nothing more is sent until the late answers have come, and a connection that
/// stays silent is closed and made anew.
public final class RedisConnection: @unchecked Sendable {
  // Invariant of @unchecked: every variable is touched on `eventLoop` only; `preconditionInEventLoop` guards the entries.

  /// Called exactly once for a command, on the connection's event loop: don't block in it.
  public typealias Callback = @Sendable (Result<RedisReply, RedisError>) -> Void

  /// The one who waits for a reply.
  private struct Caller {
    /// The command or the script, to be told where Redis refuses it; nil where the connection itself tells.
    let command: String?
    let reply: Callback
  }

  /// The loop that commands are sent on and replies come on.
  public let eventLoop: any EventLoop
  private let configuration: RedisConfiguration
  private let scripts: [RedisScript]
  private let statistics: RedisStatistics
  private let outages: OutageLog
  private let refusals: RedisRefusals

  private var state: ConnectionState
  private var pending: PendingReplies<Caller>
  private var channel: (any Channel)?
  private var loaded: [String: (source: String, head: CommandFormatter.ScriptHead)] = [:]
  private var outgoing = ByteBuffer()
  private var flushIsScheduled = false
  private var timer: (due: NIODeadline, task: Scheduled<Void>)?
  private var timelineTimer: Scheduled<Void>?
  private let countedUsable = Atomic<Bool>(false)
  private var onFinish: (@Sendable () -> Void)?

  init(
    eventLoop: any EventLoop, configuration: RedisConfiguration, scripts: [RedisScript], statistics: RedisStatistics, outages: OutageLog,
    refusals: RedisRefusals
  ) {
    self.eventLoop = eventLoop
    self.configuration = configuration
    self.scripts = scripts
    self.statistics = statistics
    self.outages = outages
    self.refusals = refusals
    state = ConnectionState(backoffMin: configuration.backoffMin, backoffMax: configuration.backoffMax)
    pending = PendingReplies(
      countMax: configuration.pendingCommandsMax, stallLimit: configuration.stallLimit, deadline: configuration.commandDeadline)
  }

  /// `master_replid` as Redis said it when this connection was made: which timeline it speaks to. nil while there is no connection.
  /// On the loop only.
  public var replicationID: String? {
    eventLoop.preconditionInEventLoop()
    return state.replicationID
  }

  /// Whether a command sent now would be written, unless the queue is full. On the loop only.
  public var isUsable: Bool {
    eventLoop.preconditionInEventLoop()
    return state.replicationID != nil && !pending.isOverdue
  }

  /// How many commands could be sent now so that the last of them is answered in time. On the loop only.
  public var room: Int {
    eventLoop.preconditionInEventLoop()
    return pending.room
  }

  /// The last value of `isUsable`. From anywhere.
  public var wasUsable: Bool { countedUsable.load(ordering: .relaxed) }

  /// Sends one command. On the loop only.
  /// - Parameter reply: called exactly once, on the loop; at once if nothing is sent.
  public func send(_ words: [String], reply: @escaping Callback) {
    if let refusal { return reply(.failure(refusal)) }
    submit(words.first, deadline: .now() + configuration.commandDeadline, reply) { CommandFormatter.write(words, to: &$0) }
  }

  /// Runs a script by its digest; if Redis has forgotten it, once by its source, within the same deadline. On the loop only.
  /// - Parameters:
  ///   - words: how many keys and arguments `write` writes, the first `keys` of them keys.
  ///   - write: may be called several times, and must write the same each time.
  ///   - reply: called exactly once, on the loop; at once if nothing is sent.
  public func evaluate(
    _ script: RedisScript, keys: Int, words: Int, write: @escaping @Sendable (inout CommandWriter) -> Void, reply: @escaping Callback
  ) {
    if let refusal { return reply(.failure(refusal)) }
    let deadline = NIODeadline.now() + configuration.commandDeadline
    guard let known = loaded[script.name], known.source == script.source else {
      return evaluateBySource(script, keys: keys, words: words, deadline: deadline, write: write, reply: reply)
    }
    let byDigest: Callback = { result in
      // The place in the queue that this answer leaves is free for the source, and the connection isn't overdue: those who are
      // stand in front.
      if case .failure(.server(let error)) = result, error.kind == .noScript {
        self.evaluateBySource(script, keys: keys, words: words, deadline: deadline, write: write, reply: reply)
      } else {
        reply(result)
      }
    }
    submit(script.name, deadline: deadline, byDigest) { CommandFormatter.write(known.head, keys: keys, words: words, to: &$0, write) }
  }

  /// Runs a script with keys and arguments that are texts, by its digest or once by its source, within the command deadline. On the loop
  /// only.
  /// - Parameter reply: called exactly once, on the loop; at once if nothing is sent.
  public func evaluate(_ script: RedisScript, keys: [String], arguments: [String], reply: @escaping Callback) {
    let write: @Sendable (inout CommandWriter) -> Void = { writer in
      for key in keys { writer.word(key) }
      for argument in arguments { writer.word(argument) }
    }
    evaluate(script, keys: keys.count, words: keys.count + arguments.count, write: write, reply: reply)
  }

  // MARK: life

  func start() {
    eventLoop.preconditionInEventLoop()
    act(state.start())
  }

  /// Sends nothing more; closes when what was sent has been answered or is overdue.
  /// - Parameter finished: called once, when the connection has ended for good.
  func stop(_ finished: @escaping @Sendable () -> Void) {
    eventLoop.preconditionInEventLoop()
    onFinish = finished
    act(state.stop())
    countUsable()
    closeIfDone()
  }

  func opened(_ channel: any Channel) {
    self.channel = channel
    act(state.opened())
  }

  func ended(_ error: RedisError) {
    let action = state.ended(jitter: .random(in: 0...1))
    guard action != .nothing else { return }
    channel = nil
    outgoing.clear()
    timer?.task.cancel()
    timer = nil
    timelineTimer?.cancel()
    timelineTimer = nil
    countUsable()
    if !state.isStopping { outages.begins(self, "Redis is away", ["reason": "\(error.reason)"]) }
    for caller in pending.removeAll() { caller.reply(.failure(error)) }
    act(action)
  }

  func giveUp() { act(state.giveUp()) }

  /// Leaves a server that is on another timeline than this.
  func reconnect(unlessOn replicationID: String) {
    eventLoop.preconditionInEventLoop()
    guard let known = state.replicationID, known != replicationID else { return }
    leaveTimeline("other_timeline")
  }

  /// False if nobody waits for the reply.
  func received(_ reply: RedisReply, now: NIODeadline) -> Bool {
    let answer = pending.answered(now: now)
    switch answer {
    case .nobody: return false
    case .dropped: countUsable()
    case .late(let caller):
      statistics.timeouts.add(1, ordering: .relaxed)
      caller.reply(.failure(.timeout))
    case .caller(let caller):
      guard case .error(let error) = reply else {
        caller.reply(.success(reply))
        break
      }
      caller.reply(.failure(.server(error)))
      refused(caller.command, error)
    }
    if state.isStopping { closeIfDone() }
    return true
  }

  private func act(_ action: ConnectionState.Action) {
    switch action {
    case .nothing: break
    case .connect: connect()
    case .greet: greet()
    case .close:
      countUsable()
      channel?.close(promise: nil)
    case .retry(let wait):
      statistics.reconnects.add(1, ordering: .relaxed)
      eventLoop.assumeIsolated().scheduleTask(in: wait) { self.act(self.state.backoffOver()) }
    case .finished:
      onFinish?()
      onFinish = nil
    }
  }

  private func connect() {
    let bytesMax = configuration.replyBytesMax
    let bootstrap = ClientBootstrap(group: eventLoop).connectTimeout(configuration.handshakeDeadline).channelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        guard let parser = ReplyParser(bounds: .init(bytesMax: bytesMax)) else { throw RedisError.notConnected }
        try channel.pipeline.syncOperations.addHandler(RedisHandler(parser: parser, connection: self))
      }
    }
    let future =
      switch configuration.address {
      case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
      case .tcp(let host, let port): bootstrap.connect(host: host, port: port)
      }
    future.assumeIsolated().whenFailure { _ in self.ended(.notConnected) }
  }

  private func greet() {
    let deadline = NIODeadline.now() + configuration.handshakeDeadline
    for (words, question) in Handshake(configuration, scripts: scripts).questions {
      submit(nil, deadline: deadline) { result in
        if case .failure(.server(let error)) = result { self.unusable(RedisRefusal(command: Handshake.name(words), kind: error.kind)) }
        guard case .success(let reply) = result, self.learn(question, reply) else { return self.giveUp() }
      } _: {
        CommandFormatter.write(words, to: &$0)
      }
    }
  }

  private func learn(_ question: Handshake.Question, _ reply: RedisReply) -> Bool {
    switch question {
    case .plain: return true
    case .load(let script):
      guard let digest = Handshake.digest(reply), let head = CommandFormatter.ScriptHead(digest: digest) else { return false }
      loaded[script.name] = (script.source, head)
    case .replication:
      guard let id = Handshake.replicationID(reply) else {
        if Handshake.isReplica(reply) { unusable(RedisRefusal(command: "info", kind: .readOnly)) }
        return false
      }
      state.greeted(replicationID: id)
      watchTimeline()
      countUsable()
      outages.ends(self)
    }
    return true
  }

  /// Redis answered a caller with an error. A value of another type, or a script that it forgot, is none of Redis's doing.
  private func refused(_ command: String?, _ error: RedisServerError) {
    guard let command, error.kind != .noScript, error.kind != .wrongType else { return }
    let refusal = RedisRefusal(command: command.lowercased(), kind: error.kind)
    guard error.saysThatTimelineEnded else { return refusals.met(refusal) }
    leave(refusal)
  }

  /// This connection can't be used for what Redis refuses.
  private func unusable(_ refusal: RedisRefusal) {
    refusals.metByConnection()
    outages.begins(self, refused: refusal)
  }

  private func leave(_ refusal: RedisRefusal) {
    guard state.replicationID != nil else { return }
    unusable(refusal)
    giveUp()
  }

  /// Redis may hold another server's data by now: what this connection took for granted must be asked again.
  private func leaveTimeline(_ reason: String) {
    guard state.replicationID != nil else { return }
    outages.begins(self, "Redis is away", ["reason": "\(reason)"])
    giveUp()
  }

  private func watchTimeline() {
    guard let interval = configuration.timelineInterval else { return }
    timelineTimer?.cancel()
    timelineTimer = eventLoop.assumeIsolated().scheduleTask(in: interval) { self.checkTimeline() }
  }

  private func checkTimeline() {
    guard let known = state.replicationID else { return }
    watchTimeline()
    guard refusal == nil else { return }
    submit(nil, deadline: .now() + configuration.commandDeadline) { result in
      switch result {
      case .success(let reply):
        if Handshake.isReplica(reply) { return self.leave(RedisRefusal(command: "info", kind: .readOnly)) }
        if Handshake.replicationID(reply) != known { self.leaveTimeline("timeline") }
      // Whose timeline it is can't be asked any more.
      case .failure(.server(let error)): self.leave(RedisRefusal(command: "info", kind: error.kind))
      // No answer in time says nothing of the timeline, and ends the use of the connection by itself.
      case .failure: break
      }
    } _: {
      CommandFormatter.write(["INFO", "replication"], to: &$0)
    }
  }

  private func closeIfDone() {
    if state.isStopping, pending.isEmpty || pending.isOverdue { giveUp() }
  }

  private func countUsable() {
    let isUsable = isUsable
    guard isUsable != wasUsable else { return }
    countedUsable.store(isUsable, ordering: .relaxed)
    statistics.usableConnections.add(isUsable ? 1 : -1, ordering: .relaxed)
  }

  // MARK: commands

  /// Why a command can't be sent now.
  private var refusal: RedisError? {
    eventLoop.preconditionInEventLoop()
    guard state.replicationID != nil else { return .notConnected }
    guard !pending.isOverdue else { return .overdue }
    return pending.isFull ? .queueFull : nil
  }

  private func evaluateBySource(
    _ script: RedisScript, keys: Int, words: Int, deadline: NIODeadline, write: (inout CommandWriter) -> Void, reply: @escaping Callback
  ) {
    submit(script.name, deadline: deadline, reply) { CommandFormatter.write(script.source, keys: keys, words: words, to: &$0, write) }
  }

  private func submit(_ command: String?, deadline: NIODeadline, _ reply: @escaping Callback, _ write: (inout ByteBuffer) -> Bool) {
    guard state.isOpen else { return reply(.failure(.notConnected)) }
    // Only for want of memory, or if a caller miscounts its words: nothing was sent.
    guard write(&outgoing) else { return reply(.failure(.queueFull)) }
    pending.append(Caller(command: command, reply: reply), now: .now(), deadline: deadline)
    statistics.commands.add(1, ordering: .relaxed)
    watch()
    guard !flushIsScheduled else { return }
    flushIsScheduled = true
    eventLoop.assumeIsolated().execute { self.flush() }
  }

  private func flush() {
    flushIsScheduled = false
    guard state.isOpen, let channel, outgoing.readableBytes > 0 else { return }
    statistics.flushes.add(1, ordering: .relaxed)
    let bytes = outgoing
    outgoing = channel.allocator.buffer(capacity: bytes.readableBytes)
    channel.writeAndFlush(bytes, promise: nil)
  }

  /// One timer looks after all deadlines of the connection. It isn't moved when a command is answered, only when it would ring late.
  private func watch() {
    guard state.isOpen, let due = pending.nextLook else { return }
    if let timer {
      guard due < timer.due else { return }
      timer.task.cancel()
    }
    let task = eventLoop.assumeIsolated().scheduleTask(deadline: due) {
      self.timer = nil
      self.look()
    }
    timer = (due, task)
  }

  private func look() {
    let now = NIODeadline.now()
    let expired = pending.expire(now: now)
    statistics.timeouts.add(expired.count, ordering: .relaxed)
    countUsable()
    for caller in expired { caller.reply(.failure(.timeout)) }
    if pending.isStalled(now: now) { giveUp() } else { closeIfDone() }
    watch()
  }
}
