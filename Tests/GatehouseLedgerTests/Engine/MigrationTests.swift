import GRDB
import TestSupport
import Testing

@testable import GatehouseLedger

@Suite("Versions of the file")
struct MigrationTests {
  private func open(_ path: String, version: Int, _ steps: [Int: String] = [:]) throws -> LedgerDatabase {
    try LedgerDatabase(path: path, schema: rowsSchema, version: version, migrations: steps, onFatal: { _ in }, log: quiet)
  }

  private func version(_ path: String) throws -> Int? { try seen(in: path) { try Int.fetchOne($0, sql: "PRAGMA user_version") } }

  @Test("a new file has the whole schema and its version")
  func new() async throws {
    try await withPath { path in
      await (try open(path, version: 3)).close()
      #expect(try version(path) == 3)
    }
  }

  @Test("a newer file is refused with one sentence and left as it is")
  func newer() async throws {
    try await withPath { path in
      await (try open(path, version: 3)).close()
      let failure = #expect(throws: LedgerFailure.self) { _ = try open(path, version: 2) }
      #expect(
        failure.map(String.init(describing:)) == "The ledger has version 3, newer than this program's 2: start the newer program.")
      #expect(try version(path) == 3)
    }
  }

  @Test("an older file goes through every step in order and keeps its rows")
  func forward() async throws {
    try await withPath { path in
      let old = try open(path, version: 1)
      try await old.insert(1)
      await old.close()
      let steps = [2: "ALTER TABLE rows ADD COLUMN note TEXT NOT NULL DEFAULT 'two'", 3: "UPDATE rows SET note = note || ' three'"]
      let new = try open(path, version: 3, steps)
      #expect(try await new.read { try String.fetchOne($0, sql: "SELECT note FROM rows WHERE id = 1") } == "two three")
      await new.close()
      #expect(try version(path) == 3)
    }
  }

  @Test("a step that fails half-way leaves the version before it, whole")
  func halfWay() async throws {
    try await withPath { path in
      let old = try open(path, version: 1)
      try await old.insert(1)
      await old.close()
      let steps = [2: "ALTER TABLE rows ADD COLUMN note TEXT", 3: "DELETE FROM rows; INSERT INTO nowhere VALUES (1)"]
      #expect(throws: LedgerFailure.self) { _ = try open(path, version: 3, steps) }
      #expect(try version(path) == 2)
      #expect(try idsSeen(in: path) == [1], "what the failing step had done is undone")
      let mended = try open(path, version: 3, [3: "INSERT INTO rows (id) VALUES (3)"])
      await mended.close()
      #expect(try idsSeen(in: path) == [1, 3])
    }
  }

  @Test("a version that no step leads to is refused")
  func missing() async throws {
    try await withPath { path in
      await (try open(path, version: 1)).close()
      let failure = #expect(throws: LedgerFailure.self) { _ = try open(path, version: 2) }
      #expect(failure.map(String.init(describing:)) == "There is no migration of the ledger to version 2.")
    }
  }

  @Test("a file of something else is not written to")
  func foreign() async throws {
    try await withPath { path in
      let other = try DatabaseQueue(path: path)
      try await other.write { try $0.execute(sql: "CREATE TABLE theirs (id INTEGER)") }
      try other.close()
      let failure = #expect(throws: LedgerFailure.self) { _ = try open(path, version: 1) }
      #expect(failure.map(String.init(describing:))?.hasPrefix("The file holds tables but no ledger") == true)
      #expect(try seen(in: path) { try $0.tableExists("rows") } == false)
    }
  }
}
