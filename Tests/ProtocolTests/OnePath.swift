import NIOCore
import NIOPosix
import Synchronization
import Foundation
import TestSupport

@testable import RedisClient

/// A path at which processes look for Redis, and which may lead to one server after another.
final class OnePath: Sendable {
  let path: String

  init(to server: RedisServer) throws {
    path = server.folder + "/path"
    try lead(to: server)
  }

  /// A client that connects from now on finds `server`; connections stay where they are.
  func lead(to server: RedisServer) throws {
    let next = path + "-next"
    try FileManager.default.createSymbolicLink(atPath: next, withDestinationPath: server.socketPath)
    guard rename(next, path) == 0 else { throw NotInTime(description: "the path could not be led to \(server.socketPath)") }
  }
}

extension Stack {
  /// Ends this process's connections: each is made anew, to wherever the path leads.
  func reconnect(_ world: World) async throws {
    let before = redis.statistics.reconnects.load(ordering: .relaxed)
    for connection in redis.all(first: world.group.next()) {
      connection.eventLoop.execute { connection.reconnect(unlessOn: "") }
    }
    try await eventually("the connections are made anew") {
      redis.statistics.reconnects.load(ordering: .relaxed) > before && redis.isUp
    }
  }
}
