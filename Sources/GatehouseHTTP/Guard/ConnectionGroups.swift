import HummingbirdCore
import Logging
import NIOCore
import Synchronization

/// Serves the connections of a listener in many small task groups in place of one large one.
///
/// The runtime keeps the tasks of a group in a list and looks for one that has ended from the list's start: with all connections in
/// one group, ten thousand that end at once would hold every thread of the process for seconds.
///
/// A connection is served only from its first request that goes to a route: of the memory of one that is idle, or answered in the channel,
/// the frames of its task would be the larger part.
struct ConnectionGroups<Base: ServerChildChannel>: ServerChildChannel {
  private let base: Base
  private let groups: [ConnectionGroup<Accepted<Base.Value>>]
  private let turn = Turn()
  private let unserved: @Sendable (Base.Value) async -> Void

  /// - Parameter unserved: called with a connection that was accepted and then served by nobody: the listener ended meanwhile.
  init(_ base: Base, count: Int = 128, unserved: @escaping @Sendable (Base.Value) async -> Void) {
    self.base = base
    self.unserved = unserved
    groups = (0..<max(1, count)).map { _ in ConnectionGroup() }
  }

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Accepted<Base.Value>> {
    base.setup(channel: channel, logger: logger).map { [unserved] value in
      let accepted = Accepted(value, unserved: unserved)
      if let lane = try? channel.pipeline.syncOperations.handler(type: RequestLane.self) {
        lane.whenRouteIsNeeded { [weak accepted] isOver in accepted?.need(isOver ? .none : .service) }
      } else {
        accepted.need(.service)
      }
      return accepted
    }
  }

  private func serve(_ accepted: Accepted<Base.Value>, _ logger: Logger) async {
    switch await accepted.needed() {
    case .service: await base.handle(value: accepted.take(), logger: logger)
    case .none: await unserved(accepted.take())
    }
  }

  /// The first connection of an empty group stays and runs the group until all of its connections have ended; the others are handed
  /// to it. So whoever waits for the calls of this function waits for every connection.
  func handle(value: Accepted<Base.Value>, logger: Logger) async {
    let group = groups[turn.next(of: groups.count)]
    switch group.join(value) {
    case .handedOver: return
    case .alone: await serve(value, logger)
    case .first(let arriving):
      await withDiscardingTaskGroup { tasks in
        for await value in arriving {
          tasks.addTask {
            await serve(value, logger)
            group.leave()
          }
        }
      }
    }
  }

  private final class Turn: Sendable {
    private let taken = Atomic<UInt>(0)

    func next(of count: Int) -> Int { Int(taken.wrappingAdd(1, ordering: .relaxed).oldValue % UInt(count)) }
  }
}

/// The end of a connection's waiting.
enum ConnectionNeed {
  /// Somebody must serve it.
  case service
  /// It has ended, and nobody needed to.
  case none
}

/// A connection that was accepted. A listener that ends drops those that nobody serves yet, and NIO ends the process over a channel that is
/// dropped open.
final class Accepted<Value: ServerChildChannelValue>: ServerChildChannelValue {
  private let value: Value
  private let unserved: @Sendable (Value) async -> Void
  private let isTaken = Atomic(false)

  private enum State {
    case open
    case awaited(CheckedContinuation<ConnectionNeed, Never>)
    case known(ConnectionNeed)
  }

  private let state = Mutex(State.open)

  init(_ value: Value, unserved: @escaping @Sendable (Value) async -> Void) {
    self.value = value
    self.unserved = unserved
  }

  var channel: any Channel { value.channel }

  /// The connection, for whoever serves it.
  func take() -> Value {
    isTaken.store(true, ordering: .relaxed)
    return value
  }

  /// Returns once it is known what the connection needs. One whose task is cancelled needs service, which closes it. Call it once.
  func needed() async -> ConnectionNeed {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let known: ConnectionNeed? = state.withLock { state in
          if case .known(let need) = state { return need }
          state = .awaited(continuation)
          return nil
        }
        if let known { continuation.resume(returning: known) }
      }
    } onCancel: {
      need(.service)
    }
  }

  /// Says what the connection needs; the first word counts.
  func need(_ need: ConnectionNeed) {
    let awaiting: CheckedContinuation<ConnectionNeed, Never>? = state.withLock { state in
      switch state {
      case .known: return nil
      case .open:
        state = .known(need)
        return nil
      case .awaited(let continuation):
        state = .known(need)
        return continuation
      }
    }
    awaiting?.resume(returning: need)
  }

  deinit {
    guard !isTaken.load(ordering: .relaxed) else { return }
    Task { [value, unserved] in await unserved(value) }
  }
}

/// The connections of one group; a class, so that it can stand in an array.
final class ConnectionGroup<Value: Sendable>: Sendable {
  enum Joining {
    /// The caller runs the group: the values to come, its own first.
    case first(AsyncStream<Value>)
    case handedOver
    /// The group is being cancelled and takes nothing more: the caller serves the connection itself.
    case alone
  }

  private struct Members {
    var open = 0
    var arriving: AsyncStream<Value>.Continuation?
  }

  private let state = Mutex(Members())

  func join(_ value: Value) -> Joining {
    state.withLock { state in
      if let arriving = state.arriving {
        guard case .enqueued = arriving.yield(value) else { return .alone }
        state.open += 1
        return .handedOver
      }
      let (values, arriving) = AsyncStream.makeStream(of: Value.self)
      arriving.yield(value)
      state = Members(open: 1, arriving: arriving)
      return .first(values)
    }
  }

  /// Says that a connection has ended; with the last one the group does.
  func leave() {
    state.withLock { state in
      state.open -= 1
      guard state.open == 0 else { return }
      state.arriving?.finish()
      state.arriving = nil
    }
  }
}
