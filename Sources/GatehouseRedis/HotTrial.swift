import NIOCore
import RedisClient

/// A trial of everything that the service needs of its Redis account, on a key of its own: an account lacks commands after an upgrade
/// of the service under a Redis that stays up, and a Redis may be full or its disk may fail while nobody calls.
public struct HotTrial: Sendable {
  private let redis: RedisClient

  /// A trial over any connection of a client that was built with `Scripts.all`.
  public init(redis: RedisClient) { self.redis = redis }

  /// The refusals of Redis now, in one round trip; nil without an answer.
  public func run() async -> [RedisRefusal]? {
    let connection = redis.usableConnection(near: redis.any().eventLoop)
    do throws(RedisError) {
      return Self.refusals(try await connection.evaluate(Scripts.trial, keys: [KeySpace.trial], arguments: []))
    } catch {
      guard case .server(let error) = error else { return nil }
      return [RedisRefusal(command: Self.command(error), kind: error.kind)]
    }
  }

  /// A reply is a list of a command and the error that it met, by turns; nil for another.
  static func refusals(_ reply: RedisReply) -> [RedisRefusal]? {
    guard let words = reply.elements?.map(\.text), words.count.isMultiple(of: 2) else { return nil }
    return stride(from: 0, to: words.count, by: 2).compactMap { at in
      guard let command = words[at], let message = words[at + 1] else { return nil }
      return RedisRefusal(command: command, kind: RedisServerError(message: message).kind)
    }
  }

  /// The part of the account that a refusal of the whole script is about.
  private static func command(_ error: RedisServerError) -> String {
    guard error.kind == .noPermission else { return Scripts.trial.name }
    return ["evalsha", "eval"].first { error.message.contains("'\($0)'") } ?? KeySpace.pattern
  }
}
