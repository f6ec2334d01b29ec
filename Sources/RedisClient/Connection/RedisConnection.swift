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

  /// The loop that commands are sent on and replies come on.
  public let eventLoop: any EventLoop
  private let configuration: RedisConfiguration
  private let scripts: [RedisScript]
  private let statistics: RedisStatistics
  private let outages: OutageLog

  private var state: ConnectionState
  private var pending: PendingReplies<Callback>
  private var channel: (any Channel)?
  private var loaded: [String: (source: String, head: CommandFormatter.ScriptHead)] = [:]
  private var outgoing = ByteBuffer()
  private var flushIsScheduled = false
  private var timer: (due: NIODeadline, task: Scheduled<Void>)?
  private var timelineTimer: Scheduled<Void>?
  private let countedUsable = Atomic<Bool>(false)
  private var onFinish: (@Sendable () -> Void)?

  init(
    eventLoop: any EventLoop, configuration: RedisConfiguration, scripts: [RedisScript], statistics: RedisStatistics, outages: OutageLog
  ) {
    self.eventLoop = eventLoop
    self.configuration = configuration
    self.scripts = scripts
    self.statistics = statistics
    self.outages = outages
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
    submit(deadline: .now() + configuration.commandDeadline, reply) { CommandFormatter.write(words, to: &$0) }
  }

  /// Runs a script by its digest; if Redis has forgotten it, once by its source, within the same deadline. On the loop only.
  /// - Parameter reply: called exactly once, on the loop; at once if nothing is sent.
  public func evaluate(_ script: RedisScript, keys: [String], arguments: [String], reply: @escaping Callback) {
    if let refusal { return reply(.failure(refusal)) }
    let deadline = NIODeadline.now() + configuration.commandDeadline
    let bySource: @Sendable () -> Void = {
      let words = ["EVAL", script.source, String(keys.count)] + keys + arguments
      self.submit(deadline: deadline, reply) { CommandFormatter.write(words, to: &$0) }
    }
    guard let known = loaded[script.name], known.source == script.source else { return bySource() }
    let byDigest: Callback = { result in
      // The place in the queue that this answer leaves is free for the source, and the connection isn't overdue: those who are
      // stand in front.
      if case .failure(.server(let error)) = result, error.kind == .noScript { bySource() } else { reply(result) }
    }
    submit(deadline: deadline, byDigest) { buffer in
      CommandFormatter.write(known.head, keys: keys, arguments: arguments, to: &buffer)
      return true
    }
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
    for reply in pending.removeAll() { reply(.failure(error)) }
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
      caller(.failure(.timeout))
    case .caller(let caller):
      guard case .error(let error) = reply else {
        caller(.success(reply))
        break
      }
      caller(.failure(.server(error)))
      if error.saysThatTimelineEnded { leaveTimeline("\(error.kind.rawValue)") }
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
      submit(deadline: deadline) { result in
        guard case .success(let reply) = result, self.learn(question, reply) else {
          // The message may quote what was sent, so only the kind of refusal is told.
          if case .failure(.server(let error)) = result {
            self.outages.begins(self, "Redis refused us", ["command": "\(words[0])", "reason": "\(error.kind.rawValue)"])
          }
          return self.giveUp()
        }
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
      guard let id = Handshake.replicationID(reply) else { return false }
      state.greeted(replicationID: id)
      watchTimeline()
      countUsable()
      outages.ends(self)
    }
    return true
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
    send(["INFO", "replication"]) { result in
      // No answer in time says nothing of the timeline, and ends the use of the connection by itself.
      guard case .success(let reply) = result, Handshake.replicationID(reply) != known else { return }
      self.leaveTimeline("timeline")
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

  private func submit(deadline: NIODeadline, _ reply: @escaping Callback, _ write: (inout ByteBuffer) -> Bool) {
    guard state.isOpen else { return reply(.failure(.notConnected)) }
    // Only for want of memory: nothing was sent, and the caller may try again.
    guard write(&outgoing) else { return reply(.failure(.queueFull)) }
    pending.append(reply, now: .now(), deadline: deadline)
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
    for reply in expired { reply(.failure(.timeout)) }
    if pending.isStalled(now: now) { giveUp() } else { closeIfDone() }
    watch()
  }
}
