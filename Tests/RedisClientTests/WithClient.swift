import Logging
import NIOCore
import NIOPosix
import RedisClient
import TestSupport

/// Runs a client of one loop while `body` runs; waits until it is up unless told otherwise.
func withClient<T: Sendable>(
  _ address: RedisAddress, scripts: [RedisScript] = [], loops: Int = 1, waits: Bool = true, log: Logger? = nil,
  _ change: (inout RedisConfiguration) -> Void = { _ in }, _ body: (RedisClient) async throws -> T
) async throws -> T {
  // Far above what a loaded machine takes to answer; tests of lateness set their own.
  var configuration = RedisConfiguration(address: address)
  configuration.commandDeadline = .seconds(10)
  configuration.handshakeDeadline = .seconds(10)
  configuration.stallLimit = .seconds(30)
  change(&configuration)
  let group = MultiThreadedEventLoopGroup(numberOfThreads: loops)
  var quiet = Logger(label: "test")
  quiet.logLevel = .critical
  let client = RedisClient(configuration: configuration, scripts: scripts, group: group, logger: log ?? quiet)
  let result: Result<T, any Error> = await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await client.run() }
    defer { tasks.cancelAll() }
    do {
      if waits { try await eventually("the client is up") { client.isUp } }
      return .success(try await body(client))
    } catch {
      return .failure(error)
    }
  }
  try await group.shutdownGracefully()
  return try result.get()
}

extension RedisConnection {
  /// The outcome of one command, from anywhere.
  func outcome(_ words: [String]) async -> Result<RedisReply, RedisError> {
    do { return .success(try await send(words)) } catch { return .failure(error) }
  }

  /// The outcome of one script, from anywhere.
  func outcome(_ script: RedisScript, _ keys: [String], _ arguments: [String]) async -> Result<RedisReply, RedisError> {
    do { return .success(try await evaluate(script, keys: keys, arguments: arguments)) } catch { return .failure(error) }
  }
}
