import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// A connection to Redis for each event loop of a group.
public final class RedisClient: Service, Sendable {
  /// Counts over all connections of this client, to be read from any thread.
  public let statistics = RedisStatistics()
  /// Everything that Redis refuses this client.
  public let refusals = RedisRefusals()
  /// Where its connections go.
  public let address: RedisAddress
  private let connections: [RedisConnection]
  private let indexes: [ObjectIdentifier: Int]
  private let turn = Atomic<Int>(0)

  /// - Parameters:
  ///   - scripts: loaded whenever a connection is made; their names differ.
  ///   - group: has at least one loop.
  public init(configuration: RedisConfiguration, scripts: [RedisScript] = [], group: any EventLoopGroup, logger: Logger) {
    precondition(Set(scripts.map(\.name)).count == scripts.count, "two scripts of one name")
    address = configuration.address
    let (statistics, refusals) = (statistics, refusals)
    let outages = OutageLog(logger)
    let loops = Array(group.makeIterator())
    connections = loops.map {
      RedisConnection(
        eventLoop: $0, configuration: configuration, scripts: scripts, statistics: statistics, outages: outages, refusals: refusals)
    }
    indexes = Dictionary(uniqueKeysWithValues: loops.enumerated().map { (ObjectIdentifier($1), $0) })
  }

  /// The connection of a loop of the group; of the first loop for any other.
  public func connection(on loop: any EventLoop) -> RedisConnection { connections[indexes[ObjectIdentifier(loop)] ?? 0] }

  /// The connection of a loop of the group if a command could be sent over it now, else the next over which one could: that one
  /// connection waits for late answers says nothing of the others. With none it is that of the loop.
  public func usableConnection(near loop: any EventLoop) -> RedisConnection {
    let first = indexes[ObjectIdentifier(loop)] ?? 0
    for step in connections.indices {
      let connection = connections[(first + step) % connections.count]
      if connection.wasUsable { return connection }
    }
    return connections[first]
  }

  /// The connection of the running event loop if it is one of the group's, else each in turn.
  public func any() -> RedisConnection {
    if let loop = MultiThreadedEventLoopGroup.currentEventLoop, let index = indexes[ObjectIdentifier(loop)] { return connections[index] }
    let turn = UInt(bitPattern: turn.wrappingAdd(1, ordering: .relaxed).newValue)
    return connections[Int(turn % UInt(connections.count))]
  }

  /// All connections, that of `loop` first.
  public func all(first loop: any EventLoop) -> [RedisConnection] {
    let own = indexes[ObjectIdentifier(loop)] ?? 0
    return [connections[own]] + connections[..<own] + connections[(own + 1)...]
  }

  /// The timelines that the connections are on, one for each that can be used, in the order of the loops.
  public func replicationIDs() async -> [String] {
    var found: [String] = []
    for connection in connections {
      let id = await withCheckedContinuation { continuation in
        connection.eventLoop.execute { continuation.resume(returning: connection.replicationID) }
      }
      if let id { found.append(id) }
    }
    return found
  }

  /// Makes the connections anew that are on another timeline. Their callers get no answer.
  public func reconnect(unlessOn replicationID: String) {
    for connection in connections {
      connection.eventLoop.execute { connection.reconnect(unlessOn: replicationID) }
    }
  }

  /// Whether a command could be sent over any connection now.
  public var isUsable: Bool { statistics.usableConnections.load(ordering: .relaxed) > 0 }

  /// Whether a command could be sent over every connection now.
  public var isUp: Bool { statistics.usableConnections.load(ordering: .relaxed) == connections.count }

  /// Connects, and connects again, until the service stops or its task is cancelled. Then nothing more is sent; it returns when what
  /// was sent has been answered or is overdue, and every connection is closed. A client runs once.
  public func run() async throws {
    for connection in connections { connection.eventLoop.execute { connection.start() } }
    try? await gracefulShutdown()
    for connection in connections {
      await withCheckedContinuation { continuation in
        connection.eventLoop.execute { connection.stop { continuation.resume() } }
      }
    }
  }
}
