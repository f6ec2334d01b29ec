import HummingbirdCore
import Logging
import NIOCore
import Synchronization

/// Serves the connections of a listener in many small task groups in place of one large one.
///
/// The runtime keeps the tasks of a group in a list and looks for one that has ended from the list's start: with all connections in
/// one group, ten thousand that end at once would hold every thread of the process for seconds.
///
/// A connection has only its lane and its guard at first. Its first request that goes to a route has `Base` set up behind them, and a
/// task begun: of the memory of a connection that is idle, or answered in the channel, both would be the larger part.
final class ConnectionGroups<Base: ServerChildChannel>: ServerChildChannel {
  private let base: Base
  private let rules: ListenerRules
  private let groups: [ConnectionGroup<Base.Value>]
  private let turn = Atomic<UInt>(0)
  private let unserved: @Sendable (Base.Value) async -> Void

  /// - Parameters:
  ///   - base: sets a connection up at once when it is asked on the connection's loop, with a `GuardInstaller` among its handlers.
  ///   - unserved: called with a connection that was set up and then served by nobody: the listener ended meanwhile.
  init(_ base: Base, _ rules: ListenerRules, count: Int = 128, unserved: @escaping @Sendable (Base.Value) async -> Void) {
    self.base = base
    self.rules = rules
    self.unserved = unserved
    groups = (0..<max(1, count)).map { _ in ConnectionGroup() }
  }

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Accepted<Base>> {
    channel.eventLoop.makeCompletedFuture {
      let connection = IdleConnection(channel, of: self, logger)
      // The first of the pipeline: what is set up later stands behind it.
      let lane = RequestLane(ConnectionGuard(rules), rules)
      lane.route = connection
      try channel.pipeline.syncOperations.addHandler(lane)
      let bytes = HTTPLimits.readBufferBytes
      try channel.syncOptions?.setOption(
        .recvAllocator,
        value: AdaptiveRecvByteBufferAllocator(minimum: bytes.lowerBound, initial: bytes.lowerBound, maximum: bytes.upperBound))
      return Accepted(connection)
    }
  }

  /// The first connection of an empty group stays and runs the group until all of its connections have ended; the others are known to
  /// it. So whoever waits for the calls of this function waits for every connection.
  func handle(value: Accepted<Base>, logger: Logger) async {
    let connection = value.take()
    let group = groups[Int(turn.wrappingAdd(1, ordering: .relaxed).oldValue % UInt(groups.count))]
    switch group.join(connection.channel) {
    case .joined: connection.stays(in: group)
    case .first(let needing):
      connection.stays(in: group)
      await run(group, needing, logger)
    case .refused: await connection.end()
    }
  }

  private func run(_ group: ConnectionGroup<Base.Value>, _ needing: AsyncStream<Base.Value>, _ logger: Logger) async {
    await withDiscardingTaskGroup { tasks in
      for await value in needing {
        tasks.addTask {
          await self.base.handle(value: value, logger: logger)
          group.leave(value.channel)
        }
      }
      if Task.isCancelled { await group.cancel() }
    }
  }

  fileprivate func setUpRoute(_ channel: any Channel, _ logger: Logger) -> EventLoopFuture<Base.Value> {
    base.setup(channel: channel, logger: logger)
  }

  fileprivate func end(_ value: Base.Value) async { await unserved(value) }
}

/// A connection as a listener hands it on. One that ends drops those that it has not handed on yet: then the connection is closed.
final class Accepted<Base: ServerChildChannel>: ServerChildChannelValue {
  private let connection: IdleConnection<Base>
  private let isTaken = Atomic(false)

  init(_ connection: IdleConnection<Base>) { self.connection = connection }

  var channel: any Channel { connection.channel }

  /// The connection, for whoever puts it into a group.
  func take() -> IdleConnection<Base> {
    isTaken.store(true, ordering: .relaxed)
    return connection
  }

  deinit {
    guard !isTaken.load(ordering: .relaxed) else { return }
    Task { [connection] in await connection.end() }
  }
}

/// A connection that nobody serves yet. Its lane has it, so it lasts until a request goes to a route, or until the connection is over.
final class IdleConnection<Base: ServerChildChannel>: RouteSetup, Sendable {
  private enum State {
    /// In no group yet.
    case new
    /// In no group yet, and already in need of one.
    indirect case needing(Base.Value)
    case idle(ConnectionGroup<Base.Value>)
    /// Its group has it to serve, or nobody must serve it any more.
    case over
  }

  let channel: any Channel
  private let groups: ConnectionGroups<Base>
  private let logger: Logger
  private let state = Mutex(State.new)

  init(_ channel: any Channel, of groups: ConnectionGroups<Base>, _ logger: Logger) {
    self.channel = channel
    self.groups = groups
    self.logger = logger
  }

  func isNeeded() {
    groups.setUpRoute(channel, logger).whenComplete { result in
      switch result {
      case .success(let value): self.needs(value)
      case .failure:
        self.channel.close(promise: nil)
        self.isOver()
      }
    }
  }

  func isOver() {
    let group: ConnectionGroup<Base.Value>? = state.withLock { state in
      switch state {
      case .idle(let group):
        state = .over
        return group
      case .new:
        state = .over
        return nil
      // Its task, if it has one, sees the end by itself.
      case .needing, .over: return nil
      }
    }
    group?.leave(channel)
  }

  /// It is one of the group's, which it leaves again once.
  func stays(in group: ConnectionGroup<Base.Value>) {
    let (needing, hasEnded): (Base.Value?, Bool) = state.withLock { state in
      switch state {
      case .new:
        state = .idle(group)
        return (nil, false)
      case .needing(let value):
        state = .over
        return (value, false)
      case .idle, .over: return (nil, true)
      }
    }
    if let needing { give(needing, to: group) }
    if hasEnded { group.leave(channel) }
  }

  /// Ends the connection: it has no group. Returns when it has ended.
  func end() async {
    let needing: Base.Value? = state.withLock { state in
      defer { state = .over }
      if case .needing(let value) = state { return value }
      return nil
    }
    if let needing { return await groups.end(needing) }
    channel.close(promise: nil)
    try? await channel.closeFuture.get()
  }

  private func needs(_ value: Base.Value) {
    let (group, isLate): (ConnectionGroup<Base.Value>?, Bool) = state.withLock { state in
      switch state {
      case .new:
        state = .needing(value)
        return (nil, false)
      case .idle(let group):
        state = .over
        return (group, false)
      case .needing, .over: return (nil, true)
      }
    }
    if let group { give(value, to: group) }
    if isLate { Task { [groups] in await groups.end(value) } }
  }

  /// NIO ends the process over a channel that was set up and is dropped open.
  private func give(_ value: Base.Value, to group: ConnectionGroup<Base.Value>) {
    guard !group.serve(value, channel) else { return }
    Task { [groups, channel] in
      await groups.end(value)
      group.leave(channel)
    }
  }
}

/// The connections of one group; a class, so that it can stand in an array.
final class ConnectionGroup<Value: Sendable>: Sendable {
  enum Joining {
    /// The caller runs the group: it serves the values to come, and its own connection is one of the group's.
    case first(AsyncStream<Value>)
    case joined
    /// The group is being cancelled and takes nothing more: the caller ends the connection itself.
    case refused
  }

  private struct Members {
    var open = 0
    /// Those of them that nobody serves.
    var idle: [ObjectIdentifier: any Channel] = [:]
    var needing: AsyncStream<Value>.Continuation?
    var isCancelled = false
  }

  private let state = Mutex(Members())

  /// Takes a connection in, until it leaves.
  func join(_ channel: any Channel) -> Joining {
    state.withLock { state in
      guard !state.isCancelled else { return .refused }
      state.open += 1
      state.idle[ObjectIdentifier(channel)] = channel
      guard state.needing == nil else { return .joined }
      let (values, needing) = AsyncStream.makeStream(of: Value.self)
      state.needing = needing
      return .first(values)
    }
  }

  /// Has a connection of the group served; false if the group serves nothing more.
  func serve(_ value: Value, _ channel: any Channel) -> Bool {
    state.withLock { state in
      state.idle[ObjectIdentifier(channel)] = nil
      guard case .enqueued? = state.needing?.yield(value) else { return false }
      return true
    }
  }

  /// Says that a connection has ended; with the last one the group does.
  func leave(_ channel: any Channel) {
    state.withLock { state in
      state.idle[ObjectIdentifier(channel)] = nil
      state.open -= 1
      guard state.open == 0 else { return }
      state.needing?.finish()
      state = Members()
    }
  }

  /// Closes the connections that nobody serves, and returns when they have ended. The group takes nothing more until all have left.
  func cancel() async {
    let idle = state.withLock { state in
      state.isCancelled = state.open > 0
      defer { state.idle = [:] }
      return Array(state.idle.values)
    }
    for channel in idle { channel.close(promise: nil) }
    for channel in idle { try? await channel.closeFuture.get() }
  }
}
