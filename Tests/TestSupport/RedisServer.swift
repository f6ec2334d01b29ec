import Foundation
import Glibc
import Subprocess
import Synchronization
import Testing

/// A real `redis-server` with the service's `redis.conf`, on a Unix socket in a folder of its own under /tmp.
///
/// It can't outlive the test run: a shell holds it, and kills it as soon as the shell's input ends, however the runner died.
public final class RedisServer: Sendable {
  /// The server of the running suite, if it has the trait `.redis`.
  @TaskLocal public static var current: RedisServer?

  /// The server of the running suite; fails the test that has none.
  public static func required() throws -> RedisServer {
    try #require(current, "the suite lacks the trait .redis")
  }

  private struct Life {
    let processID: Int32
    let end: AsyncStream<Never>.Continuation
    let shell: Task<Void, any Error>
  }

  private static let repliesBytesMax = 16 << 20
  private static let configuration = URL(filePath: #filePath).appending(path: "../../../redis.conf").standardized.path()
  private static let keeper = #"redis-server "$@" </dev/null & server=$!; cat >/dev/null; kill -9 $server 2>/dev/null; wait"#

  public let folder: String
  public var socketPath: String { folder + "/s" }
  private let extra: [String]
  private let life = Mutex<Life?>(nil)

  private init(folder: String, extra: [String]) {
    self.folder = folder
    self.extra = extra
  }

  /// Runs `body` with a server of its own, then checks that no key lives for ever and stops it.
  /// - Parameter extra: further options, e.g. `["--maxclients", "10"]`.
  public static func with<T>(_ extra: [String] = [], _ body: (RedisServer) async throws -> T) async throws -> T {
    // Short, since a socket's path holds 107 bytes.
    let folder = "/tmp/gh-" + String(UInt32.random(in: 0...UInt32.max), radix: 36)
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let server = RedisServer(folder: folder, extra: extra)
    let result: Result<T, any Error>
    do {
      try await server.start()
      result = .success(try await body(server))
      try await server.expectNoImmortalKey()
    } catch {
      await server.end()
      throw error
    }
    await server.end()
    return try result.get()
  }

  /// Runs `redis-cli` as the default user, which may do everything; gives what it prints, without the last line break.
  @discardableResult
  public func cli(_ arguments: String...) async throws -> String { try await cli(arguments) }

  @discardableResult
  public func cli(_ arguments: [String]) async throws -> String {
    let result = try await run(
      .name("redis-cli"), arguments: .init(["-s", socketPath] + arguments), output: .string(limit: Self.repliesBytesMax),
      error: .discarded)
    guard result.terminationStatus.isSuccess else { throw NotInTime(description: "redis-cli could not reach \(socketPath)") }
    return result.standardOutput.trimmingCharacters(in: .newlines)
  }

  /// Starts it again after `kill()`, with the data that its append-only file holds; returns when it answers.
  public func start() async throws {
    guard life.withLock({ $0 == nil }) else { return }
    let (stream, end) = AsyncStream<Never>.makeStream()
    let arguments =
      [Self.configuration, "--dir", folder, "--unixsocket", socketPath, "--logfile", folder + "/log", "--daemonize", "no"] + extra
    // Unstructured, since a server lives across calls; `end()` awaits it.
    let shell = Task {
      _ = try await run(
        .name("sh"), arguments: .init(["-c", Self.keeper, "sh"] + arguments), input: .inputWriter, output: .discarded, error: .discarded
      ) { _ in
        for await _ in stream {}
      }
    }
    do {
      try await eventually("redis-server answers") { (try? await cli("PING")) == "PONG" }
      let info = try await cli("INFO", "server").split(whereSeparator: \.isNewline)
      let line = try #require(info.first { $0.hasPrefix("process_id:") })
      let processID = try #require(Int32(line.dropFirst("process_id:".count)))
      life.withLock { $0 = Life(processID: processID, end: end, shell: shell) }
    } catch {
      end.finish()
      try? await shell.value
      let log = (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? "no log"
      throw NotInTime(description: "redis-server did not start: \(error)\n\(log.suffix(1_000))")
    }
  }

  /// SIGKILL; returns when the process is gone.
  public func kill() async { await end() }

  /// SIGTERM, then a new process with the data of the old one.
  public func restart() async throws {
    signal(SIGTERM)
    try await eventually("redis-server stops") { (try? await cli("PING")) == nil }
    await end()
    try await start()
  }

  /// SIGSTOP: it accepts connections and answers nothing, until `resume()`.
  public func pause() async throws {
    guard let processID = life.withLock({ $0?.processID }) else { return }
    try await TestSupport.pause(processID: processID)
  }

  public func resume() { signal(SIGCONT) }

  private func signal(_ number: Int32) {
    life.withLock { life in
      if let life { _ = Glibc.kill(life.processID, number) }
    }
  }

  private func end() async {
    let ended = life.withLock { life in
      defer { life = nil }
      return life
    }
    ended?.end.finish()
    try? await ended?.shell.value
  }

  private func expectNoImmortalKey() async throws {
    guard life.withLock({ $0 != nil }) else { return }
    resume()
    let immortal = try await cli(
      "EVAL",
      """
      local found, cursor = {}, '0'
      repeat
        local page = redis.call('SCAN', cursor, 'COUNT', 1000)
        cursor = page[1]
        for _, key in ipairs(page[2]) do if redis.call('PTTL', key) == -1 then found[#found + 1] = key end end
      until cursor == '0'
      return found
      """, "0")
    if !immortal.isEmpty { Issue.record("keys without a time to live: \(immortal)") }
  }
}

/// One `RedisServer` for a suite, as `RedisServer.current`.
public struct RedisTrait: SuiteTrait, TestTrait, TestScoping {
  public func provideScope(
    for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
  ) async throws {
    try await RedisServer.with { server in
      try await RedisServer.$current.withValue(server) { try await body() }
    }
  }
}

extension Trait where Self == RedisTrait {
  /// Gives the suite a `redis-server` of its own.
  public static var redis: Self { Self() }
}
