import NIOCore
import ArgumentParser
import Foundation
import GatehouseCore
import Logging
import NIOPosix
import RedisClient

struct Explain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Explain a Redis key: its fields in words, how long it lives and whose it is.",
    discussion: "Example: gatehouse explain 'gh:{4tq9m2kd7xw1hb}:rl'. Nothing is changed.")
  private static let patience: Duration = .seconds(2)

  @OptionGroup var service: ServiceOptions
  @Argument(help: "The key, as redis-cli shows it.") var key: String

  func run() async throws {
    guard let kind = KeyKind(key) else {
      throw CommandFailure(
        "\(Quoted.text(key)) is not a key of Gatehouse: its keys are gh:{<user>}, gh:{<user>}:rl, "
          + "gh:{ip:<network>}:rl, gh:{sub:<digest>}:rl, gh:{own:ip:<network>}:rl, gh:{own:<digest>}:rl and "
          + "gh:{counter}. In a shell put it in single quotes."
      )
    }
    let folder = try service.folder()
    // The limits are told by the configuration; without a right one they are left out.
    let settings = try? service.source.load()
    let stored = try await read(folder)
    var lines = [("What", kind.meaning)]
    var plan: String?
    if let id = kind.user {
      let owner = try await owner(id, folder)
      lines.append(("Whose", owner.text))
      plan = owner.plan
    }
    guard let stored else {
      try Output.line(Self.layout(key, lines + [("Now", "it is not in Redis: \(kind.absence)")]))
      return
    }
    lines.append(("Lives", Self.life(stored)))
    if stored.type != "hash" {
      lines.append(("Type", "\(stored.type), where a hash belongs: it is not Gatehouse's, and the next use drops it"))
    } else if case .counter = kind {
      lines += CounterWords.lines(stored.fields)
    } else if kind.holdsWindows {
      lines += WindowWords(now: stored.now, settings: settings, plan: plan).lines(stored.fields)
    } else {
      lines += UserHashWords(now: stored.now, settings: settings).lines(stored.fields)
    }
    try Output.line(Self.layout(key, lines))
  }

  /// The value that Redis holds under the key; nil if nothing.
  private func read(_ folder: DataFolder) async throws -> StoredHash? {
    let level = JSONLines.Level(.critical)
    var configuration = RedisConfiguration(address: .unix(path: folder.redisSocket), clientName: "gatehouse-explain")
    configuration.commandDeadline = .seconds(2)
    let client = RedisClient(
      configuration: configuration, group: MultiThreadedEventLoopGroup.singleton,
      logger: Logger(label: "gatehouse") { _ in JSONLines(level: level) })
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await client.run() }
      defer { tasks.cancelAll() }
      let end = ContinuousClock.now + Self.patience
      while !client.isUp {
        guard ContinuousClock.now < end else {
          throw CommandFailure("Redis does not answer at \(folder.redisSocket): start it (make run does), or name the service with --data.")
        }
        try await Task.sleep(for: .milliseconds(5))
      }
      do { return try await StoredHash.read(key, client) } catch let error as RedisError {
        throw CommandFailure("Redis did not answer about the key (\(error.reason)). Try again.")
      }
    }
  }

  private func owner(_ id: UserID, _ folder: DataFolder) async throws -> (text: String, plan: String?) {
    do {
      let user = try await Operations.with(folder, settings: service.source.load) { operations in
        try await operations.ask("GET", "/v1/admin/users/\(id)", missing: "not in the ledger: deleted, or unknown")
      }
      return ("\(id), \(Table.plain(user.text("email") ?? "-"))", user.text("plan"))
    } catch let failure as CommandFailure { return ("\(id): \(failure)", nil) }
  }

  private static func life(_ stored: StoredHash) -> String {
    guard let left = stored.timeToLiveMilliseconds else { return "for ever, which is a fault: every key of Gatehouse has an end" }
    return "\(DurationText.words(milliseconds: left)) more, until \(Instants.text(stored.now + left)), unless it is used"
  }

  private static func layout(_ key: String, _ lines: [(String, String)]) -> String {
    let width = lines.map(\.0.count).max() ?? 0
    return ([Table.plain(key)] + lines.map { "  " + $0 + String(repeating: " ", count: width - $0.count) + "  " + $1 }).joined(
      separator: "\n")
  }
}
