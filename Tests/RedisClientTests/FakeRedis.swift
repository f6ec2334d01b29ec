import Foundation
import NIOCore
import NIOPosix
import Synchronization

@testable import RedisClient

/// A server that shakes hands like Redis and answers everything else as a test says.
final class FakeRedis: Sendable {
  /// One connection of a client.
  struct Peer: Sendable {
    fileprivate let channel: any Channel
    /// 1 for the first connection.
    let number: Int

    func send(_ text: String) { channel.writeAndFlush(ByteBuffer(string: text), promise: nil) }

    func close() { channel.close(promise: nil) }
  }

  /// Called on the server's loop with each command of a client.
  typealias Answers = @Sendable (Peer, [String]) -> Void

  let address: RedisAddress
  private let accepted: Accepted
  var connectionCount: Int { accepted.count.load(ordering: .relaxed) }

  private init(address: RedisAddress, accepted: Accepted) {
    self.address = address
    self.accepted = accepted
  }

  static func bulk(_ text: String) -> String { "$\(text.utf8.count)\r\n\(text)\r\n" }

  /// The answer of a healthy Redis to a command of the handshake; nil for other commands.
  static func greeting(_ words: [String]) -> String? {
    switch words.first {
    case "AUTH", "CLIENT": "+OK\r\n"
    case "SCRIPT": bulk(String(repeating: "a", count: 40))
    case "INFO": bulk("# Replication\r\nrole:master\r\nmaster_replid:fake\r\n")
    default: nil
    }
  }

  /// Runs `body` with a server on a Unix socket, or on a free TCP port of this host.
  static func with<T>(tcp: Bool = false, _ answers: @escaping Answers, _ body: (FakeRedis) async throws -> T) async throws -> T {
    try await serve(
      tcp: tcp,
      { peer, words in
        if let greeting = greeting(words) { peer.send(greeting) } else { answers(peer, words) }
      }, body)
  }

  /// Runs `body` with a server whose handshake is left to `answers` as well.
  static func serve<T>(tcp: Bool = false, _ answers: @escaping Answers, _ body: (FakeRedis) async throws -> T) async throws -> T {
    let path = "/tmp/gh-fake-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
    let accepted = Accepted()
    // Of its own, so that a test may block it.
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let bootstrap = ServerBootstrap(group: group).childChannelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        let peer = Peer(channel: channel, number: accepted.count.add(1, ordering: .relaxed).newValue)
        try channel.pipeline.syncOperations.addHandler(CommandHandler(peer: peer, answers: answers))
      }
    }
    let server =
      tcp
      ? try await bootstrap.bind(host: "127.0.0.1", port: 0).get() : try await bootstrap.bind(unixDomainSocketPath: path).get()
    let address = server.localAddress?.port.map { RedisAddress.tcp(host: "127.0.0.1", port: $0) } ?? .unix(path: path)
    let fake = FakeRedis(address: address, accepted: accepted)
    let result: Result<T, any Error>
    do { result = .success(try await body(fake)) } catch { result = .failure(error) }
    try await server.close()
    try await group.shutdownGracefully()
    if !tcp { try? FileManager.default.removeItem(atPath: path) }
    return try result.get()
  }
}

private final class Accepted: Sendable {
  let count = Atomic<Int>(0)
}

private final class CommandHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let peer: FakeRedis.Peer
  private let answers: FakeRedis.Answers
  // A command is an array of bulks, so the parser of replies reads it.
  private let parser = ReplyParser()

  init(peer: FakeRedis.Peer, answers: @escaping FakeRedis.Answers) {
    self.peer = peer
    self.answers = answers
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    do {
      try parser?.feed(unwrapInboundIn(data))
      while let command = try parser?.next() { answers(peer, command.elements?.compactMap(\.text) ?? []) }
    } catch {
      context.close(promise: nil)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
