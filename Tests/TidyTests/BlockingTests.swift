import Foundation
import Testing

/// Nothing that may wait for a disk, another process or the network runs on an event loop or on a thread that tasks share. So each call
/// that can block stands where this table allows it, with the reason why nobody waits there who serves.
@Suite struct BlockingTests {
  struct Kind: Sendable, CustomTestStringConvertible {
    let name: String
    let pattern: String
    /// Where it is allowed, and why nobody who serves waits there.
    let places: [String: String]
    var testDescription: String { name }
  }

  private static let start = "before the process serves, and after"
  private static let command = "a command: nothing else runs in its process"
  private static let child = "before the process serves, and after; only with --ephemeral"

  static let kinds: [Kind] = [
    Kind(
      name: "files",
      pattern: #"\b(FileManager|FileHandle)\b|\bFileStatus\(|contentsOfFile|contentsOf: URL|Data\(contentsOf"#
        + #"|\b(fsync|fdatasync|fopen|fgets|readLine|fflush)\(|\bopen\([^)]*O_|\b(stat|fstat|access|unlink|rename|mkdir|chmod|fchmod)\(|\b(read|write|pread|pwrite)\((STD\w+|file),"#,
      places: [
        "Sources/Files/FileStatus.swift": "its callers stand in this table themselves",
        "Sources/GatehouseCore/Support/ServiceClock.swift": "reads /proc alone, once, before the process serves",
        "Sources/GatehouseCrypto/Passwords/HashMemory.swift": "reads /proc and /sys alone",
        "Sources/GatehouseCrypto/SecretFile.swift": start + "; Reload calls it off the pool",
        "Sources/GatehouseHTTP/Handlers/Spool.swift": "the thread of a reader that exports alone use, then off the pool",
        "Sources/LedgerSQLite/File/FileAndLog.swift": "asks for names alone, on the threads of the writer and of a reader",
        "Sources/LedgerSQLite/File/LockHolders.swift": "reads /proc alone, on threads of Dispatch and the writer's",
        "Sources/LedgerSQLite/File/NewLedger.swift": "before the process serves",
        "Sources/LedgerSQLite/File/Turnstile.swift": "opens its files " + start,
        "Sources/Threads/CurrentThread.swift": "writes to /proc, as a hashing thread begins",
        "Sources/gatehouse/DataFolder/DataFolder.swift": start,
        "Sources/gatehouse/Assembly/Listeners.swift": "a socket's mode, once, before the process serves",
        "Sources/gatehouse/Output/LogSink.swift": "the log's own thread",
        "Sources/gatehouse/Assembly/LoopCores.swift": "reads /proc alone, off the pool",
        "Sources/gatehouse/DataFolder/OpsSockets.swift": "names of sockets, before the process serves and as it ends",
        "Sources/gatehouse/Assembly/SecretRules.swift": start,
        "Sources/gatehouse/Assembly/TemporaryRedis.swift": child,
        "Sources/gatehouse/Commands/Ephemeral.swift": child,
        "Sources/gatehouse/DataFolder/EphemeralFolder.swift": child,
        "Sources/gatehouse/Commands/Operations.swift": command,
        "Sources/gatehouse/Output/Output.swift": command + "; a service calls it off the pool",
        "Sources/gatehouse/Commands/Serve.swift": start,
        "Sources/gatehouse/Configuration/ConfigurationSource.swift": "before the process serves; Reload calls it off the pool",
      ]),
    Kind(
      name: "locks and waiting",
      pattern: #"\b(flock|usleep|nanosleep|waitpid|select|sem_wait)\(|\bpoll\(&|\.wait\(|\.sync\s*[{(]"#
        + #"|\bDispatch(Group|Semaphore|WorkItem)\b|waitUntilExit|\bProcess\(\)"#,
      places: [
        "Sources/GatehouseCrypto/HashPool.swift": "the hashing threads",
        "Sources/LedgerSQLite/File/Turnstile.swift": "the writer's thread, and a bounded time before the process serves",
        "Sources/GatehouseLedger/Queues/WriteQueue.swift": "the writer's thread",
        "Sources/gatehouse/DataFolder/DataFolder.swift": "asks for the lock and never waits for it",
        "Sources/gatehouse/Output/LogSink.swift": "the log's own thread, and a bounded time as the process ends",
        "Sources/gatehouse/DataFolder/EphemeralFolder.swift": child,
        "Sources/gatehouse/Output/Output.swift": command + "; a service calls it off the pool",
        "Sources/gatehouse/Assembly/TemporaryRedis.swift": child,
      ]),
    Kind(
      name: "names and sockets",
      pattern: #"getaddrinfo|gethostby|ResolvingHost|\bgetpw\w+\(|\b(connect|recv|send)\(file, "#,
      places: [
        "Sources/Files/FileStatus.swift": start,
        "Sources/gatehouse/DataFolder/OpsSockets.swift": "a socket that does not block, " + start,
        "Sources/gatehouse/Assembly/Ports.swift": start,
      ]),
  ]

  @Test("A call that can block stands only where nobody waits who serves", arguments: kinds)
  func blocking(kind: Kind) throws {
    // As in other tools: to Unicode `FileManager.default` is one word.
    let pattern = try Regex(kind.pattern).wordBoundaryKind(.simple)
    var found: Set<String> = []
    for file in SourceTree.sources where file.path.hasSuffix(".swift") {
      for (number, line) in file.lines.enumerated() where line.contains(pattern) {
        let code = line.trimmingCharacters(in: .whitespaces)
        if code.hasPrefix("//") || code.contains("func ") { continue }
        found.insert(file.path)
        if kind.places[file.path] == nil {
          Issue.record("\(file.path):\(number + 1) may block: call it through offPool, or say in this table why nobody waits")
        }
      }
    }
    #expect(Set(kind.places.keys).subtracting(found).isEmpty, "places that need no leave any more")
  }
}
