import Files
import Foundation
import GatehouseCore
import NIOCore
import StrictJSON
import Threads

/// A service that lives for a test run alone: nothing of it is left when it ends, and nobody but this machine reaches it.
struct Ephemeral: Sendable {
  private static let readyPatience: Duration = .seconds(15)
  private static let scopes: [JSONValue] = [.string("gate"), .string("work"), .string("accounts")]

  private let given: ConfigurationSource

  /// - Parameter given: the configuration. The folder and cheap hashing override it, free ports yield to flags.
  init(_ given: ConfigurationSource) { self.given = given }

  private func source(in path: String) -> ConfigurationSource {
    var source = given
    for key in ["http.port", "http.ops_port"] where source.flags[key] == nil { source.flags[key] = "0" }
    source.flags["data"] = path
    source.flags["password.argon_memory_kib"] = "64"
    source.flags["password.argon_passes"] = "1"
    source.flags["login.floor_ms"] = "0"
    return source
  }

  /// Runs `serve` over Redis and data of its own, until it is told to end.
  func run(
    _ serve: (ConfigurationSource, @escaping @Sendable (Startup.Addresses) async throws -> Void) async throws -> Void
  ) async throws {
    let http = try given.load().http
    for (key, host) in [("http.host", http.host), ("http.ops_host", http.opsHost)] where !SettingsReader.isLoopback(host) {
      throw CommandFailure("\(key) is \"\(host)\": a service with --ephemeral hashes passwords cheaply and listens on loopback alone.")
    }
    let temporary = try EphemeralFolder.make()
    defer { temporary.remove() }
    let folder = try DataFolder.makingIfNew(temporary.path)
    let source = source(in: temporary.path)
    let redis = try await TemporaryRedis.start(in: folder)
    let input = EndOfInput { kill(getpid(), SIGTERM) }
    defer { input.cancel() }
    let result: Result<Void, any Error>
    do { result = .success(try await serve(source) { try await announce($0, folder, source) }) } catch { result = .failure(error) }
    await redis.stop()
    try result.get()
  }

  /// Says where the service is, in one line for programs, once it is whole.
  private func announce(_ addresses: Startup.Addresses, _ folder: DataFolder, _ source: ConfigurationSource) async throws {
    let key = try await Operations.with(folder, settings: source.load) { operations in
      let end = ContinuousClock.now + Self.readyPatience
      while try await operations.ask("GET", "/readyz").text("status") != "ready" {
        guard ContinuousClock.now < end else { throw CommandFailure("Redis does not answer: see \(folder.path)/redis.log.") }
        try await Task.sleep(for: .milliseconds(10))
      }
      return try await operations.ask("POST", "/v1/admin/keys", ["name": "ephemeral", "scopes": .array(Self.scopes)]).text("key")
    }
    var writer = JSONWriter()
    writer.object { writer in
      writer.string("url", addresses.public)
      writer.string("ops_url", addresses.operations)
      writer.string("ops_socket", addresses.socket)
      writer.string("data", folder.path)
      writer.string("key", key)
      writer.int("pid", Int(getpid()))
    }
    let line = String(decoding: writer.bytes, as: UTF8.self)
    try await offPool { Result { () throws(CommandFailure) in try Output.line(line) } }.get()
  }
}

/// Tells when the other end of standard input, if that is a pipe, is gone: a test run that was killed leaves nothing behind.
final class EndOfInput {
  private let source: (any DispatchSourceRead)?

  init(_ ended: @escaping @Sendable () -> Void) {
    guard let kind = FileStatus(descriptor: STDIN_FILENO)?.kind, kind == .pipe || kind == .socket else {
      source = nil
      return
    }
    let source = DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO, queue: DispatchQueue(label: "gatehouse.input"))
    source.setEventHandler {
      var bytes: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
      if read(STDIN_FILENO, &bytes, MemoryLayout.size(ofValue: bytes)) <= 0 {
        source.cancel()
        ended()
      }
    }
    source.resume()
    self.source = source
  }

  func cancel() { source?.cancel() }
}
