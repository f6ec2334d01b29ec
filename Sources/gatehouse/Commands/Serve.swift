import ArgumentParser
import Foundation
import GatehouseCore
import GatehouseCrypto
import GatehouseLedger
import LedgerSQLite
import Logging

struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the API on its public and ops listeners.",
    discussion: """
      Redis is looked for at redis.sock in the data folder; without it everything is served from the ledger until it comes.
      SIGTERM and SIGINT drain and stop, a second one ends at once, SIGHUP reads the configuration and the secret again.
      With --ephemeral the first line is JSON: url, ops_url, ops_socket, data, pid, and a service key with scopes gate, work, accounts;
      the service also ends when its standard input, if that is a pipe, is closed.
      """)

  private static let lockPatience: Duration = .seconds(5)

  @OptionGroup var service: ServiceOptions
  @Option(help: "The port of the public listener.") var port: Int?
  @Option(help: "The port of the ops listener.") var opsPort: Int?
  @Flag(help: "Start once without the lost secret: the ledger's sessions end.") var newSecret = false
  @Flag(help: "Start once without the lost ledger: empty, without its users, sessions and keys.") var newLedger = false
  @Flag(help: "Check the whole ledger for damage first.") var check = false
  @Flag(help: "For tests: temporary data, a Redis of its own, cheap password hashing, free ports, loopback only.") var ephemeral = false

  func validate() throws {
    if ephemeral, service.data != nil { throw ValidationError("--ephemeral makes a data folder of its own: leave --data out.") }
  }

  func run() async throws {
    // Everything that this process makes is its owner's alone. Set before there is a second thread, and never changed again.
    umask(0o077)
    signal(SIGPIPE, SIG_IGN)
    // Until the service listens for it, SIGHUP must not end the process.
    signal(SIGHUP, SIG_IGN)
    var source = service.source
    if let port { source.flags["http.port"] = String(port) }
    if let opsPort { source.flags["http.ops_port"] = String(opsPort) }
    if ephemeral { return try await Ephemeral(source).run { try await Self.serve($0, whenReady: $1) } }
    try await Self.serve(source, accepted: .init(newLedger: newLedger, newSecret: newSecret), checks: check)
  }

  private static func serve(
    _ source: ConfigurationSource, accepted: Assembly.Accepted = .init(), checks: Bool = false,
    whenReady: (@Sendable (Startup.Addresses) async throws -> Void)? = nil
  ) async throws {
    let settings = try source.load()
    let source = source.pinned
    try Descriptors.check()
    let level = JSONLines.Level(settings.logLevel)
    let log = Logger(label: "gatehouse") { _ in JSONLines(level: level) }
    let isNew = !FileManager.default.fileExists(atPath: settings.dataFolder)
    let folder = try DataFolder.makingIfNew(settings.dataFolder)
    do { try Ports.check(settings.http) } catch {
      // A start that is refused leaves nothing: an empty folder goes, another one stays.
      if isNew { rmdir(folder.path) }
      throw error
    }
    // A process that is the first to have the folder knows that nobody serves from Redis.
    let first = try folder.lock(exclusive: true)
    let shared = first == nil ? try await folder.lock(exclusive: false, within: lockPatience) : nil
    guard let lock = first ?? shared else { throw busy(folder) }
    defer { close(lock) }
    folder.sockets.removeStale()
    let assembly = try Assembly.open(settings: settings, folder: folder, accepted: accepted, log: log)
    if checks, let fault = try await assembly.ledger.faults().first {
      await assembly.ledger.close()
      throw CommandFailure("The ledger \(folder.ledger) is damaged (\(fault)): restore a backup, the file and its log together.")
    }
    try await assembly.startClock()
    if first != nil {
      await assembly.isAlone()
      guard await folder.share(lock, within: lockPatience) else { throw busy(folder) }
    }
    do {
      try await ServiceProcess(assembly: assembly, source: source, level: level, log: log, whenReady: whenReady).run()
    } catch { throw Ports.failure(error, settings.http) }
  }
}

extension Serve {
  private static func busy(_ folder: DataFolder) -> CommandFailure {
    CommandFailure("A gatehouse command is working on \(folder.path) and does not end. Look for it with ps, then try again.")
  }
}

extension Assembly {
  /// An assembly, or the sentence that says why its files can't be opened.
  static func open(settings: Settings, folder: DataFolder, accepted: Accepted = .init(), log: Logger) throws -> Assembly {
    endWhenIndexIsCut(folder, log)
    do {
      return try Assembly(settings: settings, folder: folder, accepted: accepted, log: log)
    } catch let failure as ServerSecret.Failure {
      throw folder.unusableSecret() ?? CommandFailure(failure.description)
    } catch let problems as ConfigurationProblems {
      throw problems
    } catch {
      if let failure = folder.unusableLedger() { throw failure }
      let reason = "\(error)"
      throw CommandFailure("The ledger \(folder.ledger) can't be opened: \(reason.hasSuffix(".") ? reason : reason + ".")")
    }
  }
  /// The line for a file that is cut under the process, which no other code can write by then.
  private static func endWhenIndexIsCut(_ folder: DataFolder, _ log: Logger) {
    let event = LogEvent(
      level: .critical,
      message: """
        A file that is mapped into memory was cut while it was open, mostly the index of the ledger's log: the process ends. Nothing that was \
        acknowledged is lost, start again
        """, metadata: ["file": .string(folder.ledger + "-shm")], source: nil, file: #fileID, function: #function, line: #line)
    let (line, stamp) = JSONLines.lineToStamp(event)
    if !CutIndex.endsProcess(line, stamp: stamp, status: statusAfterLedger) {
      log.warning("A cut index of the ledger's log would end the process without a line of the log")
    }
  }
}
