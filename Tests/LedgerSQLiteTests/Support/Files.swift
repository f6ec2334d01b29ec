import Foundation
import GRDB
import Logging
import Synchronization
import Testing

@testable import GatehouseLedger
@testable import LedgerSQLite

/// Runs `body` with the path of a ledger to be, in a folder of its own that goes afterwards.
func withPath<T>(_ body: (String) async throws -> T) async throws -> T {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gatehouse-ledger-\(UUID().uuidString)").path
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  return try await body(folder + "/ledger.sqlite")
}

/// A schema that is small enough to see through.
let rowsSchema = """
  CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB NOT NULL DEFAULT x'', writer INTEGER NOT NULL DEFAULT 0) STRICT;
  """

let quiet = Logger(label: "ledger tests") { _ in SwiftLogNoOpLogHandler() }

/// Opens `path` with `rows` in it.
func openRows(
  _ path: String, _ options: SQLiteOptions = .init(), log: Logger = quiet,
  onFatal: @escaping @Sendable (LedgerFailure) -> Void = { _ in }
) throws -> LedgerDatabase {
  try LedgerDatabase.sqlite(
    path: path, Migrations(schema: rowsSchema, version: 1, steps: [:]), options: options, onFatal: onFatal, log: log)
}

/// Closes a ledger while another process has the writer's turn, so that the log stays as it is.
func closeWithLog(_ ledger: LedgerDatabase, _ path: String) async throws {
  let other = open(path + ".writer", O_RDWR)
  #expect(other >= 0 && flock(other, LOCK_EX) == 0)
  await ledger.close()
  close(other)
}

extension LedgerTransaction {
  /// The connection, for what SQLite alone has.
  var sqlite: Database {
    get throws { try #require(self as? SQLiteTransaction).db }
  }
}

extension LedgerDatabase {
  /// Inserts one row; its answer follows the commit.
  func insert(_ id: Int, bytes: Int = 0, writer: Int = 0) async throws {
    try await write { db in
      try db.run("INSERT INTO rows (id, body, writer) VALUES (?, zeroblob(?), ?)", [id, bytes, writer])
    }
  }
}

/// The file's content as another connection sees it, which is opened as another program would open one.
func seen<T: Sendable>(in path: String, _ body: @Sendable (Database) throws -> T) throws -> T {
  var configuration = Configuration()
  configuration.readonly = true
  configuration.busyMode = .timeout(5)
  let queue = try DatabaseQueue(path: path, configuration: configuration)
  defer { try? queue.close() }
  return try queue.read(body)
}

func idsSeen(in path: String) throws -> Set<Int> { try seen(in: path) { try Int.fetchSet($0, sql: "SELECT id FROM rows") } }

/// A place where closures of several threads leave values.
final class Collected<Value: Sendable>: Sendable {
  private let values = Mutex<[Value]>([])
  func add(_ value: Value) { values.withLock { $0.append(value) } }
  var all: [Value] { values.withLock { $0 } }
}

/// Holds whatever thread waits at it until it is opened.
final class Latch: Sendable {
  private let semaphore = DispatchSemaphore(value: 0)
  private let reached = Mutex(false)
  /// Called on a thread that may block: a database's.
  func wait() {
    reached.withLock { $0 = true }
    semaphore.wait()
  }
  func open() { semaphore.signal() }
  var isReached: Bool { reached.withLock { $0 } }
}
