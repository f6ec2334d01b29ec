import GatehouseCrypto
import Foundation
import GatehouseCore
import LocalHTTP
import Logging
import NIOCore
import ServiceLifecycle
import StrictJSON

/// The ops routes of a service, over a Unix socket: those of a running API, or of this process for the time of one command.
///
/// Either way the same handlers answer, so a command never is a second writer beside a server, and Redis learns of every change.
struct Operations: Sendable {
  private static let patience: Duration = .seconds(5)
  private static let probeDeadline = TimeAmount.seconds(2)
  private static let deadline = TimeAmount.seconds(30)
  private static let redisPatience: Duration = .milliseconds(500)

  private let socket: String

  /// Runs `body` with the ops routes of the service of a data folder.
  static func with<T: Sendable>(
    _ folder: DataFolder, settings: () throws -> Settings, _ body: @escaping @Sendable (Operations) async throws -> T
  ) async throws -> T {
    let end = ContinuousClock.now + patience
    while true {
      for socket in folder.sockets.all where await answers(socket) { return try await body(Operations(socket: socket)) }
      folder.sockets.removeStale()
      if let lock = try folder.lock(exclusive: true) {
        defer { close(lock) }
        return try await alone(folder, settings(), body)
      }
      guard ContinuousClock.now < end else { break }
      // A server between its lock and its socket, one that drains, or another command.
      try await Task.sleep(for: .milliseconds(50))
    }
    throw CommandFailure(
      "Something holds the lock of \(folder.path) and answers on none of its ops sockets: a server that starts, drains or hangs, or "
        + "another command. Try again in a moment; end it if it stays so.")
  }

  /// Whether a server takes requests there.
  private static func answers(_ socket: String) async -> Bool {
    guard let answer = try? await LocalHTTP.send("GET", "/readyz", to: .unix(path: socket), within: probeDeadline),
      case .object(let health)? = try? JSONValue.parse(answer.body)
    else { return false }
    return health["status"] != "draining"
  }

  /// Without a server: the same API in this process, which holds the folder alone meanwhile.
  private static func alone<T: Sendable>(
    _ folder: DataFolder, _ settings: Settings, _ body: @escaping @Sendable (Operations) async throws -> T
  ) async throws -> T {
    let level = JSONLines.Level(.error)
    let log = Logger(label: "gatehouse") { _ in JSONLines(level: level) }
    let assembly = try Assembly.open(settings: settings, folder: folder, log: log)
    await assembly.isAlone()
    let socket = folder.sockets.command
    defer { unlink(socket) }
    let (started, starting) = AsyncStream.makeStream(of: Void.self)
    let group = ServiceGroup(
      services: [
        LedgerService(ledger: assembly.ledger, readiness: assembly.readiness, log: log), assembly.redis, assembly.leasePolls,
        assembly.socketListener(socket) { starting.finish() },
      ],
      logger: log)
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        defer { starting.finish() }
        try await group.run()
      }
      for await _ in started {}
      try await assembly.startClock()
      // So that Redis hears of the change now. A Redis that is away hears of it from the first server that starts.
      let end = ContinuousClock.now + redisPatience
      while access(folder.redisSocket, F_OK) == 0, !assembly.lease.isHeld, ContinuousClock.now < end {
        try await Task.sleep(for: .milliseconds(5))
      }
      let result: Result<T, any Error>
      do { result = .success(try await body(Operations(socket: socket))) } catch { result = .failure(error) }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
      await assembly.hashing.close()
      return try result.get()
    }
  }

  /// One request; the answer's object, empty without a body. A problem is thrown as its sentence.
  /// - Parameter missing: what a 404 means here.
  func ask(_ method: String, _ path: String, _ body: JSONObject? = nil, missing: String? = nil) async throws(CommandFailure) -> JSONObject {
    let json = body.map { object in
      var writer = JSONWriter()
      writer.value(.object(object))
      return writer.bytes
    }
    let answer: LocalHTTP.Answer
    do { answer = try await LocalHTTP.send(method, path, json: json, to: .unix(path: socket), within: Self.deadline) } catch {
      switch error {
      case .nobodyListens: throw CommandFailure("The server has just ended. Nothing was done: try again.")
      case .unreachable(let reason): throw CommandFailure("The ops socket \(socket) can't be reached: \(reason).")
      case .noAnswer:
        throw CommandFailure(
          "The server ended or stopped responding before it answered: check whether it was done (list, show), then try again.")
      }
    }
    let object: JSONObject = if case .object(let object)? = try? JSONValue.parse(answer.body) { object } else { [:] }
    if (200..<300).contains(answer.status) { return object }
    if answer.status == 404, let missing { throw CommandFailure(missing) }
    throw CommandFailure(Self.sentence(object, status: answer.status))
  }

  private static func sentence(_ problem: JSONObject, status: Int) -> String {
    let faults = problem.objects("errors").map { "\($0.text("field") ?? "?"): \($0.text("message") ?? $0.text("code") ?? "?")" }
    guard faults.isEmpty else { return faults.joined(separator: " ") }
    return problem.text("detail") ?? "The server answered with status \(status)."
  }
}

extension JSONObject {
  /// The text of a member; nil if it is missing or none.
  func text(_ name: String) -> String? { if case .string(let text)? = self[name] { text } else { nil } }
  /// The number of a member.
  func number(_ name: String) -> Int64? { if case .number(let number)? = self[name] { number.asInt64 } else { nil } }
  /// The objects of a member that is a list.
  func objects(_ name: String) -> [JSONObject] {
    guard case .array(let values)? = self[name] else { return [] }
    return values.compactMap { if case .object(let object) = $0 { object } else { nil } }
  }
}
